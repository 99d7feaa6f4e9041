/* UTF-8 as RFC 3629 defines it, and the characters MQTT advises against. */
#ifndef MOAT_BASE_UTF8_H
#define MOAT_BASE_UTF8_H

#include "moat/base/bytes.h"

enum utf8_status {
    UTF8_OK = 0,
    UTF8_ILL_FORMED,    /* overlong, surrogate, past U+10FFFF, cut short, stray byte */
    UTF8_NUL,           /* U+0000 */
    UTF8_CONTROL,       /* U+0001..001F, U+007F..009F */
    UTF8_NON_CHARACTER, /* U+FDD0..FDEF and every U+xxFFFE, U+xxFFFF */
};

/* The first fault of the text in reading order; UTF8_OK when there is none. */
enum utf8_status utf8_check(struct slice text) MOAT_MUST_CHECK;

#endif
