/* http: one thread of libmicrohttpd with epoll. A scrape or a probe costs it microseconds, so it
 * needs no pool.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "health.h"
#include "metrics.h"

#define CONNECTIONS_MAX    64u
#define TIMEOUT_SECONDS    5u
#define REQUEST_LENGTH_MAX ((size_t)32 * 1024) /* memory of a connection; more headers: 431 */
#define TEXT               "text/plain; charset=utf-8"
#define METRICS_TEXT       "text/plain; version=0.0.4; charset=utf-8"

struct http {
    struct MHD_Daemon *daemon;
    int port;
};

/* `body` is malloc'd, and taken; NULL: there was no memory for it, and the connection is closed. */
static enum MHD_Result
reply(struct MHD_Connection *connection, unsigned status, const char *content_type, char *body)
{
    if (!body)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    enum MHD_Result result = MHD_NO;
    if (MHD_add_response_header(response, "Content-Type", content_type) == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
        (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES))
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result
reply_health(struct MHD_Connection *connection, const char *path)
{
    static const char word[] = "verbose"; /* may stand without a value */
    bool verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, word,
                                                 strlen(word), NULL, NULL) == MHD_YES;
    const char *exclude = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "exclude");
    char *body = NULL;
    int status = health_answer(path, verbose, exclude, &body);
    return reply(connection, (unsigned)status, TEXT, body);
}

static bool
is_health_path(const char *path)
{
    static const char *const paths[] = {"/livez", "/readyz", "/startupz", "/healthz"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(path, paths[i]) == 0)
            return true;
    }
    return false;
}

static enum MHD_Result
route(struct MHD_Connection *connection, const char *path, const char *method)
{
    bool metrics = strcmp(path, "/metrics") == 0;
    if (!metrics && !is_health_path(path))
        return reply(connection, MHD_HTTP_NOT_FOUND, TEXT, strdup("not found\n"));
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, TEXT, strdup("method not allowed\n"));
    if (metrics)
        return reply(connection, MHD_HTTP_OK, METRICS_TEXT, metrics_print());
    return reply_health(connection, path);
}

/* Called with the headers, once for each piece of a body, and when the request is complete. Nothing
 * here takes a body: with the headers of one comes the answer, and the connection is closed. */
static enum MHD_Result
handle(void *self, struct MHD_Connection *connection, const char *path, const char *method,
       const char *version, const char *upload, size_t *upload_length, void **seen)
{
    (void)self, (void)version, (void)upload;
    static char headers_seen;
    if (*upload_length > 0)
        return MHD_NO;
    bool first = *seen == NULL;
    *seen = &headers_seen;
    bool has_body = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length") ||
                    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
    return first && !has_body ? MHD_YES : route(connection, path, method);
}

struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t length;
};

static int
read_endpoint(const char *address, int64_t port, struct endpoint *endpoint, struct error *err)
{
    struct endpoint result = {0};
    if (port < 0 || port > 65535)
        return error_set(err, ERROR_FATAL, "%" PRId64 " is no port", port);
    if (inet_pton(AF_INET, address, &result.v4.sin_addr) == 1) {
        result.v4.sin_family = AF_INET;
        result.v4.sin_port = htons((uint16_t)port);
        result.length = sizeof(result.v4);
    } else if (inet_pton(AF_INET6, address, &result.v6.sin6_addr) == 1) {
        result.v6.sin6_family = AF_INET6;
        result.v6.sin6_port = htons((uint16_t)port);
        result.length = sizeof(result.v6);
    } else {
        return error_set(err, ERROR_FATAL, "\"%s\" is no numeric address", address);
    }
    *endpoint = result;
    return 0;
}

/* The socket is made here and not by the library, whose failures do not say why. */
static int
listen_on(const struct endpoint *endpoint)
{
    int on = 1;
    int fd = socket(endpoint->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, &endpoint->any, endpoint->length) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int
bound_port(int fd)
{
    struct endpoint bound = {.length = sizeof(struct sockaddr_in6)};
    if (getsockname(fd, &bound.any, &bound.length) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

/* Signals are for the threads that can stop the service; the new one inherits that all are blocked.
 */
static struct MHD_Daemon *
start_daemon(int fd)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        TIMEOUT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_LENGTH_MAX, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

int
http_open(struct http **out, const char *address, int64_t port, struct error *err)
{
    struct endpoint endpoint;
    if (read_endpoint(address, port, &endpoint, err) != 0)
        return -1;
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return error_memory(err, "the HTTP server");
    int fd = listen_on(&endpoint);
    if (fd < 0) {
        free(http);
        return error_set(err, ERROR_FATAL, "cannot listen on %s port %" PRId64 ": %s", address,
                         port, strerror(errno));
    }
    http->port = bound_port(fd);
    http->daemon = start_daemon(fd);
    if (!http->daemon) {
        /* Whether the library closed the socket depends on how far it came; a FATAL error ends the
         * process, so the socket may stay open, while closing it twice may hit another file. */
        free(http);
        return error_set(err, ERROR_FATAL, "cannot start the HTTP server on %s port %" PRId64,
                         address, port);
    }
    *out = http;
    return 0;
}

int
http_port(const struct http *http)
{
    return http->port;
}

void
http_close(struct http **http)
{
    if (*http)
        MHD_stop_daemon((*http)->daemon);
    free(*http);
    *http = NULL;
}
