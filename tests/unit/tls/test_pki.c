#include <criterion/criterion.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "moat/tls/pki.h"

#define NOW ((int64_t)1795330800) /* 2026-11-22 */
#define DAY ((int64_t)86400)

static struct pki_names names;
static struct pki_pair ca_pair;
static struct pki_pair server_pair;
static X509 *ca;
static X509 *server;

static X509 *certificate_of(const struct pki_pair *pair)
{
    BIO *bio = BIO_new_mem_buf(pair->certificate, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    cr_assert(certificate != NULL);
    return certificate;
}

static EVP_PKEY *key_of(const struct pki_pair *pair)
{
    BIO *bio = BIO_new_mem_buf(pair->key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    cr_assert(key != NULL);
    return key;
}

static void add_dns(const char *name)
{
    snprintf(names.dns[names.dns_count++], PKI_DNS_SIZE, "%s", name);
}

static void add_address(const char *text)
{
    cr_assert(address_parse(slice_from_text(text), &names.addresses[names.address_count++]));
}

static void set_up(void)
{
    add_dns("gate.example");
    add_dns("localhost");
    add_address("192.0.2.7");
    add_address("2001:db8::7");
    cr_assert(pki_make_ca(NOW, &ca_pair));
    cr_assert(pki_issue_server(&ca_pair, &names, NOW, &server_pair));
    ca = certificate_of(&ca_pair);
    server = certificate_of(&server_pair);
}

static void tear_down(void)
{
    X509_free(ca);
    X509_free(server);
    pki_pair_deinit(&ca_pair);
    pki_pair_deinit(&server_pair);
}

TestSuite(pki, .init = set_up, .fini = tear_down);

/* X509_V_OK or why a TLS client that trusts `anchor` would refuse the server at `when`. */
static int verify(X509 *anchor, X509 *certificate, int64_t when)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();

    cr_assert(X509_STORE_add_cert(store, anchor));
    cr_assert(X509_STORE_CTX_init(context, store, certificate, NULL));
    cr_assert(X509_STORE_CTX_set_default(context, "ssl_server"));
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time_posix(parameters, when);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

Test(pki, chain_verifies_while_it_is_valid)
{
    cr_assert_eq(verify(ca, server, NOW), X509_V_OK);
    cr_assert_eq(verify(ca, server, NOW - PKI_BACKDATE), X509_V_OK);
    cr_assert_eq(verify(ca, server, NOW - PKI_BACKDATE - 1), X509_V_ERR_CERT_NOT_YET_VALID);
}

Test(pki, server_certificate_ends_after_825_days)
{
    int64_t end = NOW - PKI_BACKDATE + PKI_SERVER_DAYS * DAY;

    /* BoringSSL counts the last second itself as past. */
    cr_assert_eq(verify(ca, server, end - 2), X509_V_OK);
    cr_assert_eq(verify(ca, server, end), X509_V_ERR_CERT_HAS_EXPIRED);
}

Test(pki, ca_lasts_ten_years)
{
    int days = 0;
    int seconds = 0;

    cr_assert(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(ca), X509_get0_notAfter(ca)));
    cr_assert_eq(days, PKI_CA_DAYS - 1);
    cr_assert_eq(seconds, 86399);
}

Test(pki, time_past_2049_is_written_as_generalized_time)
{
    struct pki_pair late = {0};

    cr_assert(pki_make_ca((int64_t)2500000000, &late)); /* 2049-03: the end falls into 2059 */
    X509 *certificate = certificate_of(&late);
    cr_assert_eq(X509_get0_notBefore(certificate)->type, V_ASN1_UTCTIME);
    cr_assert_eq(X509_get0_notAfter(certificate)->type, V_ASN1_GENERALIZEDTIME);
    X509_free(certificate);
    pki_pair_deinit(&late);
}

Test(pki, another_ca_does_not_verify)
{
    struct pki_pair other = {0};

    cr_assert(pki_make_ca(NOW, &other));
    X509 *stranger = certificate_of(&other);
    cr_assert_eq(verify(stranger, server, NOW), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    cr_assert_neq(X509_NAME_cmp(X509_get_subject_name(ca), X509_get_subject_name(stranger)), 0);
    cr_assert_neq(ASN1_INTEGER_cmp(X509_get0_serialNumber(ca), X509_get0_serialNumber(stranger)),
                  0);
    X509_free(stranger);
    pki_pair_deinit(&other);
}

Test(pki, serial_numbers_are_positive_and_16_octets)
{
    for (int i = 0; i < 64; i++) {
        struct pki_pair pair = {0};
        cr_assert(pki_make_ca(NOW, &pair));
        X509 *certificate = certificate_of(&pair);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
        cr_assert_eq(ASN1_STRING_length(serial), 16);
        cr_assert_lt(ASN1_STRING_get0_data(serial)[0], 0x80);
        X509_free(certificate);
        pki_pair_deinit(&pair);
    }
}

Test(pki, keys_are_p256_and_match)
{
    EVP_PKEY *ca_key = key_of(&ca_pair);
    EVP_PKEY *server_key = key_of(&server_pair);

    cr_assert_eq(X509_check_private_key(ca, ca_key), 1);
    cr_assert_eq(X509_check_private_key(server, server_key), 1);
    cr_assert_eq(X509_check_private_key(server, ca_key), 0);
    const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(server_key);
    cr_assert_eq(EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)), NID_X9_62_prime256v1);
    cr_assert_eq(X509_get_signature_nid(server), NID_ecdsa_with_SHA256);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
}

Test(pki, ca_may_sign_end_certificates_only)
{
    int critical = 0;
    BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(ca, NID_basic_constraints, &critical, NULL);

    cr_assert(constraints != NULL);
    cr_assert_eq(critical, 1);
    cr_assert_neq(constraints->ca, 0);
    cr_assert_eq((long)ASN1_INTEGER_get(constraints->pathlen), 0L);
    BASIC_CONSTRAINTS_free(constraints);
    cr_assert_eq(X509_get_key_usage(ca), X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN);
    cr_assert_eq(X509_get_version(ca), X509_VERSION_3);
}

Test(pki, server_certificate_is_for_servers_only)
{
    cr_assert_eq(X509_check_ca(server), 0);
    cr_assert_eq(X509_get_key_usage(server), X509v3_KU_DIGITAL_SIGNATURE);
    cr_assert_eq(X509_get_extended_key_usage(server), XKU_SSL_SERVER);
    cr_assert_eq(X509_get_version(server), X509_VERSION_3);
}

Test(pki, key_identifiers_link_server_and_ca)
{
    const ASN1_OCTET_STRING *subject = X509_get0_subject_key_id(ca);
    const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(server);

    cr_assert(subject != NULL && authority != NULL);
    cr_assert_eq(ASN1_STRING_cmp(subject, authority), 0);
    cr_assert(X509_get0_subject_key_id(server) != NULL);
}

Test(pki, server_certificate_holds_exactly_its_names)
{
    cr_assert_eq(X509_check_host(server, "gate.example", 12, 0, NULL), 1);
    cr_assert_eq(X509_check_host(server, "localhost", 9, 0, NULL), 1);
    cr_assert_eq(X509_check_host(server, "other.example", 13, 0, NULL), 0);
    cr_assert_eq(X509_check_ip_asc(server, "192.0.2.7", 0), 1);
    cr_assert_eq(X509_check_ip_asc(server, "2001:db8::7", 0), 1);
    cr_assert_eq(X509_check_ip_asc(server, "192.0.2.8", 0), 0);
    GENERAL_NAMES *list = X509_get_ext_d2i(server, NID_subject_alt_name, NULL, NULL);
    cr_assert_eq(sk_GENERAL_NAME_num(list), 4);
    GENERAL_NAMES_free(list);
}

/* Names that differ from each other. */
static void fill_names(size_t dns_count, size_t address_count)
{
    names.dns_count = 0;
    names.address_count = address_count;
    for (size_t i = 0; i < dns_count; i++) {
        char text[PKI_DNS_SIZE];
        snprintf(text, sizeof text, "h%03zu.example", i);
        add_dns(text);
    }
    for (size_t i = 0; i < address_count; i++) {
        names.addresses[i] =
            (struct address){.family = ADDRESS_IPV6, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
        names.addresses[i].bytes[15] = (uint8_t)i;
    }
}

Test(pki, all_names_and_addresses_fit)
{
    struct pki_pair pair = {0};

    fill_names(PKI_DNS_MAX, PKI_ADDRESSES_MAX);
    cr_assert(pki_issue_server(&ca_pair, &names, NOW, &pair));
    X509 *certificate = certificate_of(&pair);
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    cr_assert_eq(sk_GENERAL_NAME_num(list), PKI_DNS_MAX + PKI_ADDRESSES_MAX);
    GENERAL_NAMES_free(list);
    X509_free(certificate);
    pki_pair_deinit(&pair);
}

/* Issues for one DNS name of `size` characters and returns the common name's length. */
static int subject_size_of(size_t size, char *out_text, int out_size)
{
    struct pki_pair pair = {0};

    names.dns_count = 1;
    memset(names.dns[0], 'a', size);
    names.dns[0][size] = '\0';
    cr_assert(pki_issue_server(&ca_pair, &names, NOW, &pair));
    X509 *certificate = certificate_of(&pair);
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                           out_text, out_size);
    cr_assert_eq(X509_check_host(certificate, names.dns[0], size, 0, NULL), 1);
    X509_free(certificate);
    pki_pair_deinit(&pair);
    return length;
}

Test(pki, first_name_is_the_subject_up_to_64_characters)
{
    char text[80];

    cr_assert_eq(subject_size_of(64, text, sizeof text), 64);
    cr_assert_eq(subject_size_of(65, text, sizeof text), (int)strlen("Moat server"));
    cr_assert_str_eq(text, "Moat server");
}

Test(pki, addresses_alone_are_enough)
{
    struct pki_pair pair = {0};

    fill_names(0, 1);
    cr_assert(pki_issue_server(&ca_pair, &names, NOW, &pair));
    pki_pair_deinit(&pair);
}

Test(pki, a_key_that_is_not_the_ca_s_is_refused)
{
    struct pki_pair pair = {0};
    struct pki_pair mixed = {.certificate = ca_pair.certificate, .key = server_pair.key};

    cr_assert_not(pki_issue_server(&mixed, &names, NOW, &pair));
    cr_assert(pair.certificate == NULL && pair.key == NULL);
}

Test(pki, a_ca_that_is_no_pem_is_refused)
{
    char empty[] = "";
    char garbage[] = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    struct pki_pair pair = {0};
    struct pki_pair no_certificate = {.certificate = garbage, .key = ca_pair.key};
    struct pki_pair no_key = {.certificate = ca_pair.certificate, .key = empty};

    cr_assert_not(pki_issue_server(&no_certificate, &names, NOW, &pair));
    cr_assert_not(pki_issue_server(&no_key, &names, NOW, &pair));
}

Test(pki, an_empty_pair_may_be_released)
{
    struct pki_pair pair = {0};

    pki_pair_deinit(&pair);
    cr_assert(pair.certificate == NULL);
}
