/* The subcommands. Each gets its own arguments (argv[0] is its name) and returns a sysexits code.
 */
#ifndef MOAT_APP_COMMANDS_H
#define MOAT_APP_COMMANDS_H

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_passwd(int argc, char **argv);
int command_init(int argc, char **argv);
int command_healthcheck(int argc, char **argv);

#endif
