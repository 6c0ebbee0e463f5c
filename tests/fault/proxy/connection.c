/* connection: a client's socket, the server's, and the two flows between them; see proxy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_MAX = 64 << 10 };

/* ---- begin and end */

static void
close_with_reset(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static void
connection_free(struct connection *connection)
{
    for (enum direction d = 0; d < DIRECTIONS; d++)
        flow_discard(&connection->flow[d]);
    copies_forget(connection);
    connection->proxy->open--;
    free(connection);
}

static void
connection_reset(struct connection *connection)
{
    for (enum side side = 0; side < SIDES; side++)
        close_with_reset(connection->fd[side]);
    connection_free(connection);
}

static void
send_at_once(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* -1 if it is known already that nobody listens there. */
static int
connect_to(const struct sockaddr_in *target)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)target, sizeof(*target)) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

void
connection_accept(struct proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    proxy->accepted++;
    int server = proxy->now < proxy->weather.refuse_until ? -1 : connect_to(&proxy->target);
    if (server < 0) {
        close_with_reset(client);
        return;
    }
    send_at_once(client);
    send_at_once(server);
    struct connection *connection = must_allocate(sizeof(*connection));
    connection->proxy = proxy;
    connection->fd[CLIENT] = client;
    connection->fd[SERVER] = server;
    connection->slot = -1;
    proxy->protocol->start(connection);
    connection->next = proxy->connections;
    proxy->connections = connection;
    proxy->open++;
}

/* ---- bytes in */

/* Order is kept: what comes later is never due earlier. */
static void
put_due(struct flow *flow, struct proxy *proxy)
{
    const struct weather *weather = &proxy->weather;
    if (weather->delay == 0 && weather->jitter == 0)
        return;
    int64_t due = proxy->now + weather->delay + (int64_t)(chance(proxy) * (double)weather->jitter);
    due -= due % MILLISECOND; /* so that many small pieces share a chunk */
    if (due > flow->due)
        flow->due = due;
}

static void
read_from(struct connection *connection, enum side side)
{
    static uint8_t bytes[READ_MAX];
    enum direction direction = (enum direction)side;
    struct flow *flow = &connection->flow[direction];
    ssize_t n = recv(connection->fd[side], bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    put_due(flow, connection->proxy);
    if (n > 0) {
        frame_take(connection, direction, bytes, (size_t)n);
        return;
    }
    connection->silent[side] = true;
    frame_end(connection, direction);
    flow->ended = true;
    if (n < 0) /* who has reset will not read either; what it has sent still arrives */
        flow_discard(&connection->flow[!direction]);
}

/* False when the server is not there. */
static bool
finish_connecting(struct connection *connection)
{
    int problem = 0;
    socklen_t size = sizeof(problem);
    getsockopt(connection->fd[SERVER], SOL_SOCKET, SO_ERROR, &problem, &size);
    connection->connected = problem == 0;
    return connection->connected;
}

/* False when the connection has to be reset. */
static bool
connection_read(struct connection *connection, const struct pollfd *polled)
{
    if (polled[SERVER].revents != 0 && !connection->connected)
        return finish_connecting(connection);
    for (enum side side = 0; side < SIDES; side++)
        if (polled[side].revents != 0 && (polled[side].events & POLLIN) != 0)
            read_from(connection, side);
    return true;
}

void
connections_read(struct proxy *proxy, const struct pollfd *polled)
{
    struct connection **at = &proxy->connections;
    while (*at != NULL) {
        struct connection *connection = *at;
        if (connection->slot < 0 || connection_read(connection, polled + connection->slot)) {
            at = &connection->next;
            continue;
        }
        *at = connection->next;
        connection_reset(connection);
    }
}

/* ---- bytes out */

static void
tend_flow(struct connection *connection, enum direction direction)
{
    struct proxy *proxy = connection->proxy;
    struct flow *flow = &connection->flow[direction];
    int fd = connection->fd[!direction];
    if (flow->done || (direction == TO_SERVER && !connection->connected))
        return;
    flow_write(flow, fd, direction, &proxy->weather, proxy->now);
    if (flow->done || flow->first != NULL || !flow->ended ||
        (direction == TO_SERVER && copies_wait(connection)) ||
        flow_next(flow, direction, &proxy->weather) > proxy->now)
        return;
    shutdown(fd, SHUT_WR);
    flow->done = true;
}

/* Whether both directions have ended. */
static bool
connection_over(struct connection *connection)
{
    copies_send(connection);
    for (enum direction d = 0; d < DIRECTIONS; d++)
        tend_flow(connection, d);
    return connection->flow[TO_SERVER].done && connection->flow[TO_CLIENT].done;
}

void
connections_tend(struct proxy *proxy)
{
    struct connection **at = &proxy->connections;
    while (*at != NULL) {
        struct connection *connection = *at;
        if (!connection_over(connection)) {
            at = &connection->next;
            continue;
        }
        *at = connection->next;
        for (enum side side = 0; side < SIDES; side++)
            close(connection->fd[side]);
        connection_free(connection);
    }
}

/* ---- what to wait for */

static short
wanted_events(struct connection *connection, enum side side, int64_t *next)
{
    if (side == SERVER && !connection->connected)
        return POLLOUT;
    const struct proxy *proxy = connection->proxy;
    const struct flow *in = &connection->flow[side], *out = &connection->flow[!side];
    short events = 0;
    bool heard = (!in->ended && !in->done) || (side == SERVER && copies_wait(connection));
    if (heard && !connection->silent[side] && in->held < HELD_MAX)
        events |= POLLIN;
    int64_t due = flow_next(out, (enum direction) !side, &proxy->weather);
    if (due <= proxy->now && out->first != NULL)
        events |= POLLOUT;
    if (due > proxy->now && due < *next)
        *next = due;
    return events;
}

size_t
connections_poll(struct proxy *proxy, struct pollfd *set, size_t at, int64_t *next)
{
    for (struct connection *c = proxy->connections; c != NULL; c = c->next) {
        c->slot = (int)at;
        if (c->copies != NULL && frame_between(&c->framer[TO_SERVER]) && c->copies->due < *next)
            *next = c->copies->due;
        for (enum side side = 0; side < SIDES; side++) {
            short events = wanted_events(c, side, next);
            /* A socket that is polled for nothing would still tell its end, again and again. */
            set[at++] = (struct pollfd){.fd = events != 0 ? c->fd[side] : -1, .events = events};
        }
    }
    return at;
}

/* ---- all of them */

void
connections_reset(struct proxy *proxy)
{
    while (proxy->connections != NULL) {
        struct connection *connection = proxy->connections;
        proxy->connections = connection->next;
        connection_reset(connection);
    }
}

void
connections_hurry(struct proxy *proxy)
{
    for (struct connection *c = proxy->connections; c != NULL; c = c->next) {
        copies_hurry(c);
        for (enum direction d = 0; d < DIRECTIONS; d++)
            flow_hurry(&c->flow[d]);
    }
}
