#include <criterion/criterion.h>

#include "app/http_request_internal.h"

static enum http_request_status feed(struct http_request *request, const char *text)
{
    return http_request_feed(request, slice_from_text(text));
}

static enum http_request_status parse(struct http_request *request, const char *text)
{
    http_request_init(request);
    return feed(request, text);
}

#define GET "GET /healthz HTTP/1.1\r\nHost: moat\r\nUser-Agent: probe\r\n\r\n"

Test(http_request, get_is_read)
{
    struct http_request request;
    cr_expect_eq(parse(&request, GET), HTTP_REQUEST_COMPLETE);
    cr_expect(http_request_is_get(&request));
    cr_expect_not(http_request_is_head(&request));
    cr_expect_str_eq(http_request_path(&request), "/healthz");
}

Test(http_request, every_split_gives_the_same)
{
    const size_t size = strlen(GET);
    for (size_t cut = 1; cut < size; cut++) {
        struct http_request request;
        http_request_init(&request);
        cr_expect_eq(http_request_feed(&request, slice_of(GET, cut)), HTTP_REQUEST_MORE, "%zu",
                     cut);
        cr_expect_eq(http_request_feed(&request, slice_of(GET + cut, size - cut)),
                     HTTP_REQUEST_COMPLETE, "%zu", cut);
        cr_expect_str_eq(http_request_path(&request), "/healthz", "%zu", cut);
    }
}

Test(http_request, head_and_other_methods_are_told_apart)
{
    struct http_request request;
    cr_expect_eq(parse(&request, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_REQUEST_COMPLETE);
    cr_expect(http_request_is_head(&request));
    cr_expect_eq(parse(&request, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
                 HTTP_REQUEST_COMPLETE);
    cr_expect_not(http_request_is_get(&request));
    cr_expect_not(http_request_is_head(&request));
}

Test(http_request, a_query_is_no_part_of_the_path)
{
    struct http_request request;
    cr_expect_eq(parse(&request, "GET /readyz?verbose HTTP/1.1\r\nHost: a\r\n\r\n"),
                 HTTP_REQUEST_COMPLETE);
    cr_expect_str_eq(http_request_path(&request), "/readyz");
}

Test(http_request, what_is_no_http_is_refused)
{
    static const char *const texts[] = {
        "\x16\x03\x01\x02",
        "\x10\x10",
        "GET /healthz\r\n\r\n",
        "GET /healthz HTTP/2.0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost moat\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct http_request request;
        cr_expect_eq(parse(&request, texts[i]), HTTP_REQUEST_BAD, "text %zu", i);
    }
}

/* A path of 31 bytes may be one of ours, one of 32 is none, whatever it begins with. */
Test(http_request, a_path_that_is_too_long_is_none)
{
    struct http_request request;
    cr_expect_eq(parse(&request, "GET /healthz78901234567890123456789 HTTP/1.1\r\n\r\n"),
                 HTTP_REQUEST_COMPLETE);
    cr_expect_eq(strlen(http_request_path(&request)), HTTP_PATH_MAX);
    cr_expect_eq(parse(&request, "GET /healthz?8901234567890123456789X HTTP/1.1\r\n\r\n"),
                 HTTP_REQUEST_COMPLETE);
    cr_expect_str_eq(http_request_path(&request), "");
}

static enum http_request_status head_of(size_t size)
{
    static const char start[] = "GET /healthz HTTP/1.1\r\nX: ";
    static char text[HTTP_HEAD_MAX + 2];
    struct http_request request;

    memset(text, 'a', sizeof text);
    memcpy(text, start, sizeof start - 1);
    memcpy(text + size - 4, "\r\n\r\n", 4);
    http_request_init(&request);
    enum http_request_status status = HTTP_REQUEST_MORE;
    for (size_t at = 0; at < size && status == HTTP_REQUEST_MORE; at += 100) {
        size_t rest = size - at;
        status = http_request_feed(&request, slice_of(text + at, rest < 100 ? rest : 100));
    }
    return status;
}

Test(http_request, the_head_is_bounded)
{
    cr_expect_eq(head_of(HTTP_HEAD_MAX), HTTP_REQUEST_COMPLETE);
    cr_expect_eq(head_of(HTTP_HEAD_MAX + 1), HTTP_REQUEST_TOO_LARGE);
}
