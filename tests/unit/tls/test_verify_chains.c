/* Chains, clocks, and bytes that are none. */
#include "judging.h"

#define TEST(name) WHOLE_TEST(verify_chains, name, set_up, tear_down)

/* --- the clock --- */

static void expect_at(X509 *certificate, int64_t moment, const char *part, uint8_t wanted)
{
    uint8_t alert = 0;
    X509_up_ref(certificate);
    now = moment;
    const char *what = judge(&certificate, 1, &alert);
    if (part == NULL) {
        cr_expect_null(what, "%s at %lld", what, (long long)moment);
    } else {
        expect_verdict(what, alert, part, wanted);
    }
}

#define NOON_1970    INT64_C(43200)
#define END_OF_31BIT INT64_C(2147483647) /* 2038-01-19 */
#define END_2199     INT64_C(7258118400)
#define END_OF_32BIT INT64_C(4294967295) /* 2106-02-07 */

/* A CA and a client that are good from 1970 to 2200, so that nothing but the clock is wrong. */
TEST(a_clock_that_was_never_set_judges_nobody)
{
    static const char not_set[] = "clock is not set";
    int64_t real = now;
    X509 *ca = fixture_certificate(&(struct fixture_spec){.key = fixture.ca_key,
                                                          .cn = "Old CA",
                                                          .from = -real,
                                                          .until = END_2199 - real,
                                                          .is_ca = true});
    cr_assert(X509_STORE_add_cert(context.client_roots, ca));
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    spec.issuer = ca;
    spec.from = -real;
    spec.until = END_2199 - real;
    X509 *client = fixture_certificate(&spec);

    expect_at(client, NOON_1970, not_set, SSL_AD_INTERNAL_ERROR);
    expect_at(client, CLOCK_EARLIEST - 1, not_set, SSL_AD_INTERNAL_ERROR);
    expect_at(client, -1, not_set, SSL_AD_INTERNAL_ERROR);
    expect_at(client, CLOCK_EARLIEST, NULL, 0);
    expect_at(client, real, NULL, 0);
    for (int64_t step = -1; step <= 1; step++) {
        expect_at(client, END_OF_31BIT + step, NULL, 0);
        expect_at(client, END_OF_32BIT + step, NULL, 0);
    }
    expect_at(client, END_2199 - 1, NULL, 0);
    expect_at(client, END_2199, "has expired", SSL_AD_CERTIFICATE_EXPIRED);
    X509_free(client);
    X509_free(ca);
}

/* What ended long ago is good by a clock of 1970 and must not come in by it. */
TEST(a_clock_that_jumps)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    int64_t real = now;
    X509 *client = fixture_certificate(&spec);
    expect_at(client, real, NULL, 0);
    expect_at(client, real - 3650 * (int64_t)FIXTURE_DAY, "clock is not set",
              SSL_AD_INTERNAL_ERROR);
    expect_at(client, CLOCK_EARLIEST, "not valid yet", SSL_AD_CERTIFICATE_EXPIRED);
    expect_at(client, real + 3650 * (int64_t)FIXTURE_DAY, "has expired",
              SSL_AD_CERTIFICATE_EXPIRED);
    expect_at(client, real, NULL, 0);
    X509_free(client);
}

/* --- chains --- */

#define CHAIN_MAX 10

struct chain {
    EVP_PKEY *keys[CHAIN_MAX];
    X509 *list[CHAIN_MAX]; /* leaf first; [count] would be the CA's */
    size_t count;
};

/* A leaf and `count - 1` intermediates, all in order. */
static void chain_init(struct chain *chain, size_t count)
{
    X509 *issuer = fixture.ca;
    EVP_PKEY *signer = fixture.ca_key;

    chain->count = count;
    for (size_t i = count; i-- > 0;) {
        char name[32];
        snprintf(name, sizeof name, "level %zu", i);
        chain->keys[i] = fixture_key(FIXTURE_P256, 0);
        chain->list[i] = fixture_certificate(&(struct fixture_spec){
            .key = chain->keys[i], .issuer = issuer, .signer = signer, .cn = name, .is_ca = i > 0});
        issuer = chain->list[i];
        signer = chain->keys[i];
    }
}

static void chain_replace(struct chain *chain, size_t at, const struct fixture_spec *changes)
{
    struct fixture_spec spec = *changes;
    X509_free(chain->list[at]);
    chain->list[at] = fixture_certificate(&spec);
}

/* Frees the chain. */
static const char *chain_judge(struct chain *chain, uint8_t *out_alert)
{
    for (size_t i = 0; i < chain->count; i++) {
        EVP_PKEY_free(chain->keys[i]);
    }
    return judge(chain->list, chain->count, out_alert);
}

/* The CA is the fourth above the client's own. */
TEST(three_intermediates_but_not_four)
{
    struct chain chain;
    uint8_t alert = 0;
    for (size_t intermediates = 0; intermediates <= 3; intermediates++) {
        chain_init(&chain, intermediates + 1);
        const char *what = chain_judge(&chain, &alert);
        cr_expect_null(what, "%zu: %s", intermediates, what);
    }
    chain_init(&chain, 5);
    cr_expect_not_null(chain_judge(&chain, &alert));
}

TEST(eight_certificates_but_not_nine)
{
    for (size_t count = 8; count <= 9; count++) {
        uint8_t alert = 0;
        struct fixture_spec spec = fixture_client(&fixture, "pump-7");
        X509 *list[9] = {fixture_certificate(&spec)};
        for (size_t i = 1; i < count; i++) {
            list[i] = fixture_certificate(&spec); /* nobody's issuer, but sent */
        }
        const char *what = judge(list, count, &alert);
        if (count == 8) {
            cr_expect_null(what, "%s", what);
        } else {
            expect_verdict(what, alert, "too long", SSL_AD_BAD_CERTIFICATE);
        }
    }
}

TEST(an_intermediate_that_was_not_sent)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    X509_free(chain.list[1]);
    EVP_PKEY_free(chain.keys[1]);
    chain.count = 1;
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "not from a CA that this listener trusts", SSL_AD_UNKNOWN_CA);
}

TEST(a_client_that_plays_ca)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    struct fixture_spec spec = fixture_client(&fixture, "level 1");
    spec.key = chain.keys[1];
    chain_replace(&chain, 1, &spec); /* no longer a CA */
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "is not a CA's but has signed another", SSL_AD_UNKNOWN_CA);
}

TEST(an_intermediate_that_has_expired)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    chain_replace(&chain, 1,
                  &(struct fixture_spec){.key = chain.keys[1],
                                         .issuer = fixture.ca,
                                         .signer = fixture.ca_key,
                                         .cn = "level 1",
                                         .from = -FIXTURE_DAY,
                                         .until = -1,
                                         .is_ca = true});
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "has expired", SSL_AD_CERTIFICATE_EXPIRED);
}

TEST(an_intermediate_with_a_weak_key)
{
    struct chain chain;
    uint8_t alert = 0;
    chain_init(&chain, 2);
    EVP_PKEY *weak = fixture_key(FIXTURE_RSA, 1024);
    chain_replace(&chain, 1,
                  &(struct fixture_spec){.key = weak,
                                         .issuer = fixture.ca,
                                         .signer = fixture.ca_key,
                                         .cn = "level 1",
                                         .is_ca = true});
    struct fixture_spec leaf = fixture_client(&fixture, "pump-7");
    leaf.issuer = chain.list[1];
    leaf.signer = weak;
    chain_replace(&chain, 0, &leaf);
    const char *what = chain_judge(&chain, &alert);
    expect_verdict(what, alert, "2048 to 4096 bits", SSL_AD_BAD_CERTIFICATE);
    EVP_PKEY_free(weak);
}

/* --- bytes that are no certificate, or not the one that was signed --- */

TEST(every_byte_of_a_certificate_counts)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    X509 *certificate = fixture_certificate(&spec);
    CRYPTO_BUFFER *whole = fixture_bytes(certificate);
    size_t size = CRYPTO_BUFFER_len(whole);

    for (size_t i = 0; i < size; i++) {
        uint8_t *copy = NULL;
        uint8_t alert = 0;
        CRYPTO_BUFFER *bytes = CRYPTO_BUFFER_alloc(&copy, size);
        memcpy(copy, CRYPTO_BUFFER_data(whole), size);
        copy[i] ^= 1;
        cr_expect_not_null(judge_bytes(&bytes, 1, &alert), "byte %zu changed", i);
        cr_expect_neq(alert, 0);

        bytes = CRYPTO_BUFFER_new(CRYPTO_BUFFER_data(whole), i, NULL);
        const char *what = judge_bytes(&bytes, 1, &alert);
        expect_verdict(what, alert, "cannot be read", SSL_AD_BAD_CERTIFICATE);
    }
    CRYPTO_BUFFER_free(whole);
    X509_free(certificate);
}

TEST(garbage_behind_a_good_certificate)
{
    struct fixture_spec spec = fixture_client(&fixture, "pump-7");
    X509 *certificate = fixture_certificate(&spec);
    CRYPTO_BUFFER *list[] = {fixture_bytes(certificate),
                             CRYPTO_BUFFER_new((const uint8_t *)"garbage", 7, NULL)};
    uint8_t alert = 0;
    const char *what = judge_bytes(list, 2, &alert);
    expect_verdict(what, alert, "cannot be read", SSL_AD_BAD_CERTIFICATE);
    X509_free(certificate);
}
