/* A password file as a table of users. */
#include "credential_internal.h"

#include "moat/base/secret.h"
#include "moat/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

struct user {
    char *name;
    struct credential credential;
    UT_hash_handle hh;
};

struct credentials {
    uint64_t key[2]; /* of the table: peers choose the names that are looked up */
    struct user *users;
    size_t count;
    size_t capacity;
    struct user *table;
};

static const char out_of_memory[] = "out of memory";

static uint64_t hash_name(const struct credentials *credentials, struct slice name)
{
    return secret_siphash(credentials->key, name);
}

static const struct user *find_user(const struct credentials *credentials, struct slice name,
                                    uint64_t hash)
{
    struct user *found = NULL;
    HASH_FIND_BYHASHVALUE(hh, credentials->table, name.data, name.size, (unsigned)hash, found);
    return found;
}

/* Takes the next line from *rest, without its end; CRLF ends a line as LF does. */
static struct slice take_line(struct slice *rest)
{
    struct slice line;
    if (!credential_take_field(rest, '\n', &line)) {
        line = *rest;
        *rest = slice_of(NULL, 0);
    }
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    return line;
}

/* Users there can be at most. */
static size_t count_lines(struct slice text)
{
    size_t count = 1;
    for (size_t at = 0; at < text.size; at++) {
        count += text.data[at] == '\n';
    }
    return count;
}

/* What is wrong with the line, as a static sentence, or NULL when its user was added. */
static const char *add_line(struct credentials *credentials, struct slice line)
{
    struct slice name;
    if (!credential_take_field(&line, ':', &name)) {
        return "no ':' after a user name; make a line with: moat passwd FILE USER";
    }
    if (name.size == 0) {
        return "the user name is empty";
    }
    /* Such a name can arrive in no CONNECT, and would look like another one in a log. */
    if (utf8_check(name) != UTF8_OK) {
        return "the user name is not UTF-8, or has control characters in it";
    }
    uint64_t hash = hash_name(credentials, name);
    if (find_user(credentials, name, hash) != NULL) {
        return "this user stands further up already; delete one of the two lines";
    }
    struct user *user = &credentials->users[credentials->count];
    const char *fault = credential_parse(line, &user->credential);
    if (fault != NULL) {
        return fault;
    }
    user->name = slice_to_text(name);
    if (user->name == NULL) {
        return out_of_memory;
    }
    credentials->count++; /* from here on credentials_free() releases it */
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, credentials->table, user->name, name.size, (unsigned)hash,
                                user);
    return user->hh.tbl != NULL ? NULL : out_of_memory;
}

static const char *add_lines(struct credentials *credentials, struct slice text, unsigned *line)
{
    if (slice_starts_with(text, "\xEF\xBB\xBF")) {
        *line = 1;
        return "the file begins with a byte order mark; save it as UTF-8 without one";
    }
    while (text.size > 0) {
        ++*line;
        struct slice entry = take_line(&text);
        if (entry.size == 0 || entry.data[0] == '#') {
            continue;
        }
        const char *fault = add_line(credentials, entry);
        if (fault != NULL) {
            return fault;
        }
    }
    *line = 0;
    /* "Nothing in it" must never come to mean "everybody" (CVE-2018-12550). */
    return credentials->count > 0 ? NULL
                                  : "no users; add the first one with: moat passwd FILE USER";
}

static struct credentials *credentials_new(size_t capacity)
{
    struct credentials *credentials = calloc(1, sizeof *credentials);
    if (credentials == NULL) {
        return NULL;
    }
    secret_random(credentials->key, sizeof credentials->key);
    credentials->capacity = capacity;
    credentials->users = calloc(capacity, sizeof *credentials->users);
    if (credentials->users == NULL) {
        free(credentials);
        return NULL;
    }
    return credentials;
}

struct credentials *credentials_parse(struct slice text, struct credentials_fault *out_fault)
{
    unsigned line = 0;
    const char *fault = out_of_memory;
    struct credentials *credentials = credentials_new(count_lines(text));
    if (credentials != NULL) {
        fault = add_lines(credentials, text, &line);
    }
    if (fault != NULL) {
        out_fault->line = line;
        (void)snprintf(out_fault->what, sizeof out_fault->what, "%s", fault);
        credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

void credentials_free(struct credentials *credentials)
{
    if (credentials == NULL) {
        return;
    }
    HASH_CLEAR(hh, credentials->table);
    for (size_t index = 0; index < credentials->count; index++) {
        free(credentials->users[index].name);
    }
    secret_wipe(credentials->users, credentials->capacity * sizeof *credentials->users);
    free(credentials->users);
    free(credentials);
}

static const struct credential *credential_of(const struct credentials *credentials,
                                              struct slice username)
{
    const struct user *user =
        credentials != NULL ? find_user(credentials, username, hash_name(credentials, username))
                            : NULL;
    return user != NULL ? &user->credential : NULL;
}

bool credentials_same(const struct credentials *a, const struct credentials *b,
                      struct slice username)
{
    const struct credential *one = credential_of(a, username);
    const struct credential *other = credential_of(b, username);

    return one != NULL && other != NULL && one->kind == other->kind &&
           one->rounds == other->rounds && one->memory == other->memory &&
           one->lanes == other->lanes &&
           slice_equal(slice_of(one->salt, one->salt_size),
                       slice_of(other->salt, other->salt_size)) &&
           slice_equal(slice_of(one->hash, one->hash_size),
                       slice_of(other->hash, other->hash_size));
}

size_t credentials_count(const struct credentials *credentials)
{
    return credentials->count;
}

bool credentials_has(const struct credentials *credentials, struct slice username)
{
    return find_user(credentials, username, hash_name(credentials, username)) != NULL;
}

const char *credentials_name(const struct credentials *credentials, size_t index)
{
    return credentials->users[index].name;
}

bool credentials_is_weak(const struct credentials *credentials, size_t index)
{
    const struct credential *credential = &credentials->users[index].credential;
    switch (credential->kind) {
    case CREDENTIAL_PBKDF2:
        return credential->rounds < CREDENTIALS_ITERATIONS_LOW;
    case CREDENTIAL_SHA512:
        return true;
    case CREDENTIAL_ARGON2:
        return false;
    }
    return true;
}

bool credentials_is_costly(const struct credentials *credentials, size_t index)
{
    return credentials->users[index].credential.kind == CREDENTIAL_ARGON2;
}

bool credentials_verify(const struct credentials *credentials, struct slice username,
                        struct slice password, bool *out_is_checked)
{
    uint64_t hash = hash_name(credentials, username);
    const struct user *user = find_user(credentials, username, hash);
    /* An unknown user costs what one of the known ones costs, and always the same one's, so
     * that neither one answer nor many tell who exists. The key is secret: nobody outside
     * can say which name borrows which cost. */
    const struct user *measured =
        user != NULL ? user : &credentials->users[hash % credentials->count];
    bool is_checked = false;
    bool right = credential_verify(&measured->credential, password, &is_checked);

    if (out_is_checked != NULL) {
        *out_is_checked = is_checked;
    }
    /* No Mosquitto writes the hash of an empty password; whoever sends none proves nothing. */
    return right && user != NULL && password.size > 0;
}
