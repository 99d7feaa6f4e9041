#include "moat/app/generate.h"

#include "moat/base/secret.h"

/* 32 characters: five bits of a random byte choose one, each equally likely. */
static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";

_Static_assert(sizeof alphabet == 32 + 1, "five bits must choose without bias");

void generate_password(char out_text[GENERATE_PASSWORD_SIZE])
{
    uint8_t random[GENERATE_PASSWORD_SIZE - 1];

    secret_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        out_text[i] = alphabet[random[i] % 32];
    }
    out_text[sizeof random] = '\0';
    secret_wipe(random, sizeof random);
}
