/*
 * The frame walker. First byte: bit 0 the sender, bits 1-2 the limit, bit 3 MQTT 3.1; second byte:
 * how the stream is split. The rest is the stream.
 *
 * In one piece and in many the walker says the same, and both say what a slow walker says that
 * looks at one packet after the other and knows the standard's tables by heart.
 */
#include "fuzz.h"
#include "moat/mqtt/frame.h"

struct account {
    enum mqtt_frame_status status;
    size_t clean;
    uint64_t packets;
    unsigned type;
    bool at_boundary;
};

static const size_t limits[] = {0, 129, 300, 65536};

/* Whose bytes they are. */
struct stream {
    enum mqtt_sender sender;
    enum mqtt_version version;
    size_t limit;
    bool is_begun; /* a server's CONNACK has passed */
};

static bool is_allowed(enum mqtt_sender sender, unsigned type)
{
    static const char *const allowed[] = {
        [MQTT_FROM_CLIENT] = "---PPPPPS-U-C-D-",
        [MQTT_FROM_SERVER] = "---PPPPP-S-U-PD-",
    };

    return allowed[sender][type] != '-';
}

static bool has_good_flags(const struct stream *stream, unsigned first)
{
    unsigned type = first >> 4;

    if (stream->version == MQTT_VERSION_3_1 || type == MQTT_PUBLISH) {
        return true;
    }
    bool is_two = type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE;
    return (first & 0x0F) == (is_two ? 2 : 0);
}

static enum mqtt_frame_status judge_first(const struct stream *stream, unsigned first)
{
    unsigned type = first >> 4;
    bool is_awaited = stream->sender == MQTT_FROM_SERVER && !stream->is_begun;

    if (is_awaited && type != MQTT_CONNACK) {
        return MQTT_FRAME_NOT_CONNACK;
    }
    if (!is_awaited && !is_allowed(stream->sender, type)) {
        return stream->sender == MQTT_FROM_CLIENT && type == MQTT_CONNECT
                   ? MQTT_FRAME_SECOND_CONNECT
                   : MQTT_FRAME_NOT_ALLOWED;
    }
    return has_good_flags(stream, first) ? MQTT_FRAME_OK : MQTT_FRAME_FLAGS;
}

/* One packet, of whose bytes the first is there. True when it is there to its end. */
static bool read_packet(struct slice bytes, struct stream *stream, struct account *account)
{
    size_t remaining = 0;
    size_t at = 1;

    account->type = bytes.data[0] >> 4;
    account->at_boundary = false;
    account->status = judge_first(stream, bytes.data[0]);
    if (account->status != MQTT_FRAME_OK) {
        return false;
    }
    do {
        if (at == bytes.size) {
            return false;
        }
        remaining |= (size_t)(bytes.data[at] & 0x7F) << (7 * (at - 1));
        if (at == 4 && bytes.data[at] > 0x7F) {
            account->status = MQTT_FRAME_LENGTH;
            return false;
        }
    } while (bytes.data[at++] > 0x7F);
    if (stream->limit != 0 && at + remaining > stream->limit) {
        account->status = MQTT_FRAME_TOO_LARGE;
        return false;
    }
    if (bytes.size - at < remaining) {
        return false;
    }
    stream->is_begun = true;
    account->packets++;
    account->clean += at + remaining;
    account->at_boundary = true;
    return true;
}

static struct account read_slowly(struct slice bytes, struct stream stream)
{
    struct account account = {.at_boundary = true};

    while (account.clean < bytes.size &&
           read_packet(slice_after(bytes, account.clean), &stream, &account)) {
    }
    if (account.status == MQTT_FRAME_OK) {
        account.clean = bytes.size;
    }
    return account;
}

static struct mqtt_frame_walker walker_of(const struct stream *stream)
{
    struct mqtt_frame_walker walker;

    mqtt_frame_init(&walker, stream->sender, stream->version);
    mqtt_frame_limit(&walker, stream->limit);
    return walker;
}

static void expect_whole(struct slice bytes, const struct stream *stream,
                         const struct account *account)
{
    struct mqtt_frame_walker walker = walker_of(stream);
    size_t clean = SIZE_MAX;

    FUZZ_CHECK(mqtt_frame_walk(&walker, bytes, &clean) == account->status);
    FUZZ_CHECK(clean == account->clean);
    FUZZ_CHECK(walker.packets == account->packets);
    if (account->status == MQTT_FRAME_OK) {
        FUZZ_CHECK(mqtt_frame_at_boundary(&walker) == account->at_boundary);
        FUZZ_CHECK(mqtt_frame_type(&walker) == account->type || bytes.size == 0);
    }
    if (account->status == MQTT_FRAME_TOO_LARGE) { /* it may go on without its limit */
        struct stream rest = {stream->sender, stream->version, 0, account->packets > 0};
        struct account lifted = read_slowly(slice_after(bytes, clean), rest);
        size_t more = SIZE_MAX;
        mqtt_frame_limit(&walker, 0);
        FUZZ_CHECK(mqtt_frame_walk(&walker, slice_after(bytes, clean), &more) == lifted.status);
        FUZZ_CHECK(more == lifted.clean);
        FUZZ_CHECK(walker.packets == account->packets + lifted.packets);
    }
}

static void expect_split(struct slice bytes, const struct stream *stream, unsigned split,
                         const struct account *account)
{
    struct mqtt_frame_walker walker = walker_of(stream);
    enum mqtt_frame_status status = MQTT_FRAME_OK;
    size_t at = 0;
    size_t clean = 0;

    while (at < bytes.size && status == MQTT_FRAME_OK) {
        size_t step = 1 + (at * 7 + split) % (1 + split);
        step = step < bytes.size - at ? step : bytes.size - at;
        status = mqtt_frame_walk(&walker, slice_of(bytes.data + at, step), &clean);
        FUZZ_CHECK(clean <= step);
        FUZZ_CHECK(status != MQTT_FRAME_OK || clean == step);
        clean += at;
        at += step;
    }
    FUZZ_CHECK(status == account->status);
    FUZZ_CHECK(walker.packets == account->packets);
    /* The bytes of a length that came in an earlier piece have passed before it was known. */
    if (status == MQTT_FRAME_LENGTH || status == MQTT_FRAME_TOO_LARGE) {
        FUZZ_CHECK(clean >= account->clean && clean - account->clean <= 4);
    } else {
        FUZZ_CHECK(clean == account->clean);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    uint8_t choice = fuzz_u8(&bytes);
    uint8_t split = fuzz_u8(&bytes);
    const struct stream stream = {
        .sender = (choice & 1) != 0 ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT,
        .version = (choice & 8) != 0 ? MQTT_VERSION_3_1 : MQTT_VERSION_3_1_1,
        .limit = limits[choice >> 1 & 3],
    };
    struct account account = read_slowly(bytes, stream);

    expect_whole(bytes, &stream, &account);
    expect_split(bytes, &stream, split, &account);
    expect_split(bytes, &stream, 0, &account);
    return 0;
}
