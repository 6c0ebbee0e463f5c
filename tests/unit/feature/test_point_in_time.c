/* No feature of an event is made of what was not known when the event came: whatever comes after
 * it, and whatever happened later though it came before, may be anything and changes nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"
#include "window_stream.h"

#define EVENTS   400
#define KEYS     6
#define MEASURES 7
#define PIVOTS   25

/* Every kind of step, windows with each way of treating what is late. */
static const char steps[] =
    "{'step':'window','name':'count','over':'1h','aggregate':'count'},"
    "{'step':'window','name':'sum','over':'1h','aggregate':'sum','of':'a'},"
    "{'step':'window','name':'most','over':'20min','aggregate':'max','of':'a','include':false},"
    "{'step':'window','name':'texts','over':'1h','aggregate':'distinct','of':'t'},"
    "{'step':'window','name':'in_order','over':'1h','aggregate':'mean','of':'a','late':'ignore'},"
    "{'step':'arithmetic','name':'share','expression':'a / sum'},"
    "{'step':'log','name':'log_share','of':'share','plus':2}";

struct event {
    int64_t seconds;
    int key, text;
    double a;
};
static struct event events[EVENTS];

/* Ten seconds apart, a third of them late by up to half an hour. */
static void
draw_events(uint64_t seed)
{
    struct chance chance = chance_of(seed, 0);
    for (int64_t i = 0; i < EVENTS; i++) {
        int64_t late = chance_below(&chance, 3) == 0 ? (int64_t)chance_below(&chance, 1800) : 0;
        events[i] = (struct event){.seconds = i * 10 - late,
                                   .key = (int)chance_below(&chance, KEYS),
                                   .text = (int)chance_below(&chance, 5),
                                   .a = chance_normal(&chance)};
    }
}

/* The features of event `pivot`, when the first `count` events come in batches of `batch`. */
static void
features_of(const struct event *event, size_t count, size_t batch, size_t pivot, double *out)
{
    struct stream stream;
    stream_open(&stream, steps);
    for (size_t i = 0; i < count; i++) {
        char key[16], json[128];
        snprintf(key, sizeof(key), "key-%d", event[i].key);
        snprintf(json, sizeof(json), "{'a':%.17g,'t':'text %d','n':1}", event[i].a, event[i].text);
        add(&stream, key, event[i].seconds, json);
        if (stream.bench.raw->rows < batch && i + 1 < count)
            continue;
        bench_run(&stream.bench);
        const struct frame *features = stream.bench.features;
        size_t first = i + 1 - features->rows;
        for (size_t k = 0; pivot >= first && pivot <= i && k < MEASURES; k++)
            column_numbers(&features->column[features->columns - MEASURES + k], pivot - first, 1,
                           &out[k]);
        end_batch(&stream);
    }
    stream_close(&stream);
}

static bool
same(const double *a, const double *b)
{
    return memcmp(a, b, MEASURES * sizeof(*a)) == 0;
}

/* Other values for what the pivot could not know (known false), or for all that it could. When an
 * event happened and whose it was stays: that alone tells what is late. */
static void
change(struct event *changed, size_t pivot, bool known)
{
    struct chance chance = chance_of(99, pivot);
    memcpy(changed, events, sizeof(events));
    for (size_t i = 0; i < EVENTS; i++) {
        bool past = i <= pivot && events[i].seconds <= events[pivot].seconds;
        if (past != known || i == pivot)
            continue;
        changed[i].a = 1000 * chance_normal(&chance);
        changed[i].text = 100 + (int)chance_below(&chance, 100);
    }
}

/* How many of the pivots have other features once what they may know is changed. */
static size_t
check_pivots(void)
{
    static struct event changed[EVENTS];
    size_t moved = 0;
    for (size_t k = 0; k < PIVOTS; k++) {
        size_t pivot = 20 + k * (EVENTS - 30) / PIVOTS;
        double then[MEASURES], now[MEASURES], alone[MEASURES], other[MEASURES];
        features_of(events, EVENTS, 50, pivot, then);
        features_of(events, pivot + 1, 50, pivot, alone); /* as the stream stood when it came */
        ck_assert_msg(same(then, alone), "event %zu knows what came after it", pivot);
        change(changed, pivot, false);
        features_of(changed, EVENTS, 7, pivot, now);
        ck_assert_msg(same(then, now), "event %zu knows what was not known yet", pivot);
        change(changed, pivot, true);
        features_of(changed, EVENTS, 7, pivot, other);
        moved += !same(then, other);
    }
    return moved;
}

START_TEST(what_comes_or_happens_later_changes_no_feature)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        draw_events(seed);
        ck_assert_uint_gt(check_pivots(), PIVOTS * 8 / 10); /* what may be known does matter */
    }
}
END_TEST

RUN_TESTS("point in time", what_comes_or_happens_later_changes_no_feature)
