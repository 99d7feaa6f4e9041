#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls/tickets_internal.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- keys and their time --------------------------------------------------------------- */

static const uint8_t scope_a[SECRET_DIGEST_SIZE] = {'a'};
static const uint8_t scope_b[SECRET_DIGEST_SIZE] = {'b'};
static const char one_key[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
static const char two_keys[] =
    "# made today\r\n"
    "  ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100 \r\n"
    "\n"
    "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

#define TICKET_SIZE 256

struct ticket {
    uint8_t bytes[TICKET_SIZE];
    size_t size;
};

static struct tls_tickets *tickets_from(const char *file, const uint8_t scope[SECRET_DIGEST_SIZE])
{
    const char *what = NULL;
    struct slice text = file != NULL ? slice_from_text(file) : slice_of(NULL, 0);
    struct tls_tickets *tickets = tickets_new(text, scope, 0, &what);
    cr_assert_not_null(tickets, "%s", what);
    return tickets;
}

static struct ticket seal(struct tls_tickets *tickets, uint64_t now_ms, const char *name)
{
    struct ticket ticket;
    cr_assert(tickets_seal(tickets, now_ms, slice_from_text(name), slice_from_text("session"),
                           ticket.bytes, sizeof ticket.bytes, &ticket.size));
    cr_assert_eq(ticket.size, 7 + TICKETS_OVERHEAD);
    return ticket;
}

static bool opens(struct tls_tickets *tickets, uint64_t now_ms, const char *name,
                  const struct ticket *ticket)
{
    uint8_t plain[TICKET_SIZE];
    size_t size = 0;
    bool is_open = tickets_open(tickets, now_ms, slice_from_text(name),
                                slice_of(ticket->bytes, ticket->size), plain, sizeof plain, &size);
    cr_expect(!is_open || slice_is(slice_of(plain, size), "session"));
    return is_open;
}

Test(tickets, random_keys_rotate)
{
    struct tls_tickets *tickets = tickets_from(NULL, scope_a);
    const uint64_t turn = TICKETS_ROTATION_MS;
    struct ticket first = seal(tickets, turn - 1, "gate");
    cr_expect(opens(tickets, turn - 1, "gate", &first));
    cr_expect(opens(tickets, turn, "gate", &first), "the previous key is kept");
    struct ticket second = seal(tickets, turn, "gate");
    cr_expect(memcmp(first.bytes, second.bytes, 16) != 0, "another key");
    cr_expect(opens(tickets, 2 * turn - 1, "gate", &first));
    cr_expect_not(opens(tickets, 2 * turn, "gate", &first), "the one before the previous is not");
    cr_expect(opens(tickets, 2 * turn, "gate", &second));
    cr_expect_not(opens(tickets, 3 * turn, "gate", &second));
    tickets_free(tickets);
}

Test(tickets, keys_that_slept_are_gone)
{
    struct tls_tickets *tickets = tickets_from(NULL, scope_a);
    struct ticket ticket = seal(tickets, 0, "gate");
    cr_expect_not(opens(tickets, 2 * TICKETS_ROTATION_MS, "gate", &ticket));
    ticket = seal(tickets, 2 * TICKETS_ROTATION_MS, "gate");
    cr_expect(opens(tickets, 2 * TICKETS_ROTATION_MS, "gate", &ticket));
    tickets_free(tickets);
    tickets = tickets_from(NULL, scope_a);
    ticket = seal(tickets, 0, "gate");
    cr_expect(opens(tickets, 2 * TICKETS_ROTATION_MS - 1, "gate", &ticket));
    tickets_free(tickets);
}

Test(tickets, keys_of_a_file_stay)
{
    struct tls_tickets *tickets = tickets_from(one_key, scope_a);
    struct ticket ticket = seal(tickets, 0, "gate");
    cr_expect(opens(tickets, 100 * TICKETS_ROTATION_MS, "gate", &ticket));
    tickets_free(tickets);
}

Test(tickets, the_first_key_seals_and_all_open)
{
    struct tls_tickets *old = tickets_from(one_key, scope_a);
    struct tls_tickets *new = tickets_from(two_keys, scope_a);
    struct ticket of_old = seal(old, 0, "gate");
    struct ticket of_new = seal(new, 0, "gate");
    cr_expect(opens(new, 0, "gate", &of_old));
    cr_expect(opens(new, 0, "gate", &of_new));
    cr_expect_not(opens(old, 0, "gate", &of_new));
    tickets_free(old);
    tickets_free(new);
}

Test(tickets, worth_nothing_elsewhere)
{
    struct tls_tickets *here = tickets_from(one_key, scope_a);
    struct tls_tickets *there = tickets_from(one_key, scope_b);
    struct tls_tickets *random = tickets_from(NULL, scope_a);
    struct ticket ticket = seal(here, 0, "gate");
    cr_expect_not(opens(there, 0, "gate", &ticket));
    cr_expect_not(opens(random, 0, "gate", &ticket));
    cr_expect_not(opens(here, 0, "gate.example", &ticket));
    cr_expect_not(opens(here, 0, NULL, &ticket));
    cr_expect(opens(here, 0, "gate", &ticket));
    tickets_free(here);
    tickets_free(there);
    tickets_free(random);
}

Test(tickets, cut_or_changed_at_every_byte)
{
    struct tls_tickets *tickets = tickets_from(NULL, scope_a);
    struct ticket ticket = seal(tickets, 0, "gate");
    struct ticket other = ticket;
    for (other.size = 0; other.size < ticket.size; other.size++) {
        cr_expect_not(opens(tickets, 0, "gate", &other), "%zu", other.size);
    }
    for (size_t i = 0; i < ticket.size; i++) {
        other = ticket;
        other.bytes[i] ^= 1;
        cr_expect_not(opens(tickets, 0, "gate", &other), "%zu", i);
    }
    cr_expect(opens(tickets, 0, "gate", &ticket));
    tickets_free(tickets);
}

Test(tickets, no_room)
{
    struct tls_tickets *tickets = tickets_from(NULL, scope_a);
    uint8_t out[7 + TICKETS_OVERHEAD];
    size_t size = 0;
    const struct slice plain = slice_from_text("session");
    const struct slice name = slice_from_text("");
    cr_expect_not(tickets_seal(tickets, 0, name, plain, out, sizeof out - 1, &size));
    cr_expect_not(tickets_seal(tickets, 0, name, plain, out, 3, &size));
    cr_expect(tickets_seal(tickets, 0, name, plain, out, sizeof out, &size));
    tickets_free(tickets);
}

/* The library may ask for a ticket in the very place of the session it seals. */
Test(tickets, sealed_in_place)
{
    struct tls_tickets *tickets = tickets_from(NULL, scope_a);
    struct ticket ticket = {.bytes = "session"};
    cr_assert(tickets_seal(tickets, 0, slice_from_text("gate"), slice_of(ticket.bytes, 7),
                           ticket.bytes, sizeof ticket.bytes, &ticket.size));
    cr_expect(opens(tickets, 0, "gate", &ticket));
    tickets_free(tickets);
}

static void expect_unfit(const char *file, const char *words)
{
    const char *what = NULL;
    cr_expect_null(tickets_new(slice_from_text(file), scope_a, 0, &what), "%s", file);
    cr_assert_not_null(what);
    cr_expect_not_null(strstr(what, words), "%s", what);
}

Test(tickets, files_that_are_no_good)
{
    char many[9 * 65 + 1] = "";
    expect_unfit("\n# none\n\n", "there is no key in it");
    expect_unfit("0011\n", "64 hexadecimal digits");
    expect_unfit("-----BEGIN\n", "64 hexadecimal digits");
    for (size_t i = 0; i < 9; i++) {
        memcpy(many + i * 65, one_key, 65);
    }
    expect_unfit(many, "more than 8 keys");
    many[8 * 65] = '\0';
    tickets_free(tickets_from(many, scope_a));
    for (size_t size = 1; size < 64; size++) {
        snprintf(many, sizeof many, "%.*s", (int)size, one_key);
        expect_unfit(many, "64 hexadecimal digits");
    }
}
