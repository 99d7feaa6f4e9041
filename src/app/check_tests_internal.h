#ifndef MOAT_APP_CHECK_TESTS_INTERNAL_H
#define MOAT_APP_CHECK_TESTS_INTERNAL_H

#define CHECK_TESTS_FAILED 1

/* Judges every client of a file of expectations by the rules of a configuration. None of its
 * secrets is read: no private key and no password file. What differs goes to standard output with
 * the account of how it came about, then the counts. Returns EX_OK, CHECK_TESTS_FAILED, or
 * EX_CONFIG, EX_DATAERR or EX_NOINPUT for faults in the files themselves. */
int check_tests(const char *config_path, const char *tests_path);

#endif
