/* Lines of password files for several tests. Those of alice, bob, carol and erin were
 * written by Debian 12's mosquitto_passwd, the others with another implementation. */
#ifndef MOAT_TESTS_POLICY_PASSWORD_LINES_H
#define MOAT_TESTS_POLICY_PASSWORD_LINES_H

#include "moat/policy/credentials.h"

#include <criterion/criterion.h>

#define ALICE                                                                                      \
    "alice:$7$101$XKC9RrtYgUyGNAOm$3t7oCAmx73ygdJjwaW2K5s6ZXtU+45em3kUlnTwM+"                      \
    "SiE5b6OWNil4UfI3Z2rdsYpo0wuGzfzfm7awh9ogE2N5Q=="
#define ALICE_PASSWORD "correct horse"
#define BOB                                                                                        \
    "bob:$7$101$j4dYlqBWPDcU9ocv$V/Lt6AzvFmFV/wyUkhzqeG3vTKvE9JWX7ke6DJt/f2eWR/"                   \
    "vIYsB4NKFjTGpKq8LrdEQ3C6/bgaoRvXV3MFCDLw=="
#define BOB_PASSWORD "s3cret"
#define CAROL                                                                                      \
    "carol:$7$101$meoH6mqrdXVuEeHY$6bDX7s8pR453Jml7RJJecFwwGanLPqHwUTcf55dKkEgOlN32ijVKcfn++ZEl+"  \
    "jgaoaeBmr7pG5dRrvguFoaB1g=="
#define CAROL_PASSWORD "open sesame"
#define ERIN                                                                                       \
    "erin:$6$D0qqNpM/x5aqNE5T$Lw0XVopp9+/mvXjkz1dKOgrJCaITLgjDde+iFFj/"                            \
    "Zwv9KlqGpGrEdOBqk59hkWR7APaQQQ14vkfqn8HXo4nc4A=="
#define ERIN_PASSWORD "hash6"

/* 64 bytes of salt and 1000 iterations, as Mosquitto 2.1 has it; the password is "long salt". */
#define SALT64                                                                                     \
    "salt64:$7$1000$"                                                                              \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$n+"  \
    "V9SCsiO+gwA/qjdjQMMw7MwGYSwyA29DHs/gIKEAHGcxsim2Cn/dWUam7T2Rni4QEEwPvg22OiDMZDREfxaQ=="
/* The password is the three bytes a, NUL, b. */
#define NUL7                                                                                       \
    "nul7:$7$3$MDEyMzQ1Njc4OWFi$Sh0PbU6jaF7o3/"                                                    \
    "CBKqm32tqRWncTGgpflGoG6Yjsp+Ho3nohuqp+nS8S6UjTpP+RqHzepnSH2Od4ockkuttsUg=="
#define NUL6                                                                                       \
    "nul6:$6$MDEyMzQ1Njc4OWFi$lv4peistq4o/dq8/"                                                    \
    "sQA5PuN9XHVJxTYV3Tgw8KB2dtyLPoO69s+1A0QPLtBCJ1ddHqjFm3IBbz1xeZhacRKbcA=="
/* 8, 7 and 65 bytes of salt; the password is "pw". */
#define SALT8                                                                                      \
    "salt8:$7$1$MDEyMzQ1Njc=$QKPQeUtvyuQ8Wv7G3XcW3DOq87IP9JOEyIDguFRfExZmCNs+"                     \
    "arzJA797jD37zwJD2UyN2cpB0Zkihknt1hRVpA=="
#define SALT7                                                                                      \
    "salt7:$7$1$MDEyMzQ1Ng==$XnphJMEjipuHH371x8Q69/"                                               \
    "pdXVST+9t8ghkygbUQih8XKFfe3v+JVJyF9nSW6GVwLXnTv3ytu0BtmK0Xe8+VJw=="
#define SALT65                                                                                     \
    "salt65:$7$1$"                                                                                 \
    "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=$"    \
    "6jY4s8os79JjTOWaHzY0+UfniyfOVTCYkp8xgFUJkdOW1hpNIc68hNronywSVlhPTHS1h75gTveinh2CZrhhEA=="
/* The hash of no password at all. */
#define EMPTY_PASSWORD                                                                             \
    "empty:$7$1$MDEyMzQ1Njc4OWFi$WgqlNOJISZhObqShOOmaF+sbSSbEyqEuFAJq7xNNWMtFc+37QPCrBOy5nSq/"     \
    "uEjnXdtOU95PWGpxFNIDT1g8Ag=="

/* 64 bytes of nothing in base64. */
#define HASH                                                                                       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define SALT "MDEyMzQ1Njc4OWFi"

/* Made with libargon2: Mosquitto 2.1's costs, then small ones; "argon secret" both times. */
#define ARGON                                                                                      \
    "argon:$argon2id$v=19$m=47104,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$psx7T1ch2+F2oy5p/"                \
    "NktGAHRgdOUa5jTu/SR7Te6/xZevhxN41JWim3oKlsV3Gmd+V4XtwH527rLsQzHv9n1mg"
#define ARGON_LANES                                                                                \
    "lanes:$argon2id$v=19$m=64,t=2,p=4$c2FsdHNhbHQ$RVSaI2r4oXpUIYFWfv/RwGTEEK7p2HAPAdhT05LdIjU"
#define ARGON_PASSWORD "argon secret"
/* a, NUL, b */
#define ARGON_NUL                                                                                  \
    "argonnul:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$wqnnBWIULhAksx+QOxkf9+4kcOXr07dzNbbOe+IeQ2w"

static inline struct credentials *parse(const char *text)
{
    struct credentials_fault fault = {0};
    struct credentials *credentials = credentials_parse(slice_from_text(text), &fault);
    cr_assert_not_null(credentials, "line %u: %s", fault.line, fault.what);
    return credentials;
}

/* For tests that use a line of Argon2's; of what a build without it says, there are others. */
static inline void skip_without_argon2(void)
{
    struct credentials_fault fault = {0};
    struct credentials *credentials = credentials_parse(slice_from_text(ARGON_LANES), &fault);
    if (credentials == NULL) {
        cr_skip("%s", fault.what);
    }
    credentials_free(credentials);
}

static inline bool verify(const struct credentials *credentials, const char *user,
                          const char *password)
{
    return credentials_verify(credentials, slice_from_text(user), slice_from_text(password), NULL);
}

#endif
