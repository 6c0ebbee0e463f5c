/* health: two small tables under one lock. Checks are set by whoever knows; a loop that hangs
 * cannot set anything, so its silence is what counts. SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define CHECKS_MAX      32
#define LOOPS_MAX       32
#define NAME_LENGTH_MAX 63 /* what is longer is cut */
#define DETAIL_MAX      256

struct check {
    char name[NAME_LENGTH_MAX + 1];
    char detail[DETAIL_MAX];
    enum health_scope scope;
    bool ok;
};

struct loop {
    char name[NAME_LENGTH_MAX + 1];
    int64_t last_ms, limit_ms;
    bool beating;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct check checks[CHECKS_MAX];
static struct loop loops[LOOPS_MAX];
static size_t check_count, loop_count;
static bool stopping;

/* Every check is one line of the answer. */
static void
copy_line(char *out, size_t size, const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0' && length + 1 < size; length++)
        out[length] = (unsigned char)text[length] < ' ' ? ' ' : text[length];
    out[length] = '\0';
}

static struct check *
find_check(const char *name)
{
    for (size_t i = 0; i < check_count; i++) {
        if (strncmp(checks[i].name, name, NAME_LENGTH_MAX) == 0)
            return &checks[i];
    }
    if (check_count == CHECKS_MAX)
        return NULL;
    copy_line(checks[check_count].name, NAME_LENGTH_MAX + 1, name);
    return &checks[check_count++];
}

void
health_set(const char *name, enum health_scope scope, bool ok, const char *detail)
{
    pthread_mutex_lock(&lock);
    struct check *check = find_check(name);
    if (check) {
        check->scope = scope;
        check->ok = ok;
        copy_line(check->detail, DETAIL_MAX, detail ? detail : "");
    }
    pthread_mutex_unlock(&lock);
}

static struct loop *
find_loop(const char *name)
{
    for (size_t i = 0; i < loop_count; i++) {
        if (strncmp(loops[i].name, name, NAME_LENGTH_MAX) == 0)
            return &loops[i];
    }
    if (loop_count == LOOPS_MAX)
        return NULL;
    copy_line(loops[loop_count].name, NAME_LENGTH_MAX + 1, name);
    return &loops[loop_count++];
}

void
health_beat(const char *name, int64_t limit_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&lock);
    struct loop *loop = find_loop(name);
    if (loop) {
        loop->last_ms = now_ms;
        loop->limit_ms = limit_ms;
        loop->beating = true;
    }
    pthread_mutex_unlock(&lock);
}

void
health_stop_beating(const char *name)
{
    pthread_mutex_lock(&lock);
    struct loop *loop = find_loop(name);
    if (loop)
        loop->beating = false;
    pthread_mutex_unlock(&lock);
}

void
health_stopping(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_mutex_unlock(&lock);
}

struct answer {
    FILE *file;
    const char *exclude;
    bool verbose, failed;
    size_t counted; /* checks that count, whether excluded or not */
};

static bool
is_excluded(const char *list, const char *name)
{
    size_t length = strlen(name);
    while (list && *list != '\0') {
        size_t entry = strcspn(list, ",");
        if (entry == length && memcmp(list, name, length) == 0)
            return true;
        list += entry + (list[entry] == ',');
    }
    return false;
}

static void
answer_check(struct answer *answer, const char *name, bool counts, bool ok, const char *detail)
{
    answer->counted += counts;
    if (is_excluded(answer->exclude, name))
        return;
    bool failed = counts && !ok;
    answer->failed = answer->failed || failed;
    if (!answer->verbose && !failed)
        return;
    bool told = detail[0] != '\0';
    fprintf(answer->file, "[%c]%s%s%s\n", ok ? '+' : '-', name,
            told ? ": "
            : ok ? " ok"
                 : " failed",
            detail);
}

static void
answer_live(struct answer *answer)
{
    int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; i < loop_count; i++) {
        const struct loop *loop = &loops[i];
        if (!loop->beating)
            continue;
        int64_t silent_ms = now_ms - loop->last_ms;
        bool ok = silent_ms <= loop->limit_ms;
        char detail[DETAIL_MAX] = "";
        if (!ok)
            snprintf(detail, sizeof(detail), "silent for %" PRId64 " ms, at most %" PRId64,
                     silent_ms, loop->limit_ms);
        answer_check(answer, loop->name, true, ok, detail);
    }
}

static void
answer_ready(struct answer *answer)
{
    for (size_t i = 0; i < check_count; i++)
        answer_check(answer, checks[i].name, checks[i].scope != HEALTH_ADVISE, checks[i].ok,
                     checks[i].detail);
    if (answer->counted == 0)
        answer_check(answer, "checks", true, false, "none was made yet");
    if (stopping)
        answer_check(answer, "stopping", true, false, "the process was asked to end");
}

static void
answer_startup(struct answer *answer)
{
    for (size_t i = 0; i < check_count; i++) {
        if (checks[i].scope == HEALTH_STARTUP)
            answer_check(answer, checks[i].name, true, checks[i].ok, checks[i].detail);
    }
}

int
health_answer(const char *path, bool verbose, const char *exclude, char **body)
{
    static const struct {
        const char *path;
        void (*write)(struct answer *);
    } paths[] = {
        {"/livez", answer_live},
        {"/healthz", answer_live},
        {"/readyz", answer_ready},
        {"/startupz", answer_startup},
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(path, paths[i].path) != 0)
            continue;
        char *text = NULL;
        size_t length = 0;
        struct answer answer = {open_memstream(&text, &length), exclude, verbose, false, 0};
        if (!answer.file)
            return 0;
        pthread_mutex_lock(&lock);
        paths[i].write(&answer);
        pthread_mutex_unlock(&lock);
        if (ftell(answer.file) == 0)
            fputs("ok\n", answer.file);
        if (fclose(answer.file) != 0) {
            free(text);
            return 0;
        }
        *body = text;
        return answer.failed ? 503 : 200;
    }
    return 0;
}
