#include "http_request_internal.h"

static int on_url(llhttp_t *parser, const char *at, size_t size)
{
    struct http_request *request = parser->data;

    /* A target that is too long is still read, and then is none of ours. */
    if (request->url_size + size <= HTTP_PATH_MAX) {
        memcpy(request->path + request->url_size, at, size);
    }
    request->url_size += size;
    return 0;
}

/* Whatever follows the head is left unread: the connection closes behind the answer. */
static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_headers_complete = on_headers_complete,
};

void http_request_init(struct http_request *request)
{
    *request = (struct http_request){.size = 0};
    llhttp_init(&request->parser, HTTP_REQUEST, &settings);
    request->parser.data = request;
}

static void end_path(struct http_request *request)
{
    if (request->url_size > HTTP_PATH_MAX) {
        request->path[0] = '\0';
    }
    request->path[strcspn(request->path, "?")] = '\0';
}

enum http_request_status http_request_feed(struct http_request *request, struct slice bytes)
{
    size_t room = HTTP_HEAD_MAX - request->size;
    size_t size = bytes.size < room ? bytes.size : room;
    llhttp_errno_t status = llhttp_execute(&request->parser, (const char *)bytes.data, size);

    request->size += size;
    if (status == HPE_PAUSED) {
        end_path(request);
        /* llhttp takes any digits for a version, and none. */
        return request->parser.http_major == 1 ? HTTP_REQUEST_COMPLETE : HTTP_REQUEST_BAD;
    }
    if (status != HPE_OK) {
        return HTTP_REQUEST_BAD;
    }
    return request->size < HTTP_HEAD_MAX ? HTTP_REQUEST_MORE : HTTP_REQUEST_TOO_LARGE;
}

bool http_request_is_get(const struct http_request *request)
{
    return request->parser.method == HTTP_GET;
}

bool http_request_is_head(const struct http_request *request)
{
    return request->parser.method == HTTP_HEAD;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}
