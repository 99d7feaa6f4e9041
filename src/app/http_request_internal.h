/*
 * The head of one HTTP request, as far as /healthz needs it: method and path. Bytes in, no socket;
 * llhttp does the parsing, strictly. A body, if there is one, is nobody's business here.
 */
#ifndef MOAT_APP_HTTP_REQUEST_INTERNAL_H
#define MOAT_APP_HTTP_REQUEST_INTERNAL_H

#include <llhttp.h>

#include "moat/base/bytes.h"

/* Bytes of a request's head; probes send some 100. */
#define HTTP_HEAD_MAX 4096u
/* Bytes of a path that can be one of ours. */
#define HTTP_PATH_MAX 31u

enum http_request_status {
    HTTP_REQUEST_MORE = 0, /* the head is not complete */
    HTTP_REQUEST_COMPLETE,
    HTTP_REQUEST_BAD,      /* no HTTP/1 */
    HTTP_REQUEST_TOO_LARGE /* the head has more than HTTP_HEAD_MAX bytes */
};

struct http_request {
    llhttp_t parser;
    size_t size;                  /* bytes of the head so far */
    size_t url_size;              /* of the request target */
    char path[HTTP_PATH_MAX + 1]; /* its start, up to a query; "" when it is longer than that */
};

void http_request_init(struct http_request *request);

/* Takes the next bytes; none may follow once the answer is not MORE. */
enum http_request_status http_request_feed(struct http_request *request,
                                           struct slice bytes) MOAT_MUST_CHECK;

/* After COMPLETE. */
bool http_request_is_get(const struct http_request *request);
bool http_request_is_head(const struct http_request *request);
const char *http_request_path(const struct http_request *request);

#endif
