/*
 * Whole sessions: the input is a list of things that happen, each a byte that says what (bit 7:
 * time stands still for it, and what it brings waits) and what belongs to it.
 *
 * Whatever happens in whatever order: the broker hears nothing of a client that may not come in,
 * and of the others what they said, byte for byte; the client hears what the broker said and one
 * answer of ours at most; and in the end every session, handle, place and byte has been given back.
 */
#include <openssl/err.h>

#include "fuzz.h"
#include "house.h"
#include "packets.h"

#define GUESTS     2
#define ANSWER_MAX 5 /* bytes of a CONNACK or DISCONNECT of ours */
#define TURNS_MAX  400

struct play {
    struct slice input;
    struct guest guests[GUESTS];
    struct guest *guest; /* the one that things happen to */
    bool is_held;
};

/* --- what must hold all the time --- */

static bool starts_with(const struct buffer *whole, const struct buffer *part)
{
    return part->size <= whole->size &&
           (part->size == 0 || memcmp(whole->data, part->data, part->size) == 0);
}

/* Whether these bytes begin with a CONNECT that may come in. */
static bool is_permitted(struct slice bytes)
{
    static const struct mqtt_connect_limits limits = {SIZE_MAX, SIZE_MAX, SIZE_MAX,
                                                      SIZE_MAX, SIZE_MAX, false};
    struct mqtt_connect connect;
    struct mqtt_fault fault;

    return mqtt_connect_parse(bytes, &limits, &connect, &fault) == MQTT_CONNECT_OK &&
           house_permits(&connect);
}

static void check_upstream(const struct guest *guest)
{
    if (guest->upstream_heard.size == 0) {
        return;
    }
    if (!guest->is_forged) {
        FUZZ_CHECK(starts_with(&guest->said, &guest->upstream_heard));
        FUZZ_CHECK(is_permitted(buffer_slice(&guest->said)));
    }
    /* A slow upstream has perhaps not taken all of CONNECT yet, but then it is whole here. */
    FUZZ_CHECK(guest->session == NULL || guest->session->state == SESSION_RELAY ||
               guest->session->state == SESSION_CLOSING);
}

static void check_client(const struct guest *guest)
{
    const struct buffer *heard = &guest->heard;
    size_t same = 0;

    while (same < heard->size && same < guest->upstream_said.size &&
           heard->data[same] == guest->upstream_said.data[same]) {
        same++;
    }
    FUZZ_CHECK(heard->size <= same + ANSWER_MAX);
    /* An answer may begin like what the broker would have said next. */
    FUZZ_CHECK(heard->size == same || guest->session == NULL ||
               guest->session->state == SESSION_CLOSING);
}

static void turn(struct play *play)
{
    loop_turn();
    for (size_t i = 0; i < GUESTS; i++) {
        if (play->guests[i].is_there) {
            guest_collect(&play->guests[i]);
            check_upstream(&play->guests[i]);
            check_client(&play->guests[i]);
        }
    }
    FUZZ_CHECK(house.worker.output.size == 0);
    FUZZ_CHECK(gauge_count(&house.gauges.connections) <= 2);
    ERR_clear_error();
}

/* --- what happens --- */

/* A PUBLISH to a/b with a payload of this many times 256 bytes. */
static void put_large(struct buffer *out_packet, uint8_t times)
{
    static const uint8_t block[256];
    size_t size = (size_t)times * sizeof block + 5;
    const uint8_t header[] = {0x30,
                              (uint8_t)(0x80 | (size & 0x7F)),
                              (uint8_t)(0x80 | (size >> 7)),
                              (uint8_t)(size >> 14),
                              0,
                              3,
                              'a',
                              '/',
                              'b'};

    buffer_init(out_packet, SIZE_MAX);
    FUZZ_CHECK(buffer_append(out_packet, slice_of(header, sizeof header)));
    for (size_t i = 0; i < times; i++) {
        FUZZ_CHECK(buffer_append(out_packet, slice_of(block, sizeof block)));
    }
}

static void say(struct play *play, struct slice bytes)
{
    guest_say(play->guest, bytes);
}

static void upstream_say(struct play *play, struct slice bytes)
{
    struct pipe_end *end = guest_upstream_end(play->guest);

    if (end != NULL && end->stream != NULL && end->is_connected && !end->has_incoming_end &&
        bytes.size > 0) {
        FUZZ_CHECK(buffer_append(&end->incoming, bytes));
        FUZZ_CHECK(buffer_append(&play->guest->upstream_said, bytes));
    }
}

static void end_side(struct guest *guest, struct pipe_end *end, int status)
{
    if (end != NULL && end->is_connected && !end->has_incoming_end) {
        end->has_incoming_end = true;
        end->incoming_end = status;
        guest->is_disturbed = true;
        if (status != 0) {
            end->write_fault = UV_ECONNRESET;
        }
    }
}

static void forge(struct play *play, struct slice bytes)
{
    struct pipe_end *end = guest_end(play->guest);

    if (end != NULL && end->stream != NULL && !end->has_incoming_end && bytes.size > 0) {
        play->guest->is_forged = true;
        FUZZ_CHECK(buffer_append(&end->incoming, bytes));
    }
}

static void set_window(struct guest *guest, struct pipe_end *end, size_t window)
{
    if (end != NULL) {
        end->window = window;
        guest->is_disturbed = true;
    }
}

static void handshake(struct play *play)
{
    for (int i = 0; i < 6 && play->guest->session != NULL && SSL_in_init(play->guest->ssl); i++) {
        guest_deliver(play->guest, SIZE_MAX);
        turn(play);
    }
}

static void large(struct play *play, bool is_upstream)
{
    struct buffer packet;

    put_large(&packet, fuzz_u8(&play->input));
    if (is_upstream) {
        upstream_say(play, buffer_slice(&packet));
    } else {
        say(play, buffer_slice(&packet));
    }
    buffer_deinit(&packet);
}

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* What a client does. */
static void client_does(struct play *play, unsigned what)
{
    struct guest *guest = play->guest;

    switch (what) {
    case 0:
        say(play, client_packets[fuzz_u8(&play->input) % COUNT_OF(client_packets)]);
        break;
    case 1:
        say(play, fuzz_bytes(&play->input, fuzz_u8(&play->input)));
        break;
    case 2:
        large(play, false);
        break;
    case 3:
        forge(play, fuzz_bytes(&play->input, fuzz_u8(&play->input)));
        break;
    case 4:
        if (!SSL_in_init(guest->ssl)) {
            (void)SSL_shutdown(guest->ssl);
            guest_say(guest, slice_of("", 0));
            guest->is_disturbed = true;
        }
        break;
    case 5:
        end_side(guest, guest_end(guest), 0);
        break;
    case 6:
        end_side(guest, guest_end(guest), UV_ECONNRESET);
        break;
    case 7:
        guest_deliver(guest, fuzz_u8(&play->input));
        break;
    case 8:
        set_window(guest, guest_end(guest), fuzz_u16(&play->input));
        break;
    case 9:
        (void)SSL_key_update(guest->ssl, SSL_KEY_UPDATE_REQUESTED);
        break;
    default:
        handshake(play);
        break;
    }
}

static void upstream_does(struct play *play, unsigned what)
{
    struct guest *guest = play->guest;
    struct pipe_end *end = guest_upstream_end(guest);

    switch (what) {
    case 0:
        upstream_say(play, upstream_packets[fuzz_u8(&play->input) % COUNT_OF(upstream_packets)]);
        break;
    case 1:
        upstream_say(play, fuzz_bytes(&play->input, fuzz_u8(&play->input)));
        break;
    case 2:
        large(play, true);
        break;
    case 3:
        end_side(guest, end, 0);
        break;
    case 4:
        end_side(guest, end, UV_ECONNRESET);
        break;
    case 5:
        set_window(guest, end, fuzz_u16(&play->input));
        break;
    case 6:
        if (end != NULL && end->stream != NULL) {
            (void)loop_answer_connect(end, UV_ECONNREFUSED);
        }
        break;
    default:
        if (end != NULL && end->stream != NULL) {
            (void)loop_answer_connect(end, 0);
        }
        break;
    }
}

static void house_does(struct play *play, unsigned what)
{
    switch (what) {
    case 0:
        loop_advance(10u * fuzz_u8(&play->input));
        break;
    case 1:
        loop_advance(1000u * fuzz_u8(&play->input));
        break;
    case 2:
        house_reload();
        break;
    case 3:
        session_shut_down_all(&house.worker);
        break;
    case 4:
        play->guest = &play->guests[play->guest == &play->guests[0] ? 1 : 0];
        break;
    case 5:
        if (!play->guest->is_there || play->guest->session == NULL) {
            guest_forget(play->guest);
            guest_enter(play->guest);
        }
        break;
    default:
        loop_run_job();
        break;
    }
}

static void step(struct play *play)
{
    uint8_t what = fuzz_u8(&play->input);
    unsigned which = what & 0x0F;

    play->is_held = (what & 0x80) != 0;
    if (!play->guest->is_there) {
        guest_enter(play->guest);
    }
    switch (what >> 4 & 3) {
    case 0:
    case 1:
        client_does(play, which);
        break;
    case 2:
        upstream_does(play, which);
        break;
    default:
        house_does(play, which);
        break;
    }
    if (!play->is_held) {
        if (play->guest->is_there) {
            guest_deliver(play->guest, SIZE_MAX);
        }
        turn(play);
    }
}

/* --- the end --- */

/* Everything that is on its way arrives; of sessions that were left alone nothing is missing. */
static void settle(struct play *play)
{
    for (size_t i = 0; i < TURNS_MAX / 4; i++) {
        for (size_t j = 0; j < GUESTS; j++) {
            struct guest *guest = &play->guests[j];
            if (guest->is_there) {
                guest_deliver(guest, SIZE_MAX);
            }
        }
        loop_run_job();
        turn(play);
    }
    for (size_t j = 0; j < GUESTS; j++) {
        const struct guest *guest = &play->guests[j];
        if (guest->session != NULL && guest->session->state == SESSION_RELAY &&
            guest->session->topics == NULL && !guest->is_forged && !guest->is_disturbed) {
            FUZZ_CHECK(
                slice_equal(buffer_slice(&guest->said), buffer_slice(&guest->upstream_heard)));
            FUZZ_CHECK(
                slice_equal(buffer_slice(&guest->upstream_said), buffer_slice(&guest->heard)));
        }
    }
}

static void go_home(struct play *play)
{
    for (size_t j = 0; j < GUESTS; j++) {
        end_side(&play->guests[j], guest_end(&play->guests[j]), 0);
        end_side(&play->guests[j], guest_upstream_end(&play->guests[j]), 0);
    }
    for (size_t i = 0; i < TURNS_MAX && house.worker.session_count > 0; i++) {
        loop_advance(1000);
        loop_run_job();
        turn(play);
    }
    for (size_t j = 0; j < GUESTS; j++) {
        guest_forget(&play->guests[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.input = slice_of(data, size)};

    play.guest = &play.guests[0];
    house_open();
    while (play.input.size > 0) {
        step(&play);
    }
    settle(&play);
    go_home(&play);
    house_close();
    return 0;
}
