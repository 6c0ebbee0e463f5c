/* Tests of the step window against a recomputation of 10,000 events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "window_stream.h"

/* ---- 10,000 events against a recomputation that knows neither state nor batches */
#define EVENTS   10000
#define KEYS     50
#define OVER_S   3600
#define MEASURES 10
static const char measured_steps[] =
    "{'step':'window','name':'count','over':'1h','aggregate':'count'},"
    "{'step':'window','name':'sum','over':'1h','aggregate':'sum','of':'a'},"
    "{'step':'window','name':'mean','over':'1h','aggregate':'mean','of':'a'},"
    "{'step':'window','name':'min','over':'1h','aggregate':'min','of':'a'},"
    "{'step':'window','name':'max','over':'1h','aggregate':'max','of':'a'},"
    "{'step':'window','name':'texts','over':'1h','aggregate':'distinct','of':'t'},"
    "{'step':'window','name':'before','over':'1h','aggregate':'sum','of':'a','include':false},"
    "{'step':'window','name':'by_n','over':'1h','aggregate':'count','by':'n'},"
    "{'step':'window','name':'in_order','over':'1h','aggregate':'count','late':'ignore'},"
    "{'step':'window','name':'sum_in_order','over':'1h','aggregate':'sum','of':'a',"
    "'late':'ignore'}";

struct event {
    int64_t seconds;
    int key, text; /* text -1: none */
    bool valued;
    double a;
};

static uint32_t
draw(uint32_t below)
{
    static uint64_t seed = 20260101;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* Two seconds apart; most are up to a minute late, some half an hour, a few two hours. */
static void
draw_events(struct event *event)
{
    for (int64_t i = 0; i < EVENTS; i++) {
        uint32_t kind = draw(100);
        int64_t late = kind == 0 ? draw(7200) : kind < 5 ? draw(1800) : draw(60);
        event[i] = (struct event){.seconds = i * 2 - late,
                                  .key = (int)draw(KEYS),
                                  .text = (int)draw(9) - 1,
                                  .valued = draw(20) != 0,
                                  .a = (draw(2000000) - 500000.0) / 97};
    }
}

/* Answers to all events in batches of `rows`; the state is loaded anew from its changes in the
 * middle, as after a kill. */
struct change {
    struct bytes key, value;
};
static void
keep_changes(struct stream *stream, struct arena *arena, struct change *change, size_t *count)
{
    size_t at = 0;
    struct bytes key, value;
    while (state_change(stream->state, &at, arena, &key, &value, &stream->bench.err) == 1)
        change[(*count)++] = (struct change){key, value};
}

static void
restore(struct stream *stream, const struct change *change, size_t count)
{
    state_clear(stream->state);
    for (size_t i = 0; i < count; i++)
        ck_ok(state_load(stream->state, change[i].key, change[i].value, &stream->bench.err),
              stream->bench.err);
}

static void
keep_answers(const struct frame *features, double (*answer)[MEASURES])
{
    size_t first = features->columns - MEASURES;
    for (size_t row = 0; row < features->rows; row++)
        for (size_t i = 0; i < MEASURES; i++)
            column_numbers(&features->column[first + i], row, 1, &answer[row][i]);
}

static void
run_events(const struct event *event, size_t rows, double (*answer)[MEASURES])
{
    static struct change change[200000];
    size_t changes = 0;
    bool restored = false;
    struct arena *arena;
    struct error err = {0};
    ck_ok(arena_open(&arena, 1 << 30, &err), err);
    struct stream stream;
    stream_open(&stream, measured_steps);
    for (size_t i = 0; i < EVENTS; i++) {
        char key[16], json[128], text[32] = "", a[64] = "";
        snprintf(key, sizeof(key), "key-%d", event[i].key);
        if (event[i].text >= 0)
            snprintf(text, sizeof(text), "'t':'text %d',", event[i].text);
        if (event[i].valued)
            snprintf(a, sizeof(a), "'a':%.17g,", event[i].a);
        snprintf(json, sizeof(json), "{%s%s'n':%d}", text, a, event[i].key / 7);
        add(&stream, key, event[i].seconds, json);
        if (stream.bench.raw->rows < rows && i + 1 < EVENTS)
            continue;
        bench_run(&stream.bench);
        keep_answers(stream.bench.features, &answer[i + 1 - stream.bench.features->rows]);
        keep_changes(&stream, arena, change, &changes);
        end_batch(&stream);
        if (!restored && i > EVENTS / 2) {
            restore(&stream, change, changes);
            restored = true;
        }
    }
    stream_close(&stream);
    arena_close(&arena);
}

struct expected {
    double count, sum, least, most, sum_before;
    size_t valued, valued_before;
    uint32_t texts;
};

/* Whether event j was taken in when it came: it was not too late for its key. */
static bool
taken(const struct event *event, size_t j, int divisor, bool ignore)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < j; i++)
        if (event[i].key / divisor == event[j].key / divisor && event[i].seconds > newest)
            newest = event[i].seconds;
    return newest == INT64_MIN || event[j].seconds > newest - (ignore ? 1 : OVER_S);
}

static struct expected
expect(const struct event *event, const bool *is_taken, size_t row, int divisor)
{
    struct expected expected = {.least = INFINITY, .most = -INFINITY};
    for (size_t i = 0; i <= row; i++) {
        const struct event *e = &event[i];
        if (!is_taken[i] || e->key / divisor != event[row].key / divisor ||
            e->seconds > event[row].seconds || e->seconds <= event[row].seconds - OVER_S)
            continue;
        expected.count++;
        expected.texts |= e->text < 0 ? 0 : 1u << e->text;
        if (!e->valued)
            continue;
        expected.valued++;
        expected.sum += e->a;
        expected.least = fmin(expected.least, e->a);
        expected.most = fmax(expected.most, e->a);
        expected.sum_before += i < row ? e->a : 0;
        expected.valued_before += i < row;
    }
    return expected;
}

static void
compare(size_t row, const char *what, double expected, double actual, bool exists)
{
    bool equal =
        !exists ? isnan(actual) : fabs(expected - actual) <= 1e-9 * fmax(1, fabs(expected));
    ck_assert_msg(equal, "event %zu, %s: expected %.17g (%d), got %.17g", row, what, expected,
                  exists, actual);
}

static double answers[EVENTS][MEASURES], other_answers[EVENTS][MEASURES];
static struct event events[EVENTS];

START_TEST(ten_thousand_events_get_what_a_recomputation_gives)
{
    static bool is_taken[3][EVENTS];
    size_t late = 0;
    draw_events(events);
    run_events(events, 1000, answers);
    for (size_t i = 0; i < EVENTS; i++) {
        is_taken[0][i] = taken(events, i, 1, false);
        is_taken[1][i] = taken(events, i, 7, false);
        is_taken[2][i] = taken(events, i, 1, true);
        struct expected e = expect(events, is_taken[0], i, 1);
        bool in = is_taken[0][i], some = in && e.valued > 0;
        compare(i, "count", e.count, answers[i][0], in);
        compare(i, "sum", e.sum, answers[i][1], some);
        compare(i, "mean", e.sum / (double)e.valued, answers[i][2], some);
        compare(i, "min", e.least, answers[i][3], some);
        compare(i, "max", e.most, answers[i][4], some);
        compare(i, "distinct", __builtin_popcount(e.texts), answers[i][5], in);
        compare(i, "before", e.sum_before, answers[i][6], in && e.valued_before > 0);
        struct expected by = expect(events, is_taken[1], i, 7);
        compare(i, "by", by.count, answers[i][7], is_taken[1][i]);
        struct expected ordered = expect(events, is_taken[2], i, 1);
        compare(i, "in order", ordered.count, answers[i][8], is_taken[2][i]);
        compare(i, "sum in order", ordered.sum, answers[i][9],
                is_taken[2][i] && ordered.valued > 0);
        late += !in;
    }
    ck_assert_uint_gt(late, 10); /* the draw has what the test is about */
}
END_TEST

START_TEST(answers_do_not_depend_on_batches)
{
    draw_events(events);
    run_events(events, 1000, answers);
    run_events(events, 37, other_answers);
    ck_assert_mem_eq(answers, other_answers, sizeof(answers));
}
END_TEST

RUN_TESTS("window_recomputed", ten_thousand_events_get_what_a_recomputation_gives,
          answers_do_not_depend_on_batches)
