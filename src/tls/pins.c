/* Public keys that are good without a CA, by the SHA-256 of their SubjectPublicKeyInfo. */
#include "context_internal.h"

#include <stdlib.h>

#include <openssl/base64.h>

#define PIN_HEX_SIZE (2u * SECRET_DIGEST_SIZE)

struct tls_pins {
    size_t count;
    uint8_t keys[][SECRET_DIGEST_SIZE]; /* sorted */
};

static int digit_of(uint8_t character)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t lower = character >= 'A' && character <= 'F' ? (uint8_t)(character | 0x20) : character;
    const char *found = lower != '\0' ? strchr(digits, lower) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

bool pins_parse_hex(struct slice text, uint8_t out_bytes[SECRET_DIGEST_SIZE])
{
    uint8_t bytes[SECRET_DIGEST_SIZE];

    if (text.size != PIN_HEX_SIZE) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        int high = digit_of(text.data[2 * i]);
        int low = digit_of(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out_bytes, bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
    return true;
}

static bool parse_base64(struct slice text, uint8_t out_bytes[SECRET_DIGEST_SIZE])
{
    uint8_t bytes[SECRET_DIGEST_SIZE + 1]; /* what 44 characters can hold at most */
    size_t size = 0;

    if (!EVP_DecodeBase64(bytes, &size, sizeof bytes, text.data, text.size) ||
        size != SECRET_DIGEST_SIZE) {
        return false;
    }
    memcpy(out_bytes, bytes, SECRET_DIGEST_SIZE);
    return true;
}

static bool parse(struct slice text, uint8_t out_key[SECRET_DIGEST_SIZE])
{
    return pins_parse_hex(text, out_key) || parse_base64(text, out_key);
}

const char *tls_check_pin(struct slice text)
{
    uint8_t key[SECRET_DIGEST_SIZE];
    return parse(text, key) ? NULL
                            : "expected the SHA-256 of a public key, as 64 hexadecimal digits or "
                              "44 characters of base64";
}

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, SECRET_DIGEST_SIZE);
}

struct tls_pins *pins_new(const char *const *texts, size_t count)
{
    struct tls_pins *pins = calloc(1, sizeof *pins + count * sizeof pins->keys[0]);

    for (size_t i = 0; pins != NULL && i < count; i++) {
        /* Texts that are no pins were refused when the configuration was read. */
        pins->count += parse(slice_from_text(texts[i]), pins->keys[pins->count]) ? 1 : 0;
    }
    if (pins != NULL && pins->count > 0) {
        qsort(pins->keys, pins->count, sizeof pins->keys[0], compare);
    }
    return pins;
}

void pins_free(struct tls_pins *pins)
{
    free(pins);
}

struct slice pins_bytes(const struct tls_pins *pins)
{
    return pins != NULL ? slice_of(pins->keys, pins->count * sizeof pins->keys[0])
                        : slice_of(NULL, 0);
}

bool pins_has(const struct tls_pins *pins, const uint8_t key[SECRET_DIGEST_SIZE])
{
    return pins != NULL && pins->count > 0 &&
           bsearch(key, pins->keys, pins->count, sizeof pins->keys[0], compare) != NULL;
}
