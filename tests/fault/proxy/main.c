/* fault-proxy: stands between clients and a server and does what networks do: loses replies, sends
 * requests twice, delays, cuts, resets. Commands are read from a FIFO, a line each (commands.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: fault-proxy --listen ADDRESS:PORT --target ADDRESS:PORT --protocol kafka|postgresql\n"
    "                   --control FIFO [--seed N] [--log FILE]\n"
    "Port 0 listens on a free one. Commands for the FIFO, a line each:\n"
    "  drop REQUEST PROBABILITY      pass the request on, lose its reply, end the connection\n"
    "  swallow REQUEST PROBABILITY   the same, the connection stays\n"
    "  repeat REQUEST PROBABILITY    send it a second time, lose the second reply (kafka)\n"
    "  late REQUEST PROBABILITY      end the client's connection, then pass the request on "
    "(kafka)\n"
    "  repeat-delay MS               for both, so much later; for requests of 1 MiB at most\n"
    "  delay MS [JITTER-MS]          all bytes arrive later\n"
    "  cut to-server|to-client|both SECONDS   nothing arrives, nothing is closed\n"
    "  trickle BYTES-PER-SECOND SECONDS       each direction of each connection\n"
    "  reset                         all connections end with RST\n"
    "  refuse SECONDS                new connections end at once\n"
    "  heal                          no rule holds, what was held flows\n"
    "  count                         a line of counts in the log\n"
    "REQUEST is the name or number of a Kafka request, such as EndTxn or 26, or commit.\n";

static _Noreturn void
refuse(const char *what, const char *why)
{
    fprintf(stderr, "fault-proxy: %s: %s\n", what, why);
    exit(2);
}

/* ---- options */

struct options {
    const char *listen, *target, *protocol, *control, *seed, *log;
};

static struct options
options_read(int argc, char *argv[])
{
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},   {"target", required_argument, NULL, 't'},
        {"protocol", required_argument, NULL, 'p'}, {"control", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},     {"log", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},           {0},
    };
    struct options options = {.seed = "1"};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (c) {
        case 'l':
            options.listen = optarg;
            break;
        case 't':
            options.target = optarg;
            break;
        case 'p':
            options.protocol = optarg;
            break;
        case 'c':
            options.control = optarg;
            break;
        case 's':
            options.seed = optarg;
            break;
        case 'o':
            options.log = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    if (optind < argc || options.listen == NULL || options.target == NULL ||
        options.protocol == NULL || options.control == NULL) {
        fputs(usage, stderr);
        exit(2);
    }
    return options;
}

static struct sockaddr_in
address_read(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        refuse(text, "an address is like 127.0.0.1:9092");
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || end == colon + 1 || *end != '\0' ||
        port > UINT16_MAX)
        refuse(text, "an address is like 127.0.0.1:9092");
    address.sin_port = htons((uint16_t)port);
    return address;
}

static const struct protocol *
protocol_find(const char *name)
{
    static const struct protocol *const all[] = {&protocol_kafka, &protocol_postgresql};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    refuse(name, "a protocol is kafka or postgresql");
}

static uint64_t
seed_read(const char *text)
{
    char *end = NULL;
    uint64_t seed = strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        refuse(text, "a seed is a whole number");
    return seed;
}

/* ---- what is open as long as the process */

/* Also says where, on standard output, for those who asked for any free port. */
static int
listener_open(struct sockaddr_in at, const char *text)
{
    int yes = 1;
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        refuse(text, strerror(errno));
    char host[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &at.sin_addr, host, sizeof(host));
    printf("listening on %s:%d\n", host, ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

/* Open for writing too: so it never ends, whoever comes and goes. */
static int
control_open(const char *path)
{
    struct stat status;
    if (mkfifo(path, 0600) != 0 && errno != EEXIST)
        refuse(path, strerror(errno));
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        refuse(path, strerror(errno));
    if (!S_ISFIFO(status.st_mode))
        refuse(path, "it is no FIFO");
    return fd;
}

static FILE *
log_open(const char *path)
{
    FILE *file = path == NULL ? stderr : fopen(path, "ae");
    if (file == NULL)
        refuse(path, strerror(errno));
    return file;
}

static void
allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals are read like all else, so none is missed however busy the sockets are. */
static int
signals_open(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &ends, SFD_CLOEXEC);
    if (fd < 0)
        refuse("signalfd", strerror(errno));
    return fd;
}

/* ---- the loop */

/* False when it is time to go. */
static bool
turn(struct proxy *proxy, int signals)
{
    enum { SIGNALS, LISTENER, CONTROL, OTHERS };
    static struct pollfd set[OTHERS + 2 * CONNECTIONS_MAX];
    int64_t next = NEVER;
    connections_tend(proxy);
    bool full = proxy->open >= CONNECTIONS_MAX;
    set[SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
    set[LISTENER] = (struct pollfd){.fd = full ? -1 : proxy->listener, .events = POLLIN};
    set[CONTROL] = (struct pollfd){.fd = proxy->control, .events = POLLIN};
    size_t count = connections_poll(proxy, set, OTHERS, &next);
    int64_t wait = next > proxy->now ? next - proxy->now : 0;
    struct timespec limit = {.tv_sec = wait / SECOND, .tv_nsec = wait % SECOND * 1000};
    int ready = ppoll(set, count, next == NEVER ? NULL : &limit, NULL);
    proxy->now = now_us();
    if (ready <= 0)
        return true;
    connections_read(proxy, set);
    if (set[LISTENER].revents != 0)
        connection_accept(proxy);
    if (set[CONTROL].revents != 0)
        control_read(proxy);
    return set[SIGNALS].revents == 0;
}

int
main(int argc, char *argv[])
{
    struct options options = options_read(argc, argv);
    static struct proxy proxy;
    proxy.protocol = protocol_find(options.protocol);
    proxy.target = address_read(options.target);
    proxy.random = seed_read(options.seed);
    proxy.now = now_us();
    int signals = signals_open();
    allow_descriptors();
    proxy.log = log_open(options.log);
    proxy.control = control_open(options.control);
    proxy.listener = listener_open(address_read(options.listen), options.listen);
    note(&proxy, "started: %s, %s to %s, seed %s", options.protocol, options.listen, options.target,
         options.seed);
    while (turn(&proxy, signals))
        ;
    close(proxy.listener); /* first, so that whoever awaits the last line can have the port */
    count_write(&proxy);
    connections_reset(&proxy);
    return EXIT_SUCCESS;
}
