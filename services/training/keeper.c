/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"

#define BEATS 3 /* in a lease: two may be lost */

struct keeper {
    const struct job *job;
    const char *worker;
    struct warehouse *warehouse;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool stop;
};

/* True: until the next beat is due; false: it is over. */
static bool
wait(struct keeper *keeper)
{
    struct timespec until;
    int64_t ms = keeper->job->lease_ms / BEATS;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stop && pthread_cond_timedwait(&keeper->told, &keeper->lock, &until) == 0)
        continue;
    bool stop = keeper->stop;
    pthread_mutex_unlock(&keeper->lock);
    return !stop;
}

static void *
keep(void *self)
{
    struct keeper *keeper = self;
    while (wait(keeper)) {
        struct error err = {0};
        if (job_keep(keeper->warehouse, keeper->job, keeper->worker, &err) == 0)
            continue;
        log_warn("a lease was not kept", field_int("job", keeper->job->id),
                 field_text("error", err.message));
        if (err.kind == ERROR_FENCED)
            break;
        warehouse_disconnect(keeper->warehouse);
    }
    return NULL;
}

static int
start_thread(struct keeper *keeper, struct error *err)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->told, &monotonic);
    if (pthread_create(&keeper->thread, NULL, keep, keeper) != 0)
        return error_set(err, ERROR_FATAL, "no thread to keep a lease");
    return 0;
}

int
keeper_start(const struct job *job, const char *worker, struct keeper **out, struct error *err)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL)
        return error_memory(err, "the keeper of a lease");
    keeper->job = job;
    keeper->worker = worker;
    if (warehouse_open(worker, job->lease_ms, &keeper->warehouse, err) != 0 ||
        start_thread(keeper, err) != 0) {
        warehouse_close(&keeper->warehouse);
        free(keeper);
        return -1;
    }
    *out = keeper;
    return 0;
}

void
keeper_stop(struct keeper **keeper)
{
    if (*keeper == NULL)
        return;
    pthread_mutex_lock(&(*keeper)->lock);
    (*keeper)->stop = true;
    pthread_cond_signal(&(*keeper)->told);
    pthread_mutex_unlock(&(*keeper)->lock);
    pthread_join((*keeper)->thread, NULL);
    warehouse_close(&(*keeper)->warehouse);
    free(*keeper);
    *keeper = NULL;
}
