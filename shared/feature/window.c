/* window: an aggregate over the events of the same key in (t - over, t], t being the row's event
 * time. The events of each key lie in the partition's state as a series (series.h).
 *
 * With late events included, a key's events are kept for twice `over` behind its newest, so one
 * that comes up to `over` late finds its whole window. Whatever has an answer has the exact one,
 * with two exceptions that are counted: past events_max the oldest are dropped, and an event a day
 * ahead of its reception, whose clock must be wrong, is left out, for it would make all others
 * late.
 * SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <endian.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "../column.h"
#include "../digest.h"
#include "../entry.h"
#include "../series_batch.h"
#include "../state.h"
#include "step.h"

#define OVER_MS_MIN  INT64_C(1000)
#define OVER_MS_MAX  (INT64_C(366) * 24 * 3600 * 1000)
#define AHEAD_US_MAX (INT64_C(24) * 3600 * 1000000)
/* Partitions of a source are not read in step: other keys may be ahead in event time by so much. */
#define SLACK_MS (INT64_C(24) * 3600 * 1000)

#define DISTINCT_TYPES (ENTRY_NUMBERS | ENTRY_TYPE(COLUMN_TEXT) | ENTRY_TYPE(COLUMN_TIMESTAMP))
#define BY_TYPES       (ENTRY_TYPE(COLUMN_TEXT) | ENTRY_TYPE(COLUMN_INT64))

enum aggregate { COUNT, SUM, MEAN, MINIMUM, MAXIMUM, DISTINCT };
static const char *const aggregate_names[] = {"count", "sum",      "mean", "min",
                                              "max",   "distinct", NULL};
static const char *const late_names[] = {"include", "ignore", NULL};

#define NO_COLUMN (-1) /* of: events are counted; by: the record's key */

struct window_settings {
    const char *aggregate, *of, *by, *late;
    int64_t over, events_max;
    bool include;
    enum aggregate wanted; /* by plan, as what follows */
    bool ignores_late;
    int of_column, by_column;
    int64_t over_us, kept_us; /* kept: how far back behind the newest event of a key */
    struct bytes prefix;      /* of its keys in the state */
};

static const struct setting table[] = {
    SETTING(window_settings, aggregate, TEXT, NULL, "count, sum, mean, min, max or distinct"),
    SETTING(window_settings, of, TEXT, "", "the column; none for count, which counts events"),
    SETTING(window_settings, over, MILLISECONDS, NULL,
            "length of the window in event time, 1 s to 366 days: \"1h\""),
    SETTING(window_settings, by, TEXT, "",
            "a text or int64 column in place of the record's key; events of one value must be "
            "placed in one partition"),
    SETTING(window_settings, include, FLAG, "true", "whether an event is in its own window"),
    SETTING(window_settings, late, TEXT, "include",
            "an event older than the newest of its key: include (up to `over` late) or ignore"),
    SETTING(window_settings, events_max, COUNT, "1000",
            "events kept a key, 1 to 10000; past it the oldest are dropped"),
    {0},
};

struct metric window_metrics[] = {
    [WINDOW_LATE] = {.name = "millrace_features_window_late_total",
                     .type = METRIC_COUNTER,
                     .help = "Events that came too late for a window and got no value"},
    [WINDOW_AHEAD] = {.name = "millrace_features_window_ahead_total",
                      .type = METRIC_COUNTER,
                      .help = "Events over a day ahead of their reception, left out of a window"},
    [WINDOW_DROPPED] = {.name = "millrace_features_window_dropped_total",
                        .type = METRIC_COUNTER,
                        .help = "Events dropped from a window because its key has too many"},
    {0},
};

/* ---- plan */
static int
plan_of(struct window_settings *own, const struct node *node, const struct schema *known,
        struct mistakes *mistakes)
{
    own->of_column = NO_COLUMN;
    if (own->wanted == COUNT)
        return own->of == NULL
                   ? 0
                   : entry_mistake(mistakes, node, "of", "count takes no column: it counts events");
    if (own->of == NULL)
        return entry_mistake(mistakes, node, "of", "%s needs a column", own->aggregate);
    own->of_column = entry_column(mistakes, node, "of", known, own->of,
                                  own->wanted == DISTINCT ? DISTINCT_TYPES : ENTRY_NUMBERS);
    return own->of_column < 0 ? -1 : 0;
}

static int
plan_by(struct window_settings *own, const struct node *node, const struct schema *known,
        struct mistakes *mistakes)
{
    own->by_column = NO_COLUMN;
    if (own->by == NULL)
        return 0;
    own->by_column = entry_column(mistakes, node, "by", known, own->by, BY_TYPES);
    return own->by_column < 0 ? -1 : 0;
}

static int
plan_limits(const struct window_settings *own, const struct node *node, struct mistakes *mistakes)
{
    int planned = 0;
    if (own->over < OVER_MS_MIN || own->over > OVER_MS_MAX)
        planned = entry_mistake(mistakes, node, "over", "must be 1 s to 366 days");
    if (own->events_max < 1 || own->events_max > SERIES_EVENTS_MAX)
        planned = entry_mistake(mistakes, node, "events_max", "must be 1 to %d", SERIES_EVENTS_MAX);
    return planned;
}

/* Names the step and what the events kept are, so that a version of the pipeline that means
 * something else by the same name does not read another's. */
static int
plan_prefix(struct window_settings *own, const struct node *node, struct arena *arena,
            struct mistakes *mistakes)
{
    const char *name = json_string_value(json_object_get(node->value, "name"));
    const char *kept = own->wanted == DISTINCT ? "hash" : own->wanted == COUNT ? "time" : "value";
    const char *text =
        arena_print(arena, "w:%s/%s/%s/%s/%s:", name != NULL ? name : "", kept,
                    own->of != NULL ? own->of : "", own->by != NULL ? own->by : "", own->late);
    own->prefix = bytes_of(text);
    return text != NULL ? 0 : entry_mistake(mistakes, node, NULL, "out of memory");
}

static int
plan(void *settings, const struct node *node, struct arena *arena, const struct schema *known,
     enum column_type *type, struct mistakes *mistakes)
{
    struct window_settings *own = settings;
    int aggregate = entry_choice(mistakes, node, "aggregate", own->aggregate, aggregate_names);
    int late = entry_choice(mistakes, node, "late", own->late, late_names);
    int limits = plan_limits(own, node, mistakes), by = plan_by(own, node, known, mistakes);
    if (aggregate < 0)
        return -1;
    own->wanted = (enum aggregate)aggregate;
    own->ignores_late = late == 1;
    own->over_us = own->over * 1000;
    own->kept_us = own->over_us * (own->ignores_late ? 1 : 2);
    *type = own->wanted == COUNT || own->wanted == DISTINCT ? COLUMN_INT64 : COLUMN_FLOAT64;
    if (plan_of(own, node, known, mistakes) != 0 || late < 0 || limits != 0 || by != 0)
        return -1;
    return plan_prefix(own, node, arena, mistakes);
}

/* ---- a batch */
struct batch {
    const struct window_settings *own;
    struct work *work;
    struct series_batch series;
    struct distinct distinct;
    int64_t counted[WINDOW_COUNTERS];
};

/* The loop moves the state's time on after the handler, so that all steps find what there was at
 * the batch's beginning; time to live counts from its end. */
static int64_t
time_to_live_ms(const struct batch *batch, const struct frame *known)
{
    int64_t first_us = state_time(batch->work->state), last_us = first_us, passed_us;
    for (size_t row = 0; row < known->rows; row++) {
        const struct origin *origin = &known->origin[row];
        bool ahead = origin->received_us > 0 && origin->time_us > origin->received_us;
        int64_t time_us = ahead ? origin->received_us : origin->time_us;
        last_us = time_us > last_us ? time_us : last_us;
    }
    if (__builtin_sub_overflow(last_us, first_us, &passed_us))
        passed_us = 0;
    return batch->own->kept_us / 1000 + SLACK_MS + passed_us / 1000;
}

/* ---- one row */
static bool
row_key(const struct window_settings *own, const struct frame *known, size_t row, uint8_t number[8],
        struct bytes *key)
{
    if (own->by_column == NO_COLUMN) {
        *key = known->origin[row].key;
        return key->at != NULL;
    }
    const struct column *by = &known->column[own->by_column];
    if (!column_valid(by, row))
        return false;
    if (by->type == COLUMN_TEXT) {
        *key = by->bytes[row];
        return true;
    }
    uint64_t word = htobe64((uint64_t)by->integer[row]);
    memcpy(number, &word, 8);
    *key = (struct bytes){number, 8};
    return true;
}

static uint64_t
hash_value(const struct column *of, size_t row)
{
    if (of->type == COLUMN_TEXT)
        return digest_seeded(0, of->bytes[row]);
    uint64_t word = 0;
    double real = of->type == COLUMN_FLOAT64 ? of->real[row] + 0.0 : 0; /* one zero, not two */
    if (of->type == COLUMN_FLOAT64)
        memcpy(&word, &real, 8);
    else
        word = of->type == COLUMN_BOOL ? of->flag[row] : (uint64_t)of->integer[row];
    word = htobe64(word);
    return digest_seeded(0, (struct bytes){(const uint8_t *)&word, 8});
}

/* Whether the row has something to join the window with. */
static bool
row_value(const struct window_settings *own, const struct frame *known, size_t row, uint64_t *value)
{
    *value = 0;
    if (own->wanted == COUNT)
        return true;
    const struct column *of = &known->column[own->of_column];
    if (!column_valid(of, row))
        return false;
    if (own->wanted == DISTINCT) {
        *value = hash_value(of, row);
        return true;
    }
    double real;
    column_numbers(of, row, 1, &real);
    memcpy(value, &real, sizeof(real));
    return isfinite(real);
}

/* False: the row sees no window and joins none. Moves the series on to the row's time if it does.
 */
static bool
take_turn(struct batch *batch, struct series *series, const struct origin *origin)
{
    const struct window_settings *own = batch->own;
    int64_t time_us = origin->time_us, ahead_us, late_us, horizon_us;
    if (origin->received_us > 0 &&
        !__builtin_sub_overflow(time_us, origin->received_us, &ahead_us) &&
        ahead_us > AHEAD_US_MAX) {
        batch->counted[WINDOW_AHEAD]++;
        return false;
    }
    if (series->newest_us != INT64_MIN && time_us < series->newest_us &&
        (own->ignores_late || __builtin_sub_overflow(series->newest_us, time_us, &late_us) ||
         late_us >= own->over_us)) {
        batch->counted[WINDOW_LATE]++;
        return false;
    }
    series->newest_us = time_us > series->newest_us ? time_us : series->newest_us;
    series->changed = true;
    if (!__builtin_sub_overflow(series->newest_us, own->kept_us, &horizon_us))
        series_drop_until(series, horizon_us);
    return true;
}

static double
reduce(enum aggregate wanted, const struct series *series, struct range range)
{
    double result = wanted == MINIMUM ? INFINITY : wanted == MAXIMUM ? -INFINITY : 0;
    for (size_t i = range.first; i < range.end; i++) {
        double value;
        memcpy(&value, &series->value[i], sizeof(value));
        if (wanted == MINIMUM)
            result = value < result ? value : result;
        else if (wanted == MAXIMUM)
            result = value > result ? value : result;
        else
            result += value;
    }
    return wanted == MEAN ? result / (double)(range.end - range.first) : result;
}

static int
answer(struct batch *batch, const struct series *series, int64_t time_us, struct column *out,
       size_t row, struct error *err)
{
    enum aggregate wanted = batch->own->wanted;
    int64_t after_us;
    if (__builtin_sub_overflow(time_us, batch->own->over_us, &after_us))
        after_us = INT64_MIN;
    struct range range = series_range(series, after_us, time_us);
    size_t count = range.end - range.first;
    if (wanted == DISTINCT && series_distinct(&batch->distinct, series, range, &count, err) != 0)
        return -1;
    if (wanted == COUNT || wanted == DISTINCT) {
        out->integer[row] = (int64_t)count;
        column_set_valid(out, row, true);
        return 0;
    }
    double result = reduce(wanted, series, range);
    bool valid = count > 0 && isfinite(result);
    if (valid)
        out->real[row] = result;
    column_set_valid(out, row, valid);
    return 0;
}

/* Makes room first, so that an event is always in the window that it joins. */
static int
join(struct batch *batch, struct series *series, int64_t time_us, uint64_t value, struct error *err)
{
    size_t most = (size_t)batch->own->events_max;
    if (series->count >= most) {
        size_t excess = series->count - most + 1;
        batch->counted[WINDOW_DROPPED] += (int64_t)excess;
        series_drop_first(series, excess);
    }
    return series_add(batch->work->arena, series, time_us, value, err);
}

static int
apply_row(struct batch *batch, const struct frame *known, size_t row, struct column *out,
          struct error *err)
{
    const struct window_settings *own = batch->own;
    int64_t time_us = known->origin[row].time_us;
    uint8_t number[8];
    struct bytes key;
    uint64_t value;
    column_set_valid(out, row, false);
    if (!row_key(own, known, row, number, &key))
        return 0;
    struct series *series = series_batch_find(&batch->series, key, err);
    if (series == NULL)
        return -1;
    if (!take_turn(batch, series, &known->origin[row]))
        return 0;
    bool joins = row_value(own, known, row, &value);
    if (joins && own->include && join(batch, series, time_us, value, err) != 0)
        return -1;
    if (answer(batch, series, time_us, out, row, err) != 0)
        return -1;
    if (joins && !own->include)
        return join(batch, series, time_us, value, err);
    return 0;
}

/* The schema of features is named <pipeline>.features. */
static void
tell(const struct batch *batch, const struct schema *features)
{
    char pipeline[64];
    const char *name = features->name != NULL ? features->name : "";
    size_t length = strcspn(name, ".");
    length = length < sizeof(pipeline) ? length : sizeof(pipeline) - 1;
    memcpy(pipeline, name, length);
    pipeline[length] = '\0';
    for (size_t i = 0; i < WINDOW_COUNTERS; i++)
        if (batch->counted[i] > 0)
            metric_add(&window_metrics[i], pipeline, batch->counted[i]);
}

static int
apply(const void *settings, struct work *work, const struct frame *known, struct column *out,
      struct error *err)
{
    const struct window_settings *own = settings;
    struct batch batch = {.own = own, .work = work, .distinct = {.arena = work->arena}};
    if (work->state == NULL) { /* outside of a stream there is nothing to look back at */
        for (size_t row = 0; row < known->rows; row++)
            column_set_valid(out, row, false);
        return 0;
    }
    if (known->rows == 0)
        return 0;
    if (state_time(work->state) == STATE_TIME_NONE)
        state_follow(work->state, &known->origin[0]);
    batch.series = (struct series_batch){.arena = work->arena,
                                         .state = work->state,
                                         .prefix = own->prefix,
                                         .valued = own->wanted != COUNT};
    if (series_batch_open(&batch.series, known->rows, err) != 0)
        return -1;
    for (size_t row = 0; row < known->rows; row++)
        if (apply_row(&batch, known, row, out, err) != 0)
            return -1;
    tell(&batch, known->schema);
    return series_batch_write(&batch.series, time_to_live_ms(&batch, known), err);
}

const struct step_type step_window = {
    .name = "window",
    .summary = "an aggregate over the latest events of the same key",
    .table = table,
    .settings_size = sizeof(struct window_settings),
    .plan = plan,
    .apply = apply,
};
