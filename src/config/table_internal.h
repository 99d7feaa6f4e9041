/*
 * The table of every key. It drives reading, "did you mean", --print, reload,
 * the reference page and the example; nothing else knows a key's type, default or range.
 *
 * Paths: "upstream.address"; "listeners[].name" for a key of each entry of a list.
 */
#ifndef MOAT_CONFIG_TABLE_INTERNAL_H
#define MOAT_CONFIG_TABLE_INTERNAL_H

#include "moat/base/bytes.h"

enum table_type {
    TABLE_MAP,        /* keys beneath this one */
    TABLE_MAPS,       /* a list of maps; `minimum` to `maximum` entries */
    TABLE_TEXT,       /* char *; `minimum` to `maximum` bytes */
    TABLE_PATH,       /* char *; joined with the folder of the configuration file */
    TABLE_ENDPOINT,   /* struct endpoint */
    TABLE_BOOL,       /* any integer member */
    TABLE_NUMBER,     /* any integer member */
    TABLE_DURATION,   /* any integer member, in milliseconds */
    TABLE_SIZE,       /* any integer member, in bytes */
    TABLE_WORD,       /* any integer member; one of `words` */
    TABLE_WORDS,      /* list of one-byte integers; one or more of `words` */
    TABLE_GLOBS,      /* list of char *; patterns */
    TABLE_NETWORKS,   /* list of char *; CIDR */
    TABLE_PINS,       /* list of char *; digests of public keys */
    TABLE_NAMES,      /* list of char *; names with substitutions */
    TABLE_FILTERS,    /* list of char *; topic filters with substitutions */
    TABLE_CHARACTERS, /* char *; a set of characters */
    TABLE_REQUIRE,    /* enum policy_require */
};

struct table_word {
    const char *text;
    unsigned value;
};

#define TABLE_WORDS_MAX 8

struct table_row {
    const char *path;
    enum table_type type;
    const char *fallback; /* the default, as text; NULL when there is none */
    const char *small;    /* the default with profile: small; NULL: the same */
    uint64_t minimum;
    uint64_t maximum;
    struct table_word words[TABLE_WORDS_MAX]; /* ends early with a NULL text */
    bool is_required;
    bool needs_restart;   /* a reload cannot change it */
    bool is_secret;       /* --print hides the value */
    bool in_example;      /* stands in config/moat.yaml without a # in front */
    const char *variable; /* of the environment, "MOAT_..."; NULL when there is none. Beneath lists
                           * it is for the first entry. Never of a list of values */
    const char *doc;      /* sentences */
    const char *example;

    /* Where the value goes: in struct config, or in the struct of the innermost list
     * entry. A member of size 0: checked, then not needed. Lists also have a counter. */
    size_t offset;
    size_t size;
    size_t counter_offset;
    size_t element_size; /* of TABLE_MAPS; 0: the one entry lives in the surrounding struct */
};

/* All rows, in the order of the reference page. Begins with NULL, and NULL is behind the last. */
const struct table_row *table_after(const struct table_row *row);

#define TABLE_PATH_SIZE 128 /* a path with indices and its NUL */

/* The pattern of the keys beneath a TABLE_MAP or TABLE_MAPS; "" is the top. */
void table_pattern_below(const struct table_row *row, char out_pattern[TABLE_PATH_SIZE]);

/* The rows directly beneath a pattern, in order; NULL after the last. Begins with NULL. */
const struct table_row *table_next(const char *pattern, const struct table_row *previous);

/* The row of a key beneath a pattern, or NULL. */
const struct table_row *table_find(const char *pattern, const char *key);

/* The last part of the row's path. */
const char *table_key(const struct table_row *row);

/* The key's path under a parent with indices: ("listeners[0]", row of name) -> "listeners[0].name".
 */
void table_path(const char *parent, const struct table_row *row, char out_path[TABLE_PATH_SIZE]);

/* ("listeners", 0) -> "listeners[0]". */
void table_path_of_entry(const char *list, size_t index, char out_path[TABLE_PATH_SIZE]);

/* The type and the range in words: "duration, 100ms to 1m". */
#define TABLE_TYPE_TEXT_SIZE 160
void table_type_text(const struct table_row *row, char out_text[TABLE_TYPE_TEXT_SIZE]);

/* A number of this row's kind as a person writes it: 3000 -> "3s". */
#define TABLE_NUMBER_TEXT_SIZE 32
void table_number_text(const struct table_row *row, uint64_t number,
                       char out_text[TABLE_NUMBER_TEXT_SIZE]);

#endif
