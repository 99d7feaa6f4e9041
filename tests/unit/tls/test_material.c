#include "base/whole_test.h"
#include "pki_fixture.h"
#include "tls/context_internal.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pool.h>

static struct fixture fixture;

static void set_up(void)
{
    fixture_init(&fixture);
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
    cr_expect_eq(ERR_peek_error(), 0, "an error was left for the next caller");
}

#define TEST(name) WHOLE_TEST(material, name, set_up, tear_down)

static void expect_chain(const char *pem, size_t count)
{
    struct tls_chain chain;
    const char *what = NULL;
    cr_assert(material_chain(slice_from_text(pem), &chain, &what), "%s", what);
    cr_expect_eq(sk_CRYPTO_BUFFER_num(chain.certificates), count);
    cr_expect_eq(X509_cmp(chain.leaf, fixture.server), 0, "the first is the server's");
    material_chain_deinit(&chain);
}

static void expect_no_chain(const char *pem, const char *part)
{
    struct tls_chain chain = {.leaf = NULL};
    const char *what = NULL;
    cr_assert_not(material_chain(slice_from_text(pem), &chain, &what), "taken: %s", pem);
    cr_expect_not_null(strstr(what, part), "%s", what);
    cr_expect_null(chain.leaf);
    cr_expect_null(chain.certificates);
}

static void expect_no_roots(const char *pem, const char *part)
{
    STACK_OF(CRYPTO_BUFFER) *names = NULL;
    const char *what = NULL;
    cr_assert_null(material_roots(slice_from_text(pem), &names, &what), "taken: %s", pem);
    cr_expect_not_null(strstr(what, part), "%s", what);
    cr_expect_null(names);
}

static void expect_roots(const char *pem, size_t count)
{
    STACK_OF(CRYPTO_BUFFER) *names = NULL;
    const char *what = NULL;
    X509_STORE *roots = material_roots(slice_from_text(pem), &names, &what);
    cr_assert_not_null(roots, "%s", what);
    cr_expect_eq(sk_CRYPTO_BUFFER_num(names), count);
    sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
    X509_STORE_free(roots);
}

TEST(one_certificate_or_several)
{
    char *both = fixture_joined(fixture.server_pem, fixture.ca_pem);
    char *with_text = fixture_joined("Subject: a comment, as openssl writes it\n", both);
    expect_chain(fixture.server_pem, 1);
    expect_chain(both, 2);
    expect_chain(with_text, 2);
    free(with_text);
    free(both);
}

TEST(files_without_a_certificate)
{
    static const char *const texts[] = {"", "\n\n", "# nothing here yet\n", "hello"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_no_chain(texts[i], "there is no certificate in it");
        expect_no_roots(texts[i], "there is no certificate in it");
    }
    expect_no_chain(fixture.server_key_pem, "there is no certificate in it");
    expect_no_roots(fixture.server_key_pem, "there is no certificate in it");
}

/* One that is cut must not silently become a shorter list of those we trust. */
TEST(a_file_cut_anywhere_is_never_taken_for_whole)
{
    char *both = fixture_joined(fixture.server_pem, fixture.ca_pem);
    size_t first = strlen(fixture.server_pem);
    size_t size = strlen(both);

    for (size_t cut = 0; cut < size; cut++) {
        struct tls_chain chain = {.leaf = NULL};
        STACK_OF(CRYPTO_BUFFER) *names = NULL;
        const char *what = NULL;
        bool is_chain = material_chain(slice_of(both, cut), &chain, &what);
        X509_STORE *roots = material_roots(slice_of(both, cut), &names, &what);
        cr_expect_eq(is_chain, roots != NULL, "cut at %zu", cut);
        if (is_chain) {
            /* Whole lines of the second one's beginning may be missing, or its last newline. */
            bool ends_behind_one =
                cut >= first - 1 && cut < first + strlen("-----BEGIN CERTIFICATE-----");
            cr_expect(ends_behind_one || cut == size - 1, "cut at %zu of %zu", cut, size);
            cr_expect_eq(sk_CRYPTO_BUFFER_num(names), ends_behind_one ? 1 : 2);
        }
        material_chain_deinit(&chain);
        sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
        X509_STORE_free(roots);
    }
    free(both);
}

TEST(broken_content)
{
    static const char broken[] =
        "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n";
    char *behind = fixture_joined(fixture.server_pem, broken);
    expect_no_chain(broken, "broken certificate");
    expect_no_chain(behind, "broken certificate");
    expect_no_roots(broken, "broken certificate");
    expect_no_roots(behind, "broken certificate");
    free(behind);
}

TEST(roots_one_several_and_the_same_twice)
{
    char *other = fixture_pem(fixture.other_ca);
    char *two = fixture_joined(fixture.ca_pem, other);
    char *twice = fixture_joined(fixture.ca_pem, fixture.ca_pem);
    expect_roots(fixture.ca_pem, 1);
    expect_roots(two, 2);
    expect_roots(twice, 2);
    free(other);
    free(two);
    free(twice);
}

static void expect_key(enum fixture_kind kind, unsigned bits)
{
    const char *what = NULL;
    EVP_PKEY *key = fixture_key(kind, bits);
    char *pem = fixture_key_pem(key, NULL);
    EVP_PKEY *read = material_key(slice_from_text(pem), &what);
    cr_assert_not_null(read, "%s", what);
    cr_expect_eq(EVP_PKEY_cmp(key, read), 1);
    EVP_PKEY_free(read);
    EVP_PKEY_free(key);
    free(pem);
}

TEST(keys_of_all_kinds)
{
    expect_key(FIXTURE_P256, 0);
    expect_key(FIXTURE_P384, 0);
    expect_key(FIXTURE_ED25519, 0);
    expect_key(FIXTURE_RSA, 2048);
}

static void expect_no_key(const char *pem, const char *part)
{
    const char *what = NULL;
    cr_assert_null(material_key(slice_from_text(pem), &what));
    cr_expect_not_null(strstr(what, part), "%s", what);
}

TEST(keys_that_are_none)
{
    expect_no_key("", "no private key");
    expect_no_key(fixture.server_pem, "no private key");
    expect_no_key("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
                  "no private key");
    for (size_t cut = 0; cut + 1 < strlen(fixture.server_key_pem); cut++) {
        const char *what = NULL;
        cr_expect_null(material_key(slice_of(fixture.server_key_pem, cut), &what), "%zu", cut);
    }
}

TEST(a_key_with_a_passphrase_asks_nobody)
{
    static const char old_form[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                                   "Proc-Type: 4,ENCRYPTED\n"
                                   "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
                                   "\n"
                                   "AAAAAAAAAAAAAAAAAAAAAA==\n"
                                   "-----END RSA PRIVATE KEY-----\n";
    char *pem = fixture_key_pem(fixture.server_key, "secret");
    expect_no_key(pem, "has a passphrase");
    expect_no_key(old_form, "has a passphrase");
    free(pem);
}

/* Repeats a PEM text until the file reaches `bytes`, `each` being what one counts for. */
static char *repeated(const char *pem, size_t each, size_t bytes)
{
    size_t count = bytes / each;
    size_t size = strlen(pem);
    char *many = malloc(count * size + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(many + i * size, pem, size);
    }
    many[count * size] = '\0';
    return many;
}

TEST(a_chain_of_32_kib_but_not_of_one_more_certificate)
{
    CRYPTO_BUFFER *one = fixture_bytes(fixture.server);
    size_t each = CRYPTO_BUFFER_len(one);
    char *most = repeated(fixture.server_pem, each, 32768);
    char *more = repeated(fixture.server_pem, each, 32768 + each);
    expect_chain(most, 32768 / each);
    expect_no_chain(more, "exceed 32 KiB");
    CRYPTO_BUFFER_free(one);
    free(most);
    free(more);
}

TEST(names_of_cas_of_32_kib_but_not_of_one_more)
{
    uint8_t *der = NULL;
    size_t each = (size_t)i2d_X509_NAME(X509_get_subject_name(fixture.ca), &der);
    char *most = repeated(fixture.ca_pem, each, 32768);
    char *more = repeated(fixture.ca_pem, each, 32768 + each);
    expect_roots(most, 32768 / each);
    expect_no_roots(more, "exceed 32 KiB");
    OPENSSL_free(der);
    free(most);
    free(more);
}
