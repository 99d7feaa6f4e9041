/* What a test cannot see when it is built with AddressSanitizer. */
#ifndef TEST_SANITIZER_H
#define TEST_SANITIZER_H

#ifdef __SANITIZE_ADDRESS__
#define HAS_SANITIZER true
#else
#define HAS_SANITIZER false
#endif

#endif
