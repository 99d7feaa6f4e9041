#include "moat/guard/quota.h"

#include <pthread.h>
#include <stdlib.h>

#include "digest_internal.h"
#include "moat/base/secret.h"

#define QUOTA_BUCKETS 4096u

struct quota_account {
    struct digest_node node;
    unsigned count; /* at least 1: an account without sessions is freed */
};

struct quota {
    pthread_mutex_t lock;
    struct digest_table accounts;
    uint8_t key[DIGEST_KEY_SIZE];
};

struct quota *quota_new(void)
{
    struct quota *quota = calloc(1, sizeof *quota);
    if (quota == NULL) {
        return NULL;
    }
    secret_random(quota->key, sizeof quota->key);
    if (digest_table_init(&quota->accounts, QUOTA_BUCKETS) != 0 ||
        pthread_mutex_init(&quota->lock, NULL) != 0) {
        digest_table_deinit(&quota->accounts);
        free(quota);
        return NULL;
    }
    return quota;
}

void quota_free(struct quota *quota)
{
    if (quota == NULL) {
        return;
    }
    digest_table_deinit(&quota->accounts);
    (void)pthread_mutex_destroy(&quota->lock);
    secret_wipe(quota, sizeof *quota);
    free(quota);
}

static struct quota_account *open_account(struct quota *quota, const struct digest *digest)
{
    struct quota_account *account = calloc(1, sizeof *account);
    if (account != NULL) {
        account->node.digest = *digest;
        digest_table_insert(&quota->accounts, &account->node);
    }
    return account;
}

static enum quota_answer take(struct quota *quota, const struct digest *digest, unsigned ceiling,
                              struct quota_account **out_account)
{
    struct quota_account *account =
        (struct quota_account *)digest_table_find(&quota->accounts, digest);
    unsigned count = account != NULL ? account->count : 0;

    if (count >= ceiling) {
        return QUOTA_USED_UP;
    }
    if (account == NULL) {
        account = open_account(quota, digest);
        if (account == NULL) {
            return QUOTA_NO_MEMORY;
        }
    }
    account->count++;
    *out_account = account;
    return QUOTA_GRANTED;
}

enum quota_answer quota_take(struct quota *quota, struct slice rule,
                             const struct guard_identity *identity, unsigned ceiling,
                             struct quota_account **out_account)
{
    struct digest digest = digest_of_identity(quota->key, rule, identity);

    (void)pthread_mutex_lock(&quota->lock);
    enum quota_answer answer = take(quota, &digest, ceiling, out_account);
    (void)pthread_mutex_unlock(&quota->lock);
    return answer;
}

void quota_give(struct quota *quota, struct quota_account *account)
{
    if (account == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&quota->lock);
    if (--account->count == 0) {
        digest_table_remove(&quota->accounts, &account->node);
        free(account);
    }
    (void)pthread_mutex_unlock(&quota->lock);
}
