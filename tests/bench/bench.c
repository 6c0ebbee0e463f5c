/* bench: see bench.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

int
bench_open(struct bench *bench, const char *program)
{
    const struct setting *const tables[] = {common_table, NULL};
    void *const outs[] = {&bench->settings, NULL};
    struct mistakes *mistakes = mistakes_create();
    bench->program = program;
    bool good = config_from_env(tables, outs, mistakes) == 0;
    const struct broker_settings kafka = {bench->settings.kafka_bootstrap_servers, program,
                                          bench->settings.session_timeout_ms};
    good = good && broker_open(&kafka, &bench->broker, mistakes) == 0;
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        fprintf(stderr, "%s: %s: %s\n", program, mistakes_where(mistakes, i),
                mistakes_message(mistakes, i));
    mistakes_free(&mistakes);
    log_setup(program, "0", "warn", "text");
    return good ? 0 : 78;
}

void
bench_close(struct bench *bench)
{
    broker_close(&bench->broker);
}

int
bench_fail(const struct bench *bench, const struct error *err)
{
    fprintf(stderr, "%s: %s\n", bench->program, err->message);
    return 1;
}

int
bench_file(const char *path, struct bytes *out, struct error *err)
{
    char *text = NULL;
    size_t room = 0, length = 0, got = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERROR_FATAL, "cannot open %s", path);
    do {
        char *more = realloc(text, room = room * 2 + 65536);
        if (more == NULL) {
            free(text);
            fclose(file);
            return error_memory(err, path);
        }
        text = more;
        got = fread(text + length, 1, room - length - 1, file);
        length += got;
    } while (got > 0);
    fclose(file);
    text[length] = '\0';
    *out = (struct bytes){(uint8_t *)text, length};
    return 0;
}

struct pipeline *
bench_pipeline(const struct bench *bench, const char *path)
{
    struct error err = {0};
    struct bytes json;
    if (bench_file(path, &json, &err) != 0) {
        bench_fail(bench, &err);
        return NULL;
    }
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *pipeline = pipeline_read(json, mistakes);
    mistakes_free(&mistakes);
    free((void *)(uintptr_t)json.at);
    if (pipeline == NULL)
        fprintf(stderr, "%s: %s is no pipeline\n", bench->program, path);
    else
        pipeline->version = 1;
    return pipeline;
}

int64_t
bench_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

double
bench_cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double
bench_resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}
