/* service: what every main calls: settings, threads, health, signals, exit status. See service.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"
#include "health.h"
#include "http.h"
#include "log.h"
#include "sink.h"
#include "state.h"
#include "stream.h"

enum exit_status {
    EXIT_STOPPED = 0,
    EXIT_FATAL = 1,
    EXIT_USAGE = 2,
    EXIT_AGAIN = 75,
    EXIT_CONFIG = 78
};

const struct setting common_table[] = {
    SETTING(common_settings, prefix, TEXT, "millrace",
            "First word of every topic, group and transactional id"),
    SETTING(common_settings, lane, TEXT, "main", "The lane of pipelines that this instance serves"),
    SETTING(common_settings, instance, TEXT, "",
            "Ordinal of this instance; default: the number ending the host name"),
    SETTING(common_settings, kafka_bootstrap_servers, TEXT, "127.0.0.1:9092", "Kafka brokers"),
    SETTING(common_settings, http_address, TEXT, "0.0.0.0", "Address of health and metrics"),
    SETTING(common_settings, http_port, COUNT, "8080",
            "Port of health and metrics; 0: any free one"),
    SETTING(common_settings, log_level, TEXT, "info", "debug, info, warn or error"),
    SETTING(common_settings, log_format, TEXT, "json", "json, or text for people"),
    SETTING(common_settings, cache_dir, TEXT, "/tmp/millrace", "Folder of fetched model files"),
    SETTING(common_settings, session_timeout_ms, MILLISECONDS, "45s",
            "Kafka session time-out of group members"),
    SETTING(common_settings, batch_rows, COUNT, "30000",
            "Rows of a stream transaction at most; it is as small as the load allows"),
    SETTING(common_settings, batch_ms, MILLISECONDS, "50ms",
            "Events are gathered for a transaction for this time at the latest"),
    SETTING(common_settings, sink_rows, COUNT, "10000", "Rows of a warehouse transaction at most"),
    SETTING(common_settings, sink_ms, MILLISECONDS, "1s",
            "Rows are written to the warehouse after this time at the latest"),
    SETTING(common_settings, memory_limit_mb, COUNT, "512",
            "Memory of one batch at most, in MiB; past it the process ends and is restarted"),
    SETTING(common_settings, state_bytes, COUNT, "268435456",
            "Memory in bytes for the state of all assigned partitions; at it the oldest keys go"),
    {0},
};

struct program {
    const struct service *service;
    struct common_settings common;
    void *settings;
    struct broker *broker;
    struct catalog *catalog;
    struct http *http;
};

#define STOP_S 20 /* for the loops to end; within a pod's grace period of 45 s */

static atomic_bool stopping;

/* ---- settings */
static void
find_ordinal(struct program *program, struct mistakes *mistakes)
{
    static char found[32];
    char host[256] = "";
    const char *instance = program->common.instance;
    if (instance != NULL && instance[0] != '\0') {
        if (strlen(instance) > 9 || strspn(instance, "0123456789") != strlen(instance))
            mistake_add(mistakes, "MILLRACE_INSTANCE", "'%s' is no number", instance);
        return;
    }
    gethostname(host, sizeof(host) - 1);
    const char *dash = strrchr(host, '-');
    if (dash != NULL && dash[1] != '\0' && strlen(dash) < 10 &&
        strspn(dash + 1, "0123456789") == strlen(dash + 1)) {
        memcpy(found, dash + 1, strlen(dash));
        program->common.instance = found;
        return;
    }
    mistake_add(mistakes, "MILLRACE_INSTANCE",
                "is required: the ordinal of this instance, since the host name '%s' ends in none",
                host);
}

static void
check_word(struct mistakes *mistakes, const char *variable, const char *word)
{
    size_t length = word == NULL ? 0 : strlen(word);
    if (length == 0 || length > 63 ||
        strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        mistake_add(mistakes, variable, "must be 1 to 63 of a-z, 0-9 and '-'");
}

static int
configure(struct program *program, const struct setting *const tables[], struct mistakes *mistakes)
{
    void *const outs[] = {&program->common, program->settings, NULL};
    if (config_from_env(tables, outs, mistakes) == 0) {
        find_ordinal(program, mistakes);
        check_word(mistakes, "MILLRACE_PREFIX", program->common.prefix);
        check_word(mistakes, "MILLRACE_LANE", program->common.lane);
        if (program->common.batch_rows == 0 || program->common.batch_rows > 100000)
            mistake_add(mistakes, "MILLRACE_BATCH_ROWS", "must be 1 to 100000");
        if (program->common.sink_rows == 0 || program->common.sink_rows > 100000)
            mistake_add(mistakes, "MILLRACE_SINK_ROWS", "must be 1 to 100000");
        if (program->common.http_port > 65535)
            mistake_add(mistakes, "MILLRACE_HTTP_PORT", "must be 0 to 65535");
        if (program->common.state_bytes < STATE_LIMIT_MIN)
            mistake_add(mistakes, "MILLRACE_STATE_BYTES", "must be at least %d", STATE_LIMIT_MIN);
    }
    int unknown = config_unknown_env(tables, mistakes);
    static char client[128];
    snprintf(client, sizeof(client), "%s-%s", program->service->name,
             program->common.instance == NULL ? "" : program->common.instance);
    const struct broker_settings kafka = {program->common.kafka_bootstrap_servers, client,
                                          program->common.session_timeout_ms};
    if (broker_open(&kafka, &program->broker, mistakes) != 0)
        return -1;
    return unknown == 0 && mistakes_count(mistakes) == 0 ? 0 : -1;
}

static void
print_help(const struct service *service, const struct setting *const tables[])
{
    printf("usage: millrace-%s [--help | --version | --print-config]\n\n%s %s.\n\n", service->name,
           service->name, service->summary);
    printf(
        "Settings are read from the environment; NAME_FILE names a file that holds the value.\n"
        "PostgreSQL is found by libpq's PG* variables; MILLRACE_KAFKA_<PROPERTY> sets a property\n"
        "of librdkafka. Exit status: 0 stopped, 1 failed, 2 usage, 75 try again, 78 "
        "configuration.\n\n");
    config_print_help(stdout, tables);
}

/* ---- threads */
static int
status_of(const struct error *err)
{
    return err->kind == ERROR_FENCED ? EXIT_AGAIN : EXIT_FATAL;
}

/* A loop that ends by itself takes the process with it, at once: what it left open in Kafka or
 * PostgreSQL is undone there. */
static void
end_thread(const char *loop, int failed, const struct error *err)
{
    if (failed == 0)
        return;
    log_error("the loop ended", field_text("loop", loop),
              field_text("kind", error_kind_name(err->kind)), field_text("error", err->message));
    _exit(status_of(err));
}

static void *
run_stream(void *self)
{
    struct program *program = self;
    struct error err = {0};
    int failed = stream_run(program->service, &program->common, program->settings, program->broker,
                            program->catalog, &stopping, &err);
    end_thread("stream", failed, &err);
    return NULL;
}

static void *
run_sink(void *self)
{
    struct program *program = self;
    struct error err = {0};
    int failed = sink_run(program->service, &program->common, program->broker, program->catalog,
                          &stopping, &err);
    end_thread("sink", failed, &err);
    return NULL;
}

static void
sleep_until_next(int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms;
    while (!stopping && clock_monotonic_ms() < until)
        clock_sleep_ms(50);
}

static int
take_turns(struct program *program, struct task *task, struct error *err)
{
    const struct service *service = program->service;
    enum health_scope scope = service->needs_postgresql ? HEALTH_READY : HEALTH_ADVISE;
    while (!stopping) {
        struct error problem = {0};
        arena_reset(task->arena);
        bool waits = catalog_generation(program->catalog) == 0;
        int failed = waits ? 0 : service->task(task, &problem);
        if (failed != 0 && problem.kind == ERROR_FATAL &&
            warehouse_sqlstate(task->warehouse)[0] == '\0') {
            *err = problem;
            return -1;
        }
        if (failed != 0) {
            log_warn("the task will be tried again", field_text("error", problem.message));
            warehouse_disconnect(task->warehouse);
        } else if (!waits) {
            failed = warehouse_ping(task->warehouse, &problem);
        }
        health_set("postgresql", scope, failed == 0, failed == 0 ? NULL : problem.message);
        sleep_until_next(failed != 0 ? 1000 : service->task_every_ms);
    }
    return 0;
}

static void *
run_task(void *self)
{
    struct program *program = self;
    struct error err = {0};
    char worker[128];
    snprintf(worker, sizeof(worker), "%s-%s", program->service->name, program->common.instance);
    struct task task = {.settings = program->settings,
                        .prefix = program->common.prefix,
                        .lane = program->common.lane,
                        .worker = worker,
                        .folder = program->common.cache_dir,
                        .broker = program->broker,
                        .catalog = program->catalog,
                        .stopping = &stopping};
    int failed = arena_open(&task.arena, (size_t)program->common.memory_limit_mb << 20, &err);
    if (failed == 0)
        failed = warehouse_open(worker, 0, &task.warehouse, &err);
    if (failed == 0)
        failed = take_turns(program, &task, &err);
    if (program->service->task_close != NULL)
        program->service->task_close(&task);
    warehouse_close(&task.warehouse);
    arena_close(&task.arena);
    end_thread("task", failed, &err);
    return NULL;
}

struct threads {
    pthread_t at[3];
    size_t count;
};

static int
start_thread(struct program *program, void *(*loop)(void *), bool wanted, struct threads *threads,
             struct error *err)
{
    if (!wanted)
        return 0;
    if (pthread_create(&threads->at[threads->count], NULL, loop, program) != 0)
        return error_set(err, ERROR_FATAL, "no thread for a loop");
    threads->count++;
    return 0;
}

static int
start_threads(struct program *program, struct threads *threads, struct error *err)
{
    const struct service *service = program->service;
    if (start_thread(program, run_stream, service->reads != NULL, threads, err) != 0 ||
        start_thread(program, run_sink, service->keeps != NULL, threads, err) != 0)
        return -1;
    return start_thread(program, run_task, service->task != NULL, threads, err);
}

/* ---- the process */
static void
on_signal(int signal)
{
    (void)signal;
    stopping = 1;
}

static void
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Waiting for a server is progress and beats; a call stuck inside a transaction is not, and no
 * time-out of the client library ends it. */
static void
watch(void)
{
    char *body = NULL;
    if (health_answer("/livez", true, NULL, &body) != 200) {
        log_error("a loop makes no progress", field_text("health", body));
        _exit(EXIT_AGAIN);
    }
    free(body);
}

/* Leaving a group waits for Kafka without end. What a loop has in hand then is undone by whoever
 * takes its partitions, as after a kill. */
static void
join_threads(const struct threads *threads)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_S;
    for (size_t i = 0; i < threads->count; i++) {
        if (pthread_clockjoin_np(threads->at[i], NULL, CLOCK_MONOTONIC, &until) != 0) {
            log_error("a loop did not end in time; is Kafka within reach?",
                      field_int("seconds", STOP_S));
            _exit(EXIT_AGAIN);
        }
    }
}

static int
run_program(struct program *program, struct error *err)
{
    const struct service *service = program->service;
    const struct common_settings *common = &program->common;
    struct threads threads = {0};
    const struct catalog_options options = {.prefix = common->prefix,
                                            .lane = common->lane,
                                            .cache_dir = common->cache_dir,
                                            .adopts = service->adopts};
    if (service->metrics != NULL)
        metrics_register(service->metrics);
    if (http_open(&program->http, common->http_address, common->http_port, err) != 0 ||
        catalog_open(program->broker, &options, &program->catalog, err) != 0)
        return -1;
    log_info("started", field_text("version", MILLRACE_VERSION),
             field_text("prefix", common->prefix), field_text("lane", common->lane),
             field_int("http_port", http_port(program->http)));
    if (start_threads(program, &threads, err) != 0)
        return -1;
    while (!stopping) {
        clock_sleep_ms(200);
        watch();
    }
    health_stopping();
    log_info("stopping: the batch in hand is finished first");
    join_threads(&threads);
    catalog_close(&program->catalog);
    http_close(&program->http);
    log_info("stopped");
    return 0;
}

int
service_main(const struct service *service, int argc, char **argv)
{
    static const struct setting none[] = {{0}};
    const struct setting *const tables[] = {common_table,
                                            service->table == NULL ? none : service->table, NULL};
    struct program program = {.service = service};
    struct error err = {0};
    if (argc > 2 || (argc == 2 && strncmp(argv[1], "--", 2) != 0)) {
        fprintf(stderr, "millrace-%s takes no arguments; see --help\n", service->name);
        return EXIT_USAGE;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(service, tables);
        return EXIT_STOPPED;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("millrace-%s %s\n", service->name, MILLRACE_VERSION);
        return EXIT_STOPPED;
    }
    if (argc == 2 && strcmp(argv[1], "--print-config") == 0) {
        config_print_values(stdout, tables);
        return EXIT_STOPPED;
    }
    if (argc == 2) {
        fprintf(stderr, "millrace-%s: unknown option '%s'; see --help\n", service->name, argv[1]);
        return EXIT_USAGE;
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct mistakes *mistakes = mistakes_create();
    program.settings = calloc(1, service->settings_size + 1);
    if (configure(&program, tables, mistakes) != 0) {
        for (size_t i = 0; i < mistakes_count(mistakes); i++)
            fprintf(stderr, "%s: %s\n", mistakes_where(mistakes, i), mistakes_message(mistakes, i));
        mistakes_free(&mistakes);
        broker_close(&program.broker);
        free(program.settings);
        return EXIT_CONFIG;
    }
    mistakes_free(&mistakes);
    log_setup(service->name, program.common.instance, program.common.log_level,
              program.common.log_format);
    catch_signals();
    int failed = run_program(&program, &err);
    if (failed != 0)
        log_error("cannot start", field_text("error", err.message));
    broker_close(&program.broker);
    free(program.settings);
    return failed == 0 ? EXIT_STOPPED : status_of(&err);
}
