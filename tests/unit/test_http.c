/* Real sockets on 127.0.0.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "health.h"
#include "http.h"
#include "metrics.h"

static struct http *server;

static void
open_server(void)
{
    struct error err = {0};
    ck_ok(http_open(&server, "127.0.0.1", 0, &err), err);
    ck_assert_int_gt(http_port(server), 0);
}

static int
connect_to_server(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Everything until the server closes the connection; the caller frees it. */
static char *
answer_to_bytes(const char *request, size_t length)
{
    int fd = connect_to_server();
    /* The server may close before it has read all. */
    for (ssize_t n; length > 0 && (n = send(fd, request, length, MSG_NOSIGNAL)) > 0;) {
        request += n;
        length -= (size_t)n;
    }
    size_t capacity = 1 << 20, used = 0;
    char *answer = calloc(1, capacity);
    for (ssize_t n; (n = recv(fd, answer + used, capacity - 1 - used, 0)) > 0;)
        used += (size_t)n;
    close(fd);
    return answer;
}

static char *
answer_to(const char *method, const char *target)
{
    char request[1024];
    int length =
        snprintf(request, sizeof(request),
                 "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", method, target);
    return answer_to_bytes(request, (size_t)length);
}

static void
assert_in(const char *part, char *answer)
{
    ck_assert_msg(strstr(answer, part) != NULL, "no \"%s\" in\n%s", part, answer);
    free(answer);
}

START_TEST(a_live_process_answers_ok)
{
    open_server();
    char *answer = answer_to("GET", "/livez");
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(answer, "Content-Type: text/plain; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "Cache-Control: no-store\r\n"));
    assert_in("\r\n\r\nok\n", answer);
    http_close(&server);
    ck_assert_ptr_null(server);
}
END_TEST

START_TEST(the_query_asks_for_all_checks_or_leaves_some_out)
{
    open_server();
    health_set("kafka", HEALTH_READY, true, NULL);
    health_set("model", HEALTH_READY, false, "none yet");
    char *answer = answer_to("GET", "/readyz");
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 503 "));
    assert_in("\r\n\r\n[-]model: none yet\n", answer);
    assert_in("\r\n\r\n[+]kafka ok\n[-]model: none yet\n", answer_to("GET", "/readyz?verbose"));
    assert_in("\r\n\r\n[+]kafka ok\n", answer_to("GET", "/readyz?verbose=1&exclude=x,model"));
    assert_in("HTTP/1.1 200 ", answer_to("GET", "/readyz?exclude=model"));
    http_close(&server);
}
END_TEST

START_TEST(all_health_paths_are_served)
{
    open_server();
    assert_in("HTTP/1.1 200 ", answer_to("GET", "/healthz"));
    assert_in("HTTP/1.1 200 ", answer_to("GET", "/startupz"));
    assert_in("HTTP/1.1 503 ", answer_to("GET", "/readyz"));
    http_close(&server);
}
END_TEST

START_TEST(metrics_are_served_in_prometheus_text_format)
{
    static struct metric table[] = {
        {.name = "millrace_test_rows_total", .type = METRIC_COUNTER, .help = "Rows."}, {0}};
    metrics_register(table);
    metric_add(table, "loan", 3);
    open_server();
    char *answer = answer_to("GET", "/metrics");
    ck_assert_ptr_nonnull(
        strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "millrace_test_rows_total{pipeline=\"loan\"} 3\n"));
    assert_in("process_open_fds ", answer);
    http_close(&server);
}
END_TEST

START_TEST(head_has_no_body)
{
    open_server();
    char *answer = answer_to("HEAD", "/livez");
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 "));
    ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    http_close(&server);
}
END_TEST

START_TEST(other_paths_are_not_found)
{
    open_server();
    assert_in("HTTP/1.1 404 ", answer_to("GET", "/"));
    assert_in("HTTP/1.1 404 ", answer_to("GET", "/livez/../metrics"));
    assert_in("HTTP/1.1 404 ", answer_to("POST", "/events"));
    http_close(&server);
}
END_TEST

START_TEST(other_methods_are_not_allowed)
{
    open_server();
    char *answer = answer_to("DELETE", "/metrics");
    ck_assert_ptr_nonnull(strstr(answer, "Allow: GET, HEAD\r\n"));
    assert_in("HTTP/1.1 405 ", answer);
    http_close(&server);
}
END_TEST

START_TEST(a_body_is_not_read)
{
    open_server();
    static const char post[] = "POST /livez HTTP/1.1\r\nHost: test\r\n"
                               "Content-Length: 1000000000000\r\n\r\nabc";
    assert_in("HTTP/1.1 405 ", answer_to_bytes(post, sizeof(post) - 1));
    static const char get[] = "GET /livez HTTP/1.1\r\nHost: test\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    assert_in("HTTP/1.1 200 ", answer_to_bytes(get, sizeof(get) - 1));
    http_close(&server);
}
END_TEST

START_TEST(nonsense_and_endless_headers_are_survived)
{
    open_server();
    free(answer_to_bytes("\x16\x03\x01\r\n\r\n\r\n", 9));
    size_t length = 1 << 20;
    char *request = malloc(length);
    memset(request, 'x', length);
    memcpy(request, "GET /livez HTTP/1.1\r\nA: ", 24);
    free(answer_to_bytes(request, length));
    free(request);
    assert_in("HTTP/1.1 200 ", answer_to("GET", "/livez"));
    http_close(&server);
}
END_TEST

START_TEST(a_connection_serves_several_requests)
{
    open_server();
    static const char two[] = "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n"
                              "GET /none HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    char *answer = answer_to_bytes(two, sizeof(two) - 1);
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 "));
    assert_in("HTTP/1.1 404 ", answer);
    http_close(&server);
}
END_TEST

static void *
ask_often(void *self)
{
    (void)self;
    for (int i = 0; i < 25; i++) {
        free(answer_to("GET", "/metrics"));
        free(answer_to("GET", "/readyz?verbose"));
    }
    return NULL;
}

START_TEST(many_may_ask_while_others_count)
{
    static struct metric table[] = {
        {.name = "millrace_test_rows_total", .type = METRIC_COUNTER, .help = "Rows."}, {0}};
    metrics_register(table);
    open_server();
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ask_often, NULL);
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "p%d", i % 100);
        metric_add(table, name, 1);
        health_set(i % 2 ? "kafka" : "model", HEALTH_READY, i % 3 == 0, name);
        health_beat("stream", 60000);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_in("millrace_test_rows_total{pipeline=\"p99\"} 20\n", answer_to("GET", "/metrics"));
    http_close(&server);
}
END_TEST

START_TEST(idle_connections_do_not_hold_up_the_end)
{
    open_server();
    int fd = connect_to_server();
    http_close(&server);
    close(fd);
}
END_TEST

START_TEST(a_port_in_use_is_fatal_and_named)
{
    open_server();
    struct error err = {0};
    struct http *second = NULL;
    ck_assert_int_eq(http_open(&second, "127.0.0.1", http_port(server), &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_ptr_nonnull(strstr(err.message, "Address already in use"));
    ck_assert_ptr_null(second);
    http_close(&server);
}
END_TEST

START_TEST(an_address_that_is_not_numeric_is_fatal)
{
    struct error err = {0};
    ck_assert_int_eq(http_open(&server, "localhost", 0, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_str_eq(err.message, "\"localhost\" is no numeric address");
}
END_TEST

START_TEST(a_port_out_of_range_is_fatal)
{
    struct error err = {0};
    ck_assert_int_eq(http_open(&server, "127.0.0.1", 65536, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_int_eq(http_open(&server, "127.0.0.1", -1, &err), -1);
}
END_TEST

RUN_TESTS("http", a_live_process_answers_ok, the_query_asks_for_all_checks_or_leaves_some_out,
          all_health_paths_are_served, metrics_are_served_in_prometheus_text_format,
          head_has_no_body, other_paths_are_not_found, other_methods_are_not_allowed,
          a_body_is_not_read, nonsense_and_endless_headers_are_survived,
          a_connection_serves_several_requests, many_may_ask_while_others_count,
          idle_connections_do_not_hold_up_the_end, a_port_in_use_is_fatal_and_named,
          an_address_that_is_not_numeric_is_fatal, a_port_out_of_range_is_fatal)
