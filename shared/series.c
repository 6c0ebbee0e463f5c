/* series: two arrays that grow at the end and shrink at the start. Written as the newest time, then
 * all times, then all values, in 8 bytes each, little-endian.
 * SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include <endian.h>
#include <string.h>

#define WORD          sizeof(uint64_t)
#define CAPACITY_MIN  16
#define DISTINCT_LOAD 2 /* slots for each event */

static uint64_t
read_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, WORD);
    return le64toh(word);
}

static void
write_word(uint8_t *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, WORD);
}

/* Room for `capacity` events, the first `count` of which are those there are. */
static int
grow(struct arena *arena, struct series *series, size_t capacity, struct error *err)
{
    int64_t *time_us = arena_alloc(arena, capacity, WORD);
    uint64_t *value = series->valued ? arena_alloc(arena, capacity, WORD) : NULL;
    if (time_us == NULL || (series->valued && value == NULL))
        return error_memory(err, "the events of a window");
    if (series->count > 0)
        memcpy(time_us, series->time_us, series->count * WORD);
    if (series->count > 0 && series->valued)
        memcpy(value, series->value, series->count * WORD);
    series->time_us = time_us;
    series->value = value;
    series->capacity = capacity;
    return 0;
}

int
series_read(struct arena *arena, struct bytes bytes, struct series *out, struct error *err)
{
    struct series series = {.newest_us = INT64_MIN, .valued = out->valued};
    size_t width = series.valued ? 2 : 1, words = bytes.length / WORD;
    if (bytes.at == NULL) {
        *out = series;
        return 0;
    }
    if (bytes.length % WORD != 0 || words % width != 1 % width || words < 1 ||
        words > 1 + width * SERIES_EVENTS_MAX)
        return error_set(err, ERROR_INPUT, "%zu bytes are no events of a window", bytes.length);
    size_t count = (words - 1) / width;
    if (grow(arena, &series, count + CAPACITY_MIN, err) != 0)
        return -1;
    series.count = count;
    series.newest_us = (int64_t)read_word(bytes.at);
    const uint8_t *times = bytes.at + WORD, *values = times + count * WORD;
    for (size_t i = 0; i < count; i++) {
        series.time_us[i] = (int64_t)read_word(times + i * WORD);
        if (series.valued)
            series.value[i] = read_word(values + i * WORD);
        if (i > 0 && series.time_us[i] < series.time_us[i - 1])
            return error_set(err, ERROR_INPUT, "event %zu of a window is older than the one before",
                             i);
    }
    *out = series;
    return 0;
}

size_t
series_bytes(const struct series *series)
{
    return WORD + series->count * WORD * (series->valued ? 2 : 1);
}

void
series_write(const struct series *series, uint8_t *out)
{
    uint8_t *times = out + WORD, *values = times + series->count * WORD;
    write_word(out, (uint64_t)series->newest_us);
    for (size_t i = 0; i < series->count; i++)
        write_word(times + i * WORD, (uint64_t)series->time_us[i]);
    for (size_t i = 0; series->valued && i < series->count; i++)
        write_word(values + i * WORD, series->value[i]);
}

/* How many events are not younger than `time_us`. */
static size_t
count_until(const struct series *series, int64_t time_us)
{
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->time_us[middle] <= time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int
series_add(struct arena *arena, struct series *series, int64_t time_us, uint64_t value,
           struct error *err)
{
    if (series->count == series->capacity &&
        grow(arena, series, CAPACITY_MIN + series->count * 2, err) != 0)
        return -1;
    size_t at = count_until(series, time_us), after = series->count - at;
    memmove(series->time_us + at + 1, series->time_us + at, after * WORD);
    series->time_us[at] = time_us;
    if (series->valued) {
        memmove(series->value + at + 1, series->value + at, after * WORD);
        series->value[at] = value;
    }
    series->count++;
    return 0;
}

void
series_drop_first(struct series *series, size_t count)
{
    if (count == 0)
        return;
    series->time_us += count;
    series->value = series->valued ? series->value + count : NULL;
    series->count -= count;
    series->capacity -= count;
}

void
series_drop_until(struct series *series, int64_t time_us)
{
    series_drop_first(series, count_until(series, time_us));
}

struct range
series_range(const struct series *series, int64_t after_us, int64_t until_us)
{
    return (struct range){count_until(series, after_us), count_until(series, until_us)};
}

static int
make_room(struct distinct *distinct, size_t events, struct error *err)
{
    size_t capacity = CAPACITY_MIN;
    while (capacity < events * DISTINCT_LOAD)
        capacity *= 2;
    if (capacity <= distinct->capacity)
        return 0;
    uint64_t *value = arena_alloc(distinct->arena, capacity, sizeof(*value));
    uint32_t *turn = arena_alloc(distinct->arena, capacity, sizeof(*turn));
    if (value == NULL || turn == NULL)
        return error_memory(err, "the values of a window");
    distinct->value = value;
    distinct->turn = turn;
    distinct->capacity = capacity;
    distinct->now = 0;
    return 0;
}

int
series_distinct(struct distinct *distinct, const struct series *series, struct range range,
                size_t *out, struct error *err)
{
    if (make_room(distinct, range.end - range.first, err) != 0)
        return -1;
    size_t count = 0, mask = distinct->capacity - 1;
    uint32_t now = ++distinct->now;
    for (size_t i = range.first; i < range.end; i++) {
        uint64_t value = series->value[i];
        size_t slot = value & mask; /* the values are hashes already */
        while (distinct->turn[slot] == now && distinct->value[slot] != value)
            slot = (slot + 1) & mask;
        count += distinct->turn[slot] != now;
        distinct->turn[slot] = now;
        distinct->value[slot] = value;
    }
    *out = count;
    return 0;
}
