/* commands: the lines of the control FIFO, the rules they set, and the log.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX    4
#define SECONDS_MAX  86400.0
#define RATE_MAX     1e9
#define TIME_MS_MAX  3.6e6
#define RANDOM_RANGE 0x1p-53

/* ---- log, chance, memory, time */

void
note(struct proxy *proxy, const char *fmt, ...)
{
    struct timespec now;
    struct tm utc;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(proxy->log, "%s.%03ldZ ", when, now.tv_nsec / 1000000);
    va_list values;
    va_start(values, fmt);
    vfprintf(proxy->log, fmt, values);
    va_end(values);
    fputc('\n', proxy->log);
    fflush(proxy->log);
}

int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000;
}

void *
must_allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fputs("fault-proxy: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
double
chance(struct proxy *proxy)
{
    uint64_t x = proxy->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ x >> 31) >> 11) * RANDOM_RANGE;
}

/* ---- rules */

static const char *const fault_names[FAULTS] = {"drop", "swallow", "repeat", "late"};

static void
key_write(char *text, size_t size, const struct proxy *proxy, int key)
{
    const char *name = proxy->protocol->key_name(key);
    if (name != NULL)
        snprintf(text, size, "%s", name);
    else
        snprintf(text, size, "%d", key);
}

bool
rule_strikes(struct proxy *proxy, enum fault fault, int key)
{
    if (key < 0 || key >= KEYS_MAX)
        return false;
    struct rule *rule = &proxy->rules[fault][key];
    if (rule->probability <= 0 || chance(proxy) >= rule->probability)
        return false;
    rule->struck++;
    char name[32];
    key_write(name, sizeof(name), proxy, key);
    note(proxy, "struck: %s %s", fault_names[fault], name);
    return true;
}

static uint64_t
struck(const struct proxy *proxy, enum fault fault)
{
    uint64_t sum = 0;
    for (int key = 0; key < KEYS_MAX; key++)
        sum += proxy->rules[fault][key].struck;
    return sum;
}

void
count_write(struct proxy *proxy)
{
    char line[4096];
    size_t used = 0;
    for (enum fault fault = 0; fault < FAULTS; fault++)
        for (int key = 0; key < KEYS_MAX && used + 64 < sizeof(line); key++) {
            if (proxy->rules[fault][key].struck == 0)
                continue;
            char name[32];
            key_write(name, sizeof(name), proxy, key);
            used += (size_t)snprintf(line + used, sizeof(line) - used, " %s.%s=%lu",
                                     fault_names[fault], name, proxy->rules[fault][key].struck);
        }
    line[used] = '\0';
    note(proxy,
         "proxy: connections=%lu open=%lu requests=%lu dropped=%lu swallowed=%lu repeated=%lu "
         "late=%lu%s",
         proxy->accepted, proxy->open, proxy->requests, struck(proxy, DROP), struck(proxy, SWALLOW),
         struck(proxy, REPEAT), struck(proxy, LATE), line);
}

/* ---- commands: each answers NULL, or what is wrong with its words */

typedef const char *answer(struct proxy *, char *const words[], size_t count);

static bool
number(const char *word, double least, double most, double *value)
{
    char *end = NULL;
    double read = strtod(word, &end);
    if (end == word || *end != '\0' || !(read >= least && read <= most))
        return false;
    *value = read;
    return true;
}

/* False for what is no time. */
static bool
until(const struct proxy *proxy, const char *word, int64_t *time)
{
    double seconds;
    if (!number(word, 0, SECONDS_MAX, &seconds))
        return false;
    *time = proxy->now + (int64_t)(seconds * (double)SECOND);
    return true;
}

static const char *
set_rule(struct proxy *proxy, char *const words[], size_t count)
{
    (void)count;
    enum fault fault = 0;
    while (strcmp(fault_names[fault], words[0]) != 0)
        fault++;
    if ((fault == REPEAT || fault == LATE) && !proxy->protocol->repeats)
        return "requests of this protocol are not repeated, nor late";
    int key = proxy->protocol->key(words[1]);
    if (key < 0)
        return "unknown request";
    if (!number(words[2], 0, 1, &proxy->rules[fault][key].probability))
        return "a probability is from 0 to 1";
    return NULL;
}

static const char *
set_delay(struct proxy *proxy, char *const words[], size_t count)
{
    double delay, jitter = 0;
    if (!number(words[1], 0, TIME_MS_MAX, &delay) ||
        (count > 2 && !number(words[2], 0, TIME_MS_MAX, &jitter)))
        return "milliseconds are from 0 to an hour";
    proxy->weather.delay = (int64_t)(delay * (double)MILLISECOND);
    proxy->weather.jitter = (int64_t)(jitter * (double)MILLISECOND);
    return NULL;
}

static const char *
set_repeat_delay(struct proxy *proxy, char *const words[], size_t count)
{
    (void)count;
    double delay;
    if (!number(words[1], 0, TIME_MS_MAX, &delay))
        return "milliseconds are from 0 to an hour";
    proxy->weather.repeat_delay = (int64_t)(delay * (double)MILLISECOND);
    return NULL;
}

static const char *
set_cut(struct proxy *proxy, char *const words[], size_t count)
{
    (void)count;
    bool both = strcmp(words[1], "both") == 0;
    bool to_server = both || strcmp(words[1], "to-server") == 0;
    bool to_client = both || strcmp(words[1], "to-client") == 0;
    if (!to_server && !to_client)
        return "a direction is to-server, to-client or both";
    int64_t end;
    if (!until(proxy, words[2], &end))
        return "seconds are from 0 to a day";
    if (to_server)
        proxy->weather.cut_until[TO_SERVER] = end;
    if (to_client)
        proxy->weather.cut_until[TO_CLIENT] = end;
    return NULL;
}

static const char *
set_refuse(struct proxy *proxy, char *const words[], size_t count)
{
    (void)count;
    return until(proxy, words[1], &proxy->weather.refuse_until) ? NULL
                                                                : "seconds are from 0 to a day";
}

static const char *
set_trickle(struct proxy *proxy, char *const words[], size_t count)
{
    (void)count;
    double rate;
    if (!number(words[1], 1, RATE_MAX, &rate))
        return "bytes a second are at least 1";
    if (!until(proxy, words[2], &proxy->weather.trickle_until))
        return "seconds are from 0 to a day";
    proxy->weather.trickle_rate = rate;
    return NULL;
}

static const char *
reset(struct proxy *proxy, char *const words[], size_t count)
{
    (void)words, (void)count;
    connections_reset(proxy);
    return NULL;
}

static const char *
heal(struct proxy *proxy, char *const words[], size_t count)
{
    (void)words, (void)count;
    for (enum fault fault = 0; fault < FAULTS; fault++)
        for (int key = 0; key < KEYS_MAX; key++)
            proxy->rules[fault][key].probability = 0;
    proxy->weather = (struct weather){.repeat_delay = proxy->weather.repeat_delay};
    connections_hurry(proxy);
    return NULL;
}

static const char *
count_all(struct proxy *proxy, char *const words[], size_t count)
{
    (void)words, (void)count;
    count_write(proxy);
    return NULL;
}

static const struct command {
    const char *name, *usage;
    size_t least, most; /* words, its name among them */
    answer *run;
} commands[] = {
    {"drop", "drop REQUEST PROBABILITY", 3, 3, set_rule},
    {"swallow", "swallow REQUEST PROBABILITY", 3, 3, set_rule},
    {"repeat", "repeat REQUEST PROBABILITY", 3, 3, set_rule},
    {"late", "late REQUEST PROBABILITY", 3, 3, set_rule},
    {"repeat-delay", "repeat-delay MS", 2, 2, set_repeat_delay},
    {"delay", "delay MS [JITTER-MS]", 2, 3, set_delay},
    {"cut", "cut to-server|to-client|both SECONDS", 3, 3, set_cut},
    {"refuse", "refuse SECONDS", 2, 2, set_refuse},
    {"trickle", "trickle BYTES-PER-SECOND SECONDS", 3, 3, set_trickle},
    {"reset", "reset", 1, 1, reset},
    {"heal", "heal", 1, 1, heal},
    {"count", "count", 1, 1, count_all},
};

static const char *
obey(struct proxy *proxy, char *const words[], size_t count)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, words[0]) != 0)
            continue;
        return count < command->least || count > command->most ? command->usage
                                                               : command->run(proxy, words, count);
    }
    return "unknown command";
}

static void
take_line(struct proxy *proxy, const char *line)
{
    char copy[LINE_MAX_BYTES], *rest = NULL, *words[WORDS_MAX + 1];
    size_t count = 0;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " \t\r", &rest); word != NULL && count <= WORDS_MAX;
         word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    if (count == 0)
        return;
    const char *wrong = obey(proxy, words, count);
    if (wrong != NULL)
        note(proxy, "error: %s: %s", line, wrong);
    else
        note(proxy, "command: %s", line);
}

static void
end_line(struct proxy *proxy)
{
    proxy->line[proxy->line_used] = '\0';
    if (proxy->line_too_long)
        note(proxy, "error: a command of %d bytes or more", LINE_MAX_BYTES);
    else
        take_line(proxy, proxy->line);
    proxy->line_used = 0;
    proxy->line_too_long = false;
}

void
control_read(struct proxy *proxy)
{
    char bytes[512];
    ssize_t n = read(proxy->control, bytes, sizeof(bytes));
    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] == '\n')
            end_line(proxy);
        else if (proxy->line_used < sizeof(proxy->line) - 1)
            proxy->line[proxy->line_used++] = bytes[i];
        else
            proxy->line_too_long = true;
}
