/* failpoint: see failpoint.h. SPDX-License-Identifier: Apache-2.0 */
#include "failpoint.h"

#ifdef MILLRACE_TEST
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define POINTS_MAX  512
#define ENTRY_MAX   128 /* bytes of <name>[@<program>]:<n> */
#define STATUS_KILL 137
#define PAUSE_US    50000

struct point {
    char entry[ENTRY_MAX]; /* as given, without what follows n: the name of its file */
    char name[ENTRY_MAX];
    char program[ENTRY_MAX]; /* empty: any */
    long n;
    bool stops, fails;
    atomic_long reached;
};

static struct point points[POINTS_MAX];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
refuse(const char *variable, const char *value, const char *remedy)
{
    fprintf(stderr, "%s: \"%s\" %s\n", variable, value, remedy);
    _exit(EX_CONFIG);
}

static bool
read_number(const char *text, long *n)
{
    size_t digits = strspn(text, "0123456789");
    *n = atol(text);
    return digits > 0 && digits < 10 && text[digits] == '\0' && *n > 0;
}

/* Takes the item apart from its end. */
static bool
read_point(char *item, struct point *point)
{
    if (strlen(item) >= ENTRY_MAX)
        return false;
    char *end = strrchr(item, ':');
    point->stops = end != NULL && strcmp(end, ":stop") == 0;
    point->fails = end != NULL && strcmp(end, ":fail") == 0;
    if (point->stops || point->fails)
        *end = '\0';
    strcpy(point->entry, item);
    char *number = strrchr(item, ':');
    if (number == NULL || !read_number(number + 1, &point->n))
        return false;
    *number = '\0';
    char *program = strchr(item, '@');
    if (program != NULL) {
        *program = '\0';
        strcpy(point->program, program + 1);
    }
    strcpy(point->name, item);
    bool named = program == NULL || program[1] != '\0';
    return named && item[0] != '\0' && strpbrk(point->entry, "/ ") == NULL;
}

static void
read_points(void)
{
    const char *value = getenv("FAILPOINT");
    if (value == NULL || value[0] == '\0')
        return;
    char *copy = strdup(value), *rest = copy, *item;
    while (copy != NULL && (item = strsep(&rest, ",")) != NULL)
        if (count == POINTS_MAX || !read_point(item, &points[count++]))
            refuse("FAILPOINT", value, "is no list of <name>[@<program>]:<n>[:stop|:fail]");
    free(copy);
}

static bool
strikes_now(const struct point *point)
{
    const char *folder = getenv("FAILPOINT_ONCE");
    char path[4096];
    if (folder == NULL)
        return true;
    snprintf(path, sizeof(path), "%s/%s", folder, point->entry);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST)
        return false;
    if (file < 0)
        refuse("FAILPOINT_ONCE", folder, "is no folder that can be written to");
    dprintf(file, "%d %s\n", (int)getpid(), program_invocation_short_name);
    close(file);
    return true;
}

/* The pause lets libraries' threads send what they were handed: a kill in the middle of a batch
 * otherwise leaves nothing of it anywhere, and one before it was begun looks the same. */
static bool
strike(const struct point *point)
{
    if (!strikes_now(point))
        return false;
    fprintf(stderr, "failpoint %s: %s %s here\n", point->entry, program_invocation_short_name,
            point->stops   ? "stops"
            : point->fails ? "fails"
                           : "ends");
    usleep(PAUSE_US);
    if (!point->stops && !point->fails)
        _exit(STATUS_KILL);
    if (point->stops)
        raise(SIGSTOP);
    return point->fails;
}

bool
failpoint_reach(const char *name)
{
    bool fails = false;
    pthread_once(&once, read_points);
    for (size_t i = 0; i < count; i++) {
        struct point *point = &points[i];
        bool here =
            point->program[0] == '\0' || strcmp(point->program, program_invocation_short_name) == 0;
        if (here && strcmp(point->name, name) == 0 &&
            atomic_fetch_add(&point->reached, 1) + 1 == point->n)
            fails = strike(point) || fails;
    }
    return fails;
}

bool
failpoint_crippled(const char *name)
{
    const char *item = getenv("CRIPPLED");
    size_t length = strlen(name);
    while (item != NULL && item[0] != '\0') {
        size_t end = strcspn(item, ",");
        if (end == length && strncmp(item, name, length) == 0)
            return true;
        item += end + (item[end] == ',' ? 1 : 0);
    }
    return false;
}
#endif
