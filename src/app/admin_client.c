#include "admin_client_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "moat/base/clock.h"

/* --- the answer --- */

#define ANSWER_SIZE (256u + HEALTH_TEXT_SIZE)

struct answer {
    unsigned code;
    const char *reason;
    const char *header; /* whole lines, or "" */
    char text[HEALTH_TEXT_SIZE];
};

static void answer_with(struct answer *answer, unsigned code, const char *reason,
                        const char *header)
{
    answer->code = code;
    answer->reason = reason;
    answer->header = header;
    snprintf(answer->text, sizeof answer->text, "%s\n", reason);
}

static void answer_request(const struct admin_client *client, struct answer *answer)
{
    const struct health *health = client->admin->health;
    const char *path = http_request_path(&client->request);
    bool is_live = strcmp(path, "/healthz") == 0;

    if (!is_live && strcmp(path, "/readyz") != 0) {
        answer_with(answer, 404, "Not Found", "");
    } else if (!http_request_is_get(&client->request) && !http_request_is_head(&client->request)) {
        answer_with(answer, 405, "Method Not Allowed", "Allow: GET, HEAD\r\n");
    } else {
        uint64_t now_ms = clock_monotonic_ms();
        bool is_good = is_live ? health_is_live(health, now_ms, answer->text)
                               : health_is_ready(health, now_ms, answer->text);
        answer->code = is_good ? 200 : 503;
        answer->reason = is_good ? "OK" : "Service Unavailable";
        answer->header = "";
    }
}

static void send_answer(struct admin_client *client, const struct answer *answer)
{
    bool is_head = http_request_is_head(&client->request);
    char text[ANSWER_SIZE];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 %u %s\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Length: %zu\r\n"
                        "Cache-Control: no-store\r\n"
                        "%s"
                        "Connection: close\r\n\r\n%s",
                        answer->code, answer->reason, strlen(answer->text), answer->header,
                        is_head ? "" : answer->text);

    client->is_answered = true;
    if (net_stream_write(&client->stream, slice_of(text, (size_t)size)) != 0) {
        admin_client_close(client);
        return;
    }
    /* End of file, then the peer's: a close with bytes unread would be a reset. */
    net_stream_shutdown(&client->stream);
}

/* --- the stream --- */

static void on_data(struct net_stream *stream, struct slice bytes)
{
    struct admin_client *client = stream->owner;
    struct answer answer;

    if (client->is_answered) {
        return;
    }
    switch (http_request_feed(&client->request, bytes)) {
    case HTTP_REQUEST_MORE:
        return;
    case HTTP_REQUEST_COMPLETE:
        answer_request(client, &answer);
        break;
    case HTTP_REQUEST_BAD:
        answer_with(&answer, 400, "Bad Request", "");
        break;
    case HTTP_REQUEST_TOO_LARGE:
        answer_with(&answer, 431, "Request Header Fields Too Large", "");
        break;
    }
    send_answer(client, &answer);
}

static void on_end(struct net_stream *stream, int status)
{
    (void)status;
    admin_client_close(stream->owner);
}

static void on_drained(struct net_stream *stream)
{
    (void)stream;
}

static void unlink_client(struct admin_client *client)
{
    struct admin *admin = client->admin;

    *(client->older != NULL ? &client->older->newer : &admin->oldest) = client->newer;
    *(client->newer != NULL ? &client->newer->older : &admin->newest) = client->older;
    admin->client_count--;
}

static void link_client(struct admin_client *client)
{
    struct admin *admin = client->admin;

    client->older = admin->newest;
    *(admin->newest != NULL ? &admin->newest->newer : &admin->oldest) = client;
    admin->newest = client;
    admin->client_count++;
}

static void release(struct admin_client *client)
{
    if (--client->handles == 0) {
        free(client);
    }
}

static void on_stream_closed(struct net_stream *stream)
{
    release(stream->owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static const struct net_stream_events events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_write_failed = on_end,
    .on_closed = on_stream_closed,
};

static void on_deadline(uv_timer_t *timer)
{
    admin_client_close(timer->data);
}

void admin_client_close(struct admin_client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->deadline)) {
        return;
    }
    unlink_client(client);
    net_stream_close(&client->stream);
    uv_close((uv_handle_t *)&client->deadline, on_timer_closed);
}

void admin_client_accept(struct admin *admin, int descriptor)
{
    struct admin_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        close(descriptor);
        return;
    }
    client->admin = admin;
    http_request_init(&client->request);
    uv_timer_init(admin->loop, &client->deadline);
    client->deadline.data = client;
    client->handles = 1;
    link_client(client);
    if (net_stream_init(&client->stream, admin->loop, false, &events, client, &admin->scratch) !=
        0) {
        close(descriptor);
        admin_client_close(client);
        return;
    }
    client->handles++;
    if (net_stream_open(&client->stream, descriptor) != 0) {
        close(descriptor);
        admin_client_close(client);
        return;
    }
    uv_timer_start(&client->deadline, on_deadline, ADMIN_DEADLINE_MS, 0);
    if (net_stream_start(&client->stream) != 0) {
        admin_client_close(client);
    }
}
