/* guard: see guard.h. A line of the file is a suspicion: topic, partition, first offset, end, and
 * how many processes have begun at that offset. "end" closes it; what follows is the remainder of a
 * longer text and means nothing, since the file is never cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STARTS_BEFORE_ALONE 2    /* the third start goes event by event */
#define SUSPECTS_MAX        4096 /* past it the oldest is forgotten */
#define TOPIC_LENGTH        256
#define LINE_LENGTH         (TOPIC_LENGTH + 80)

struct suspect {
    char topic[TOPIC_LENGTH];
    int32_t partition;
    int64_t first, end;
    int starts;
};

struct guard {
    int file;
    struct suspect *suspect;
    size_t suspects, capacity;
    struct suspect *inherited; /* as the predecessor left them, until they are passed */
    size_t inheritances;
    char *text;
    size_t room;
};

/* ---- suspects */
static struct suspect *
find(const struct guard *guard, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < guard->suspects; i++)
        if (guard->suspect[i].partition == partition && strcmp(guard->suspect[i].topic, topic) == 0)
            return &guard->suspect[i];
    return NULL;
}

static void
drop(struct guard *guard, struct suspect *suspect)
{
    size_t i = (size_t)(suspect - guard->suspect);
    memmove(suspect, suspect + 1, (guard->suspects - i - 1) * sizeof(*suspect));
    guard->suspects--;
}

static struct suspect *
add(struct guard *guard, const char *topic, int32_t partition)
{
    if (guard->suspects == SUSPECTS_MAX)
        drop(guard, guard->suspect);
    if (guard->suspects == guard->capacity) {
        size_t capacity = guard->capacity == 0 ? 16 : guard->capacity * 2;
        struct suspect *more = reallocarray(guard->suspect, capacity, sizeof(*more));
        if (more == NULL)
            return NULL;
        guard->suspect = more;
        guard->capacity = capacity;
    }
    struct suspect *suspect = &guard->suspect[guard->suspects++];
    *suspect = (struct suspect){.partition = partition};
    snprintf(suspect->topic, sizeof(suspect->topic), "%s", topic);
    return suspect;
}

/* ---- the file */
static int
make_folder(const char *path, struct error *err)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    if ((size_t)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path) >=
        sizeof(folder))
        return error_set(err, ERROR_TRANSIENT, "the path %.100s... is too long", path);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set(err, ERROR_TRANSIENT, "%s: %s", folder, strerror(errno));
    return 0;
}

static int
read_lines(struct guard *guard, FILE *in, struct error *err)
{
    char line[LINE_LENGTH], topic[TOPIC_LENGTH];
    for (int i = 0; i < SUSPECTS_MAX && fgets(line, sizeof(line), in) != NULL; i++) {
        if (strcmp(line, "end\n") == 0)
            break;
        struct suspect read = {0};
        if (sscanf(line, "%255s %" SCNd32 " %" SCNd64 " %" SCNd64 " %d", topic, &read.partition,
                   &read.first, &read.end, &read.starts) != 5 ||
            read.first < 0 || read.end <= read.first || read.starts < 1)
            continue;
        struct suspect *suspect = find(guard, topic, read.partition);
        if (suspect == NULL)
            suspect = add(guard, topic, read.partition);
        if (suspect == NULL)
            return error_memory(err, "a guard");
        memcpy(read.topic, suspect->topic, sizeof(read.topic));
        *suspect = read;
    }
    return 0;
}

static int
inherit(struct guard *guard, struct error *err)
{
    guard->inherited = calloc(guard->suspects + 1, sizeof(*guard->inherited));
    if (guard->inherited == NULL)
        return error_memory(err, "a guard");
    for (size_t i = 0; i < guard->suspects; i++)
        guard->inherited[guard->inheritances++] = guard->suspect[i];
    return 0;
}

int
guard_open(const char *path, struct guard **out, struct error *err)
{
    struct guard *guard = calloc(1, sizeof(*guard));
    if (guard == NULL)
        return error_memory(err, "a guard");
    guard->file = -1;
    if (make_folder(path, err) != 0)
        goto undo;
    FILE *in = fopen(path, "re");
    int failed = in != NULL ? read_lines(guard, in, err) : 0;
    if (in != NULL)
        fclose(in);
    if (failed != 0 || inherit(guard, err) != 0)
        goto undo;
    guard->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (guard->file < 0) {
        error_set(err, ERROR_TRANSIENT, "%s: %s", path, strerror(errno));
        goto undo;
    }
    *out = guard;
    return 0;
undo:
    guard_close(&guard);
    return -1;
}

void
guard_close(struct guard **guard)
{
    if (*guard == NULL)
        return;
    if ((*guard)->file >= 0)
        close((*guard)->file);
    free((*guard)->suspect);
    free((*guard)->inherited);
    free((*guard)->text);
    free(*guard);
    *guard = NULL;
}

/* One call of the system writes all, so a process that is killed leaves the old text or the new. */
static int
write_lines(struct guard *guard, struct error *err)
{
    size_t room = (guard->suspects + 1) * LINE_LENGTH, length = 0;
    if (room > guard->room) {
        char *text = realloc(guard->text, room);
        if (text == NULL)
            return error_memory(err, "a guard");
        guard->text = text;
        guard->room = room;
    }
    for (size_t i = 0; i < guard->suspects; i++) {
        const struct suspect *suspect = &guard->suspect[i];
        length += (size_t)snprintf(
            guard->text + length, room - length, "%s %" PRId32 " %" PRId64 " %" PRId64 " %d\n",
            suspect->topic, suspect->partition, suspect->first, suspect->end, suspect->starts);
    }
    length += (size_t)snprintf(guard->text + length, room - length, "end\n");
    if (pwrite(guard->file, guard->text, length, 0) != (ssize_t)length)
        return error_set(err, ERROR_TRANSIENT, "writing the batch in hand: %s", strerror(errno));
    return 0;
}

/* ---- a batch */
enum guard_verdict
guard_judge(const struct guard *guard, const char *topic, int32_t partition, int64_t first)
{
    const struct suspect *suspect = find(guard, topic, partition);
    if (suspect == NULL || suspect->first != first || suspect->starts < STARTS_BEFORE_ALONE)
        return GUARD_HANDLE;
    return suspect->starts == STARTS_BEFORE_ALONE ? GUARD_ALONE : GUARD_REFUSE;
}

/* The end of a suspected range stays where it was: events that come alone make it no shorter. */
int
guard_enter(struct guard *guard, const struct guard_range *range, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct suspect *suspect = find(guard, range[i].topic, range[i].partition);
        if (suspect == NULL)
            suspect = add(guard, range[i].topic, range[i].partition);
        if (suspect == NULL)
            return error_memory(err, "a guard");
        if (suspect->first != range[i].first || suspect->starts == 0) {
            suspect->first = range[i].first;
            suspect->end = range[i].end;
            suspect->starts = 0;
        }
        suspect->starts++;
    }
    return write_lines(guard, err);
}

int
guard_leave(struct guard *guard, const struct guard_range *range, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct suspect *suspect = find(guard, range[i].topic, range[i].partition);
        if (suspect != NULL && --suspect->starts == 0)
            drop(guard, suspect);
    }
    return write_lines(guard, err);
}

static struct suspect *
find_inherited(const struct guard *guard, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < guard->inheritances; i++)
        if (guard->inherited[i].partition == partition &&
            strcmp(guard->inherited[i].topic, topic) == 0)
            return &guard->inherited[i];
    return NULL;
}

bool
guard_suspects(const struct guard *guard, const char *topic, int32_t partition)
{
    return find_inherited(guard, topic, partition) != NULL;
}

void
guard_pass(struct guard *guard, const char *topic, int32_t partition, int64_t next)
{
    struct suspect *inherited = find_inherited(guard, topic, partition);
    if (inherited != NULL && next >= inherited->end)
        *inherited = guard->inherited[--guard->inheritances];
    struct suspect *suspect = find(guard, topic, partition);
    if (suspect == NULL)
        return;
    if (suspect->starts < STARTS_BEFORE_ALONE || next >= suspect->end) {
        drop(guard, suspect);
        return;
    }
    suspect->first = next;
    suspect->starts = STARTS_BEFORE_ALONE;
}
