/* proxy_help: the fault proxy as a process, and both ends of what it stands between: the test is
 * its client and its server, so what has arrived where is known without waiting for a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PROXY_HELP_H
#define MILLRACE_PROXY_HELP_H

#include "check_main.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENCE_MS 100 /* what has not come by then is taken as held; a slow machine passes */

struct proxied {
    pid_t pid;
    FILE *output; /* what it prints and logs */
    int control;
    int server; /* listening; -1 when the target is down */
    uint16_t port;
    char folder[64], fifo[80];
};

__attribute__((unused)) static int
listen_anywhere(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Reads the proxy's lines up to one that contains the text. */
__attribute__((unused)) static void
await_line(struct proxied *proxy, const char *text, char line[512])
{
    do
        ck_assert_msg(fgets(line, 512, proxy->output) != NULL, "the proxy never said: %s", text);
    while (strstr(line, text) == NULL);
}

/* Returns when the proxy has obeyed (or refused, if `answer` says so). */
__attribute__((unused)) static void
command_answered(struct proxied *proxy, const char *command, const char *answer)
{
    char line[512];
    ck_assert_int_eq(dprintf(proxy->control, "%s\n", command), (int)strlen(command) + 1);
    await_line(proxy, answer, line);
    ck_assert_msg(strstr(line, command) != NULL, "\"%s\" does not name %s", line, command);
}

__attribute__((unused)) static void
command(struct proxied *proxy, const char *text)
{
    command_answered(proxy, text, "command: ");
}

/* Asks for counts and compares: "requests=2 dropped=1". */
__attribute__((unused)) static void
assert_counts(struct proxied *proxy, const char *counts)
{
    char line[512];
    ck_assert_int_eq(dprintf(proxy->control, "count\n"), 6);
    await_line(proxy, "proxy: connections=", line);
    ck_assert_msg(strstr(line, counts) != NULL, "no \"%s\" in %s", counts, line);
}

/* The program lies in the build folder, beside the folder of the unit tests. */
static void
proxy_run(const struct proxied *proxy, int output, const char *protocol, const char *target)
{
    char program[512];
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 32);
    if (size < 0)
        _exit(126);
    program[size] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        _exit(126);
    snprintf(slash, 32, "/../fault-proxy");
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not stop it */
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execl(program, program, "--listen", "127.0.0.1:0", "--target", target, "--protocol", protocol,
          "--control", proxy->fifo, "--seed", "7", NULL);
    _exit(127);
}

__attribute__((unused)) static struct proxied
proxy_start(const char *protocol)
{
    struct proxied proxy = {.folder = "/tmp/millrace-proxy-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(proxy.folder));
    snprintf(proxy.fifo, sizeof(proxy.fifo), "%s/control", proxy.folder);
    uint16_t port;
    proxy.server = listen_anywhere(&port);
    char target[32], line[512];
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    int output[2];
    ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
    proxy.pid = fork();
    ck_assert_int_ge(proxy.pid, 0);
    if (proxy.pid == 0)
        proxy_run(&proxy, output[1], protocol, target);
    close(output[1]);
    proxy.output = fdopen(output[0], "r");
    await_line(&proxy, "listening on ", line);
    ck_assert_int_eq(sscanf(line, "listening on 127.0.0.1:%hu", &proxy.port), 1);
    proxy.control = open(proxy.fifo, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(proxy.control, 0);
    return proxy;
}

/* Each test ends so: the proxy must be alive, free of leaks, and leave with its counts. */
__attribute__((unused)) static void
proxy_stop(struct proxied *proxy)
{
    int status = 0;
    char line[512];
    ck_assert_int_eq(kill(proxy->pid, SIGTERM), 0);
    await_line(proxy, "proxy: connections=", line);
    ck_assert_int_eq(waitpid(proxy->pid, &status, 0), proxy->pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the proxy ended with %d", status);
    fclose(proxy->output);
    close(proxy->control);
    close(proxy->server);
    unlink(proxy->fifo);
    rmdir(proxy->folder);
}

__attribute__((unused)) static int
proxy_connect(const struct proxied *proxy)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(proxy->port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

struct ends {
    int client, server;
};

__attribute__((unused)) static struct ends
ends_open(const struct proxied *proxy)
{
    struct ends ends = {.client = proxy_connect(proxy)};
    ends.server = accept4(proxy->server, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(ends.server, 0);
    return ends;
}

__attribute__((unused)) static void
ends_close(struct ends *ends)
{
    close(ends->client);
    close(ends->server);
}

__attribute__((unused)) static void
put(int fd, const void *bytes, size_t size)
{
    ck_assert_int_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* Exactly these bytes are next. */
__attribute__((unused)) static void
expect(int fd, const void *bytes, size_t size)
{
    char read[4096];
    ck_assert_uint_le(size, sizeof(read));
    ck_assert_int_eq(recv(fd, read, size, MSG_WAITALL), (ssize_t)size);
    ck_assert_mem_eq(read, bytes, size);
}

__attribute__((unused)) static void
expect_silence(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&one, 1, SILENCE_MS), 0);
}

__attribute__((unused)) static void
expect_end(int fd)
{
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

__attribute__((unused)) static void
expect_reset(int fd)
{
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
    ck_assert_int_eq(errno, ECONNRESET);
}

#endif
