/* bench: what the programs of the benchmark share: the services' settings and Kafka clients, one
 * pipeline file, what a run costs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BENCH_H
#define MILLRACE_BENCH_H

#include "service.h"

#define BENCH_SETTLE_MS 60000 /* for Kafka to take or give what was promised */

struct bench {
    const char *program;
    struct common_settings settings; /* from MILLRACE_*, as a service reads them */
    struct broker *broker;
};
/* 0, or an exit status already told. */
int bench_open(struct bench *, const char *program) MUST_CHECK;
void bench_close(struct bench *);
int bench_fail(const struct bench *, const struct error *); /* tells it; returns 1 */

/* The file as version 1, which is what a first `pipeline apply` makes of it. NULL: told. */
struct pipeline *bench_pipeline(const struct bench *, const char *path);
/* A whole file, malloc'd, with a NUL after its end. */
int bench_file(const char *path, struct bytes *out, struct error *) MUST_CHECK;

int64_t bench_now_us(void);     /* monotonic */
double bench_cpu_seconds(void); /* of this process, all threads, user and system */
double bench_resident_mb(void);

#endif
