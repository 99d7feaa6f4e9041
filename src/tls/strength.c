/*
 * Which keys and signatures are good enough in a client's chain.
 *
 * What is on neither list is refused before anything is computed with it: a key of 16,384 bits
 * costs fifty times what one of 2,048 does, and the client chooses.
 */
#include "context_internal.h"

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>

#define STRENGTH_RSA_BITS_MIN 2048
#define STRENGTH_RSA_BITS_MAX 4096

static const char *check_curve(const EVP_PKEY *key)
{
    int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1
               ? NULL
               : "a key in the client's certificate chain is on an elliptic curve other than P-256 "
                 "and P-384";
}

static const char *check_kind(const EVP_PKEY *key)
{
    switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
        return EVP_PKEY_bits(key) >= STRENGTH_RSA_BITS_MIN &&
                       EVP_PKEY_bits(key) <= STRENGTH_RSA_BITS_MAX
                   ? NULL
                   : "an RSA key in the client's certificate chain is not of 2048 to 4096 bits";
    case EVP_PKEY_EC:
        return check_curve(key);
    case EVP_PKEY_ED25519:
        return NULL;
    default:
        return "a key in the client's certificate chain is neither RSA, ECDSA nor Ed25519";
    }
}

const char *strength_check_key(X509 *certificate)
{
    EVP_PKEY *key = X509_get_pubkey(certificate);
    const char *what = key != NULL ? check_kind(key)
                                   : "a public key in the client's certificate chain is of a kind "
                                     "we do not know";

    EVP_PKEY_free(key);
    return what;
}

const char *strength_check_signature(const X509 *certificate)
{
    switch (X509_get_signature_nid(certificate)) {
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption:
    case NID_rsassaPss: /* with SHA-256 or better, or the library does not verify it */
    case NID_ecdsa_with_SHA256:
    case NID_ecdsa_with_SHA384:
    case NID_ecdsa_with_SHA512:
    case NID_ED25519:
        return NULL;
    case NID_md5WithRSAEncryption:
    case NID_sha1WithRSAEncryption:
    case NID_sha1WithRSA:
    case NID_ecdsa_with_SHA1:
    case NID_dsaWithSHA1:
        return "a certificate in the client's chain is signed with SHA-1 or MD5";
    default:
        return "a certificate in the client's chain is signed in a way that we do not accept";
    }
}
