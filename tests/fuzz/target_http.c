/* http: raw bytes over a connection to the real server in this process. Whatever is sent,
 * what comes back, if anything, is a reply, and the next caller is answered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "health.h"
#include "metrics.h"

#define SILENCE_MS  3
#define ANSWER_MS   4000
#define PROBE_EVERY 64

static struct http *server;
int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct metric metrics[] = {
        {"millrace_fuzz_total", METRIC_COUNTER, "Something to print", NULL, NULL}, {0}};
    struct error err = {0};
    (void)argc, (void)argv;
    signal(SIGPIPE, SIG_IGN);
    metrics_register(metrics);
    metric_add(&metrics[0], "loan", 1);
    health_set("kafka", HEALTH_READY, true, NULL);
    health_set("postgresql", HEALTH_ADVISE, false, "gone");
    if (http_open(&server, "127.0.0.1", 0, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    return 0;
}

/* Closed by a reset and never by half, so that no port is left in TIME_WAIT: there are too few. */
static int
connected(void)
{
    const struct linger reset = {1, 0};
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)http_port(server));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
    REQUIRE(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* Sends, and reads until the server closes or is silent for wait_ms. A server that answers early
 * stops reading, and one that waits for the rest of a request keeps silent. */
static size_t
converse(const uint8_t *data, size_t size, int wait_ms, char *reply, size_t room)
{
    int fd = connected();
    size_t got = 0;
    ssize_t n = 0;
    while (size > 0 && (n = send(fd, data, size, MSG_NOSIGNAL)) > 0) {
        data += n;
        size -= (size_t)n;
    }
    struct pollfd at = {fd, POLLIN, 0};
    while (got < room && poll(&at, 1, got > 0 ? 0 : wait_ms) == 1 &&
           (n = recv(fd, reply + got, room - got, MSG_DONTWAIT)) > 0)
        got += (size_t)n;
    close(fd);
    return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char probe[] = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
    static char reply[1 << 16];
    static unsigned run;
    size_t got = converse(data, size, SILENCE_MS, reply, sizeof(reply));
    REQUIRE(got < 7 || memcmp(reply, "HTTP/1.", 7) == 0);
    if (run++ % PROBE_EVERY != 0)
        return 0;
    got = converse((const uint8_t *)probe, sizeof(probe) - 1, ANSWER_MS, reply, sizeof(reply));
    REQUIRE(got > 12 && memcmp(reply, "HTTP/1.1 200", 12) == 0);
    return 0;
}
