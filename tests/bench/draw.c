/* draw: see draw.h. Chance is splitmix64 (Steele, Lea, Flood, Fast Splittable Pseudorandom Number
 * Generators, 2014).
 * SPDX-License-Identifier: Apache-2.0 */
#include "draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "timestamp.h"

struct draw {
    const struct event_source *source;
    struct arena *arena; /* of the values */
    struct bytes *value;
    size_t count, capacity;
    uint64_t seed, state;
    int64_t customers;
    char id[64]; /* how ids begin */
    size_t id_length;
};

static uint64_t
chance(struct draw *draw)
{
    uint64_t z = draw->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int
keep(void *self, const struct event *event, struct error *err)
{
    struct draw *draw = self;
    if (draw->count == draw->capacity) {
        size_t capacity = draw->capacity == 0 ? 1024 : draw->capacity * 2;
        struct bytes *more = reallocarray(draw->value, capacity, sizeof(*more));
        if (more == NULL)
            return error_memory(err, "events to draw from");
        draw->value = more;
        draw->capacity = capacity;
    }
    struct bytes value = arena_copy(draw->arena, event->value);
    if (value.at == NULL)
        return error_memory(err, "events to draw from");
    draw->value[draw->count++] = value;
    return 0;
}

int
draw_open(const char *csv, const struct event_source *source, uint64_t seed, int64_t customers,
          struct draw **out, struct error *err)
{
    struct draw *draw = calloc(1, sizeof(*draw));
    FILE *file = fopen(csv, "re");
    if (draw == NULL || file == NULL) {
        free(draw);
        return error_set(err, ERROR_FATAL, "cannot open %s", csv);
    }
    *draw = (struct draw){
        .source = source, .seed = seed, .state = seed, .customers = customers > 0 ? customers : 1};
    draw->id_length = (size_t)snprintf(draw->id, sizeof(draw->id), "draw-%" PRIu64 "-", seed);
    int failed = arena_open(&draw->arena, (size_t)1 << 30, err) != 0 ||
                 events_from_csv(file, source, keep, draw, err) != 0;
    fclose(file);
    if (!failed && draw->count == 0)
        failed = error_set(err, ERROR_FATAL, "%s has no events", csv);
    if (failed)
        draw_close(&draw);
    else
        *out = draw;
    return failed ? -1 : 0;
}

void
draw_close(struct draw **draw)
{
    if (*draw == NULL)
        return;
    arena_close(&(*draw)->arena);
    free((*draw)->value);
    free(*draw);
    *draw = NULL;
}

/* A customer for an event whose record has none: its key goes in front of the other fields. */
static void
add_customer(const struct draw *draw, struct arena *arena, uint64_t number, struct event *event)
{
    const char *name = event_key_name(draw->source->pipeline);
    if (name == NULL)
        return;
    uint64_t customer = number % (uint64_t)draw->customers;
    struct bytes rest = event->value;
    event->key = bytes_of(arena_print(arena, "c%" PRIu64, customer));
    event->value = bytes_of(arena_print(arena, "{\"%s\":\"c%" PRIu64 "\"%s%.*s", name, customer,
                                        rest.length > 2 ? "," : "", (int)rest.length - 1,
                                        (const char *)rest.at + 1));
}

int
draw_event(struct draw *draw, struct arena *arena, int64_t n, int64_t time_us, struct event *event,
           struct error *err)
{
    char time[TIMESTAMP_LENGTH];
    uint64_t number = chance(draw);
    timestamp_print(time_us, time);
    event->line = n;
    event->id = bytes_of(arena_print(arena, "%s%" PRId64, draw->id, n));
    event->key = event->id;
    event->value = draw->value[number % draw->count];
    add_customer(draw, arena, number >> 32, event);
    return event_describe(draw->source, arena, event, bytes_of(time), err);
}

int64_t
draw_number(const struct draw *draw, struct bytes id)
{
    int64_t n = -1;
    if (id.length <= draw->id_length || memcmp(id.at, draw->id, draw->id_length) != 0)
        return -1;
    struct bytes digits = {id.at + draw->id_length, id.length - draw->id_length};
    return envelope_decimal(digits, INT64_MAX, &n) ? n : -1;
}

double
draw_gap(struct draw *draw, double rate)
{
    double uniform = ((double)(chance(draw) >> 11) + 0.5) / 9007199254740992.0; /* 2^53 */
    return -log(uniform) / rate;
}
