/* BoringSSL's errors in plain words: what the person at the device can do something about. */
#include "context_internal.h"

#include <openssl/err.h>

#define ALERT(name) (SSL_AD_REASON_OFFSET + SSL_AD_##name)

static const struct {
    int reason;
    const char *what;
} faults[] = {
    {ALERT(UNKNOWN_CA), "the client does not trust our CA"},
    {ALERT(BAD_CERTIFICATE), "the client rejects our certificate: it finds it broken or not ours"},
    {ALERT(CERTIFICATE_EXPIRED), "the client holds our certificate for expired; check its clock"},
    {ALERT(CERTIFICATE_REVOKED), "the client holds our certificate for revoked"},
    {ALERT(CERTIFICATE_UNKNOWN), "the client rejects our certificate"},
    {ALERT(UNSUPPORTED_CERTIFICATE), "the client cannot use our kind of certificate"},
    {ALERT(ACCESS_DENIED), "the client rejects our certificate: access denied"},
    {ALERT(PROTOCOL_VERSION), "the client accepts no TLS version of ours"},
    {ALERT(HANDSHAKE_FAILURE), "the client found nothing in common with us: versions or ciphers"},
    {ALERT(DECRYPT_ERROR), "the client rejects a signature of ours"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
     "the client presents no certificate, and this listener requires one"},
    {SSL_R_NO_SHARED_CIPHER, "the client offers no cipher suite that we accept"},
    {SSL_R_NO_SHARED_GROUP, "the client offers no elliptic curve that we accept"},
    {SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, "the client cannot verify our kind of certificate"},
    {SSL_R_NO_APPLICATION_PROTOCOL,
     "the client asks for an application protocol (ALPN) other than mqtt"},
    {SSL_R_HTTP_REQUEST, "plaintext HTTP on the TLS port"},
    {SSL_R_HTTPS_PROXY_REQUEST, "plaintext HTTP on the TLS port"},
    {SSL_R_BAD_SIGNATURE, "the client does not hold the private key of its certificate"},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, "the client sends a handshake message that is too large"},
    {SSL_R_TOO_MANY_KEY_UPDATES, "the client sends too many key updates"},
    {SSL_R_TOO_MANY_EMPTY_FRAGMENTS, "the client sends too many empty records"},
    {SSL_R_TOO_MANY_WARNING_ALERTS, "the client sends too many warning alerts"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was damaged or forged on its way"},
};

static const char *version_fault(uint16_t offered)
{
    switch (offered) {
    case SSL3_VERSION:
        return "the client offers only SSL 3.0";
    case TLS1_VERSION:
        return "the client offers only TLS 1.0";
    case TLS1_1_VERSION:
        return "the client offers only TLS 1.1";
    case TLS1_2_VERSION:
        return "the client offers only TLS 1.2, and this listener wants 1.3";
    default:
        return "the client offers no TLS version that we accept";
    }
}

/* 0x10 opens an MQTT CONNECT, 0x16 a TLS handshake record. */
static const char *not_tls(const struct tls_conn *conn)
{
    if (conn->has_first_byte && conn->first_byte == 0x10) {
        return "plaintext MQTT on the TLS port";
    }
    if (conn->has_first_byte && conn->first_byte != SSL3_RT_HANDSHAKE) {
        return "the client does not speak TLS";
    }
    return "the client sends broken TLS records";
}

/* The parts of the library below TLS report first, for instance that a signature is wrong; what
 * that means for the connection stands behind. 0 when TLS itself has nothing to say. */
static uint32_t take_tls_error(void)
{
    uint32_t error = 0;

    do {
        error = ERR_get_error();
    } while (error != 0 && ERR_GET_LIB(error) != ERR_LIB_SSL);
    ERR_clear_error();
    return error;
}

const char *fault_from_errors(const struct tls_conn *conn)
{
    uint32_t error = take_tls_error();
    int reason = ERR_GET_REASON(error);

    if (reason == SSL_R_BAD_PACKET_LENGTH && conn->plain_alert != 0) {
        reason = SSL_AD_REASON_OFFSET + conn->plain_alert;
    }
    if (error == 0) {
        return "the TLS library failed";
    }
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL) {
        return version_fault(conn->offered_version);
    }
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (faults[i].reason == reason) {
            return faults[i].what;
        }
    }
    if (conn->offered_version == 0) {
        return not_tls(conn);
    }
    /* A static text of the library's own table, such as «UNEXPECTED_MESSAGE». */
    const char *text = ERR_reason_error_string(error);
    return text != NULL ? text : "the TLS library failed";
}
