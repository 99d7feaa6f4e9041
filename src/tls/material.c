/* From the bytes of PEM files to BoringSSL's objects. */
#include "context_internal.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pool.h>

/* The bytes of a chain, and those of the names of client CAs. Both are sent in one flight of the
 * handshake, which a worker's output buffer must hold whole. */
#define MATERIAL_SENT_MAX (32u * 1024)

static BIO *open_pem(struct slice pem)
{
    return pem.size <= INT32_MAX ? BIO_new_mem_buf(pem.data, (ossl_ssize_t)pem.size) : NULL;
}

/* The next certificate; NULL at the end (*out_ok stays true) or at a broken one. */
static X509 *next_certificate(BIO *bio, bool *out_ok)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (certificate == NULL) {
        uint32_t error = ERR_peek_last_error();
        *out_ok = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    }
    ERR_clear_error();
    return certificate;
}

static bool push_bytes(STACK_OF(CRYPTO_BUFFER) * stack, const uint8_t *bytes, size_t size)
{
    CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(bytes, size, NULL);
    if (buffer == NULL) {
        return false;
    }
    if (!sk_CRYPTO_BUFFER_push(stack, buffer)) {
        CRYPTO_BUFFER_free(buffer);
        return false;
    }
    return true;
}

static bool fits(const STACK_OF(CRYPTO_BUFFER) * stack)
{
    size_t size = 0;
    for (size_t i = 0; i < sk_CRYPTO_BUFFER_num(stack); i++) {
        size += CRYPTO_BUFFER_len(sk_CRYPTO_BUFFER_value(stack, i));
    }
    return size <= MATERIAL_SENT_MAX;
}

static bool push_certificate(STACK_OF(CRYPTO_BUFFER) * stack, X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);
    bool is_pushed = size > 0 && push_bytes(stack, der, (size_t)size);
    OPENSSL_free(der);
    return is_pushed;
}

void material_chain_deinit(struct tls_chain *chain)
{
    X509_free(chain->leaf);
    sk_CRYPTO_BUFFER_pop_free(chain->certificates, CRYPTO_BUFFER_free);
    *chain = (struct tls_chain){.leaf = NULL};
}

bool material_chain(struct slice pem, struct tls_chain *out_chain, const char **out_what)
{
    struct tls_chain chain = {.certificates = sk_CRYPTO_BUFFER_new_null()};
    BIO *bio = open_pem(pem);
    bool is_ok = bio != NULL && chain.certificates != NULL;
    X509 *certificate = NULL;

    *out_what = "there is a broken certificate in it; it must hold PEM certificates, the "
                "server's own first";
    while (is_ok && (certificate = next_certificate(bio, &is_ok)) != NULL) {
        is_ok = push_certificate(chain.certificates, certificate);
        if (chain.leaf == NULL) {
            chain.leaf = certificate;
        } else {
            X509_free(certificate);
        }
    }
    BIO_free(bio);
    if (is_ok && chain.leaf == NULL) {
        *out_what = "there is no certificate in it; it must hold PEM certificates, the server's "
                    "own first";
        is_ok = false;
    } else if (is_ok && !fits(chain.certificates)) {
        *out_what = "its certificates exceed 32 KiB; it must hold the server's own and those that "
                    "lead to a CA, no more";
        is_ok = false;
    }
    if (!is_ok) {
        material_chain_deinit(&chain);
        return false;
    }
    *out_chain = chain;
    return true;
}

/* A passphrase is never asked for: a gate must start without a person. */
static int refuse_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)context;
    return 0;
}

EVP_PKEY *material_key(struct slice pem, const char **out_what)
{
    BIO *bio = open_pem(pem);
    EVP_PKEY *key =
        bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL) : NULL;

    if (key == NULL) {
        uint32_t error = ERR_peek_error();
        bool is_encrypted =
            ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_BAD_PASSWORD_READ;
        *out_what = is_encrypted ? "the private key has a passphrase; remove it with: openssl pkey "
                                   "-in KEY -out NEWKEY"
                                 : "there is no private key in PEM format in it";
    }
    ERR_clear_error();
    BIO_free(bio);
    return key;
}

/* The distinguished name of a CA, for the list that the server sends in its request. */
static bool push_name(STACK_OF(CRYPTO_BUFFER) * names, X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509_NAME(X509_get_subject_name(certificate), &der);
    bool is_pushed = size > 0 && push_bytes(names, der, (size_t)size);
    OPENSSL_free(der);
    return is_pushed;
}

X509_STORE *material_roots(struct slice pem, STACK_OF(CRYPTO_BUFFER) * *out_names,
                           const char **out_what)
{
    X509_STORE *roots = X509_STORE_new();
    STACK_OF(CRYPTO_BUFFER) *names = sk_CRYPTO_BUFFER_new_null();
    BIO *bio = open_pem(pem);
    bool is_ok = roots != NULL && names != NULL && bio != NULL;
    X509 *certificate = NULL;

    *out_what = "there is a broken certificate in it; it must hold the PEM certificates of the "
                "CAs that sign clients";
    while (is_ok && (certificate = next_certificate(bio, &is_ok)) != NULL) {
        is_ok = push_name(names, certificate) && X509_STORE_add_cert(roots, certificate);
        X509_free(certificate);
    }
    BIO_free(bio);
    /* An empty file must never come to mean that nothing is checked. */
    if (is_ok && sk_CRYPTO_BUFFER_num(names) == 0) {
        *out_what = "there is no certificate in it; it must hold the PEM certificates of the CAs "
                    "that sign clients";
        is_ok = false;
    } else if (is_ok && !fits(names)) {
        *out_what = "the names of its CAs exceed 32 KiB, which no handshake carries; it must hold "
                    "the CAs that sign clients, no more";
        is_ok = false;
    }
    if (!is_ok) {
        ERR_clear_error();
        X509_STORE_free(roots);
        sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
        return NULL;
    }
    *out_names = names;
    return roots;
}
