/* Tests of the step window, over a real state.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "check_main.h"
#include "column.h"
#include "feature/window.h"
#include "pipeline_bench.h"
#include "state.h"

#define FIELDS                                                                                     \
    "{'name':'a','type':'float64'},{'name':'t','type':'text'},{'name':'n','type':'int64'}"
#define STEP(more)  "{'step':'window','name':'y','over':'1h'," more "}"
#define BEGINNING   INT64_C(1767225600) /* 2026-01-01 */
#define STATE_BYTES (64 << 20)

struct stream {
    struct bench bench;
    struct state *state;
    struct arena *batch;
};

static void
stream_open(struct stream *stream, const char *steps)
{
    *stream = (struct stream){0};
    bench_open(&stream->bench, FIELDS, NULL, steps);
    ck_ok(state_create(STATE_BYTES, &stream->state, &stream->bench.err), stream->bench.err);
    ck_ok(arena_open(&stream->batch, STATE_BYTES, &stream->bench.err), stream->bench.err);
    stream->bench.work.state = stream->state;
    stream->bench.work.arena = stream->batch;
}

static void
stream_close(struct stream *stream)
{
    state_free(&stream->state);
    arena_close(&stream->batch);
    bench_close(&stream->bench);
}

/* As the loop does it: the handler, the state's time, the commit. Then the frames are empty. */
static void
end_batch(struct stream *stream)
{
    struct bench *bench = &stream->bench;
    for (size_t row = 0; row < bench->raw->rows; row++) {
        state_follow(stream->state, &bench->raw->origin[row]);
        frame_clear_row(bench->raw, row);
        frame_clear_row(bench->clean, row);
        frame_clear_row(bench->features, row);
    }
    state_commit(stream->state);
    arena_reset(stream->batch);
    bench->raw->rows = bench->clean->rows = bench->features->rows = 0;
}

static struct origin *
add(struct stream *stream, const char *key, int64_t seconds, const char *json)
{
    struct frame *raw = stream->bench.raw;
    bench_add(&stream->bench, json);
    struct origin *origin = &raw->origin[raw->rows - 1];
    origin->key = arena_copy(stream->bench.arena, bytes_of(key));
    origin->time_us = (BEGINNING + seconds) * 1000000;
    return origin;
}

/* One event in a batch of its own; its value in the last column, NaN: none. */
static double
one(struct stream *stream, const char *key, int64_t seconds, const char *json)
{
    double value;
    add(stream, key, seconds, json);
    bench_run(&stream->bench);
    const struct frame *features = stream->bench.features;
    const struct column *y = &features->column[features->columns - 1];
    value = !column_valid(y, 0)       ? (double)NAN
            : y->type == COLUMN_INT64 ? (double)y->integer[0]
                                      : y->real[0];
    end_batch(stream);
    return value;
}

#define gives(stream, key, seconds, json, expected)                                                \
    ck_assert_double_eq(one(stream, key, seconds, json), expected)
#define gives_none(stream, key, seconds, json) ck_assert(isnan(one(stream, key, seconds, json)))

START_TEST(a_count_counts_the_events_of_the_key)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    gives(&stream, "k", 0, "{}", 1);
    gives(&stream, "k", 1, "{}", 2);
    gives(&stream, "other", 2, "{}", 1);
    gives(&stream, "k", 2, "{}", 3);
    stream_close(&stream);
}
END_TEST

START_TEST(the_window_is_open_at_its_beginning)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    gives(&stream, "k", 0, "{}", 1);
    gives(&stream, "k", 3599, "{}", 2);
    gives(&stream, "k", 3600, "{}", 2);
    gives(&stream, "k", 7200, "{}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(numbers_are_aggregated)
{
    static const struct {
        const char *step;
        double expected;
    } cases[] = {{STEP("'aggregate':'sum','of':'a'"), 7.5},
                 {STEP("'aggregate':'mean','of':'a'"), 2.5},
                 {STEP("'aggregate':'min','of':'a'"), -1},
                 {STEP("'aggregate':'max','of':'a'"), 6},
                 {STEP("'aggregate':'distinct','of':'a'"), 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stream stream;
        stream_open(&stream, cases[i].step);
        one(&stream, "k", 0, "{'a':100}");
        one(&stream, "k", 3600, "{'a':-1}");
        one(&stream, "k", 3601, "{'a':2.5}");
        gives(&stream, "k", 3602, "{'a':6}", cases[i].expected);
        stream_close(&stream);
    }
}
END_TEST

START_TEST(texts_are_told_apart)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'distinct','of':'t'"));
    gives(&stream, "k", 0, "{'t':'x'}", 1);
    gives(&stream, "k", 1, "{'t':'y'}", 2);
    gives(&stream, "k", 2, "{'t':'x'}", 2);
    gives(&stream, "k", 3, "{}", 2);
    gives(&stream, "k", 3600, "{'t':''}", 3);
    gives(&stream, "k", 3602, "{'t':'y'}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(there_is_one_zero)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'distinct','of':'a'"));
    gives(&stream, "k", 0, "{'a':0.0}", 1);
    gives(&stream, "k", 1, "{'a':-0.0}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_without_a_value_sees_the_window_but_is_not_in_it)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
    gives_none(&stream, "k", 0, "{}");
    gives(&stream, "k", 1, "{'a':2}", 2);
    gives(&stream, "k", 2, "{}", 2);
    gives(&stream, "k", 3, "{'a':3}", 5);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_can_be_left_out_of_its_own_window)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','include':false"));
    gives_none(&stream, "k", 0, "{'a':1}");
    gives(&stream, "k", 0, "{'a':2}", 1);
    gives(&stream, "k", 5, "{'a':4}", 3);
    stream_close(&stream);
}
END_TEST

START_TEST(a_column_can_take_the_place_of_the_key)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count','by':'n'"));
    gives(&stream, "k", 0, "{'n':1}", 1);
    gives(&stream, "l", 1, "{'n':1}", 2);
    gives(&stream, "k", 2, "{'n':2}", 1);
    gives_none(&stream, "k", 3, "{}");
    stream_close(&stream);
    stream_open(&stream, STEP("'aggregate':'count','by':'t'"));
    gives(&stream, "k", 0, "{'t':'x'}", 1);
    gives(&stream, "l", 1, "{'t':'x'}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(a_record_without_a_key_has_no_window)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    gives_none(&stream, NULL, 0, "{}");
    gives(&stream, "", 0, "{}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(a_late_event_sees_and_joins_the_window_of_its_time)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
    gives(&stream, "k", 0, "{'a':1}", 1);
    gives(&stream, "k", 3600, "{'a':2}", 2);
    gives(&stream, "k", 1800, "{'a':4}", 5);
    gives(&stream, "k", 1, "{'a':8}", 9);
    gives(&stream, "k", 3600, "{'a':16}", 30);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_later_than_the_window_is_long_gets_no_value)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    double late = metric_value(&window_metrics[WINDOW_LATE], "bench");
    gives(&stream, "k", 3600, "{}", 1);
    gives_none(&stream, "k", 0, "{}");
    gives(&stream, "k", 1, "{}", 1);
    ck_assert_double_eq(metric_value(&window_metrics[WINDOW_LATE], "bench"), late + 1);
    stream_close(&stream);
}
END_TEST

START_TEST(late_events_can_be_ignored)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count','late':'ignore'"));
    gives(&stream, "k", 100, "{}", 1);
    gives_none(&stream, "k", 99, "{}");
    gives(&stream, "k", 100, "{}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_without_a_value_makes_others_late_all_the_same)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','late':'ignore'"));
    gives(&stream, "k", 0, "{'a':1}", 1);
    gives(&stream, "k", 100, "{}", 1);
    gives_none(&stream, "k", 50, "{'a':1}");
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_from_the_future_is_left_out)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    double ahead = metric_value(&window_metrics[WINDOW_AHEAD], "bench");
    gives(&stream, "k", 0, "{}", 1);
    add(&stream, "k", 90000, "{}")->received_us = BEGINNING * 1000000;
    bench_run(&stream.bench);
    bench_expect(stream.bench.features, 0, "{}");
    end_batch(&stream);
    ck_assert_double_eq(metric_value(&window_metrics[WINDOW_AHEAD], "bench"), ahead + 1);
    gives(&stream, "k", 1, "{}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(times_without_sense_harm_nobody)
{
    static const int64_t times[] = {INT64_MAX, INT64_MIN, -1, 0, INT64_MIN + 1, INT64_MAX - 1};
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        add(&stream, "k", 0, "{}")->time_us = times[i];
        stream.bench.raw->origin[i].received_us = i % 2 == 0 ? INT64_MAX : 1;
    }
    bench_run(&stream.bench);
    end_batch(&stream);
    stream_close(&stream);
}
END_TEST

START_TEST(past_its_limit_a_key_keeps_the_newest_events)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','events_max':3"));
    double dropped = metric_value(&window_metrics[WINDOW_DROPPED], "bench");
    gives(&stream, "k", 0, "{'a':1}", 1);
    gives(&stream, "k", 1, "{'a':2}", 3);
    gives(&stream, "k", 2, "{'a':4}", 7);
    gives(&stream, "k", 3, "{'a':8}", 14);
    gives(&stream, "k", 4, "{'a':16}", 28);
    ck_assert_double_eq(metric_value(&window_metrics[WINDOW_DROPPED], "bench"), dropped + 2);
    stream_close(&stream);
}
END_TEST

START_TEST(events_out_of_reach_are_not_kept)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','events_max':10000"));
    for (int64_t i = 0; i < 3000; i++)
        one(&stream, "k", i * 60, "{'a':1}");
    ck_assert_uint_eq(state_keys(stream.state), 1);
    ck_assert_uint_lt(state_bytes(stream.state), STATE_LIMIT_MIN);
    gives(&stream, "k", 3000 * 60, "{'a':1}", 60);
    stream_close(&stream);
}
END_TEST

START_TEST(a_batch_over_many_hours_forgets_nothing_that_is_needed)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    for (int64_t i = 0; i < 100; i++)
        add(&stream, i == 0 || i == 98 ? "k" : "other", i * 86400, "{}");
    bench_run(&stream.bench);
    end_batch(&stream);
    gives(&stream, "k", 98 * 86400 + 1800, "{}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(very_long_keys_are_told_apart)
{
    struct stream stream;
    char key[5000];
    stream_open(&stream, STEP("'aggregate':'count'"));
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    gives(&stream, key, 0, "{}", 1);
    gives(&stream, key, 1, "{}", 2);
    key[sizeof(key) - 2] = 'l';
    gives(&stream, key, 2, "{}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(steps_do_not_share_what_they_keep)
{
    struct stream stream;
    stream_open(&stream, "{'step':'window','name':'x','over':'2h','aggregate':'sum','of':'a'},"
                         "{'step':'window','name':'y','over':'1h','aggregate':'sum','of':'a'}");
    gives(&stream, "k", 0, "{'a':1}", 1);
    add(&stream, "k", 3600, "{'a':2}");
    add(&stream, "k", 3601, "{'a':4}");
    bench_run(&stream.bench);
    bench_expect(stream.bench.features, 0, "{'a':2,'x':3,'y':2}");
    bench_expect(stream.bench.features, 1, "{'a':4,'x':7,'y':6}");
    stream_close(&stream);
}
END_TEST

START_TEST(outside_of_a_stream_there_is_no_value)
{
    bench_computes(NULL, "{'step':'window','name':'y','over':'1h','aggregate':'count'}", "{'n':1}",
                   "{'n':1}");
}
END_TEST

START_TEST(a_sum_past_all_numbers_is_missing)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
    gives(&stream, "k", 0, "{'a':1e308}", 1e308);
    gives_none(&stream, "k", 1, "{'a':1e308}");
    gives(&stream, "k", 3600, "{'a':-1}", 1e308 - 1);
    stream_close(&stream);
}
END_TEST

START_TEST(a_damaged_state_is_fatal)
{
    static const uint8_t damage[4][40] = {{1}, {0, 0, 0, 0, 0, 0, 0, 0, 2}};
    static const size_t length[] = {7, 40, 0, 16};
    for (size_t i = 0; i < 4; i++) {
        struct stream stream;
        stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
        struct bench *bench = &stream.bench;
        struct bytes key = bytes_of("w:y/value/a//include:k"), value = {damage[i], length[i]};
        add(&stream, "k", 0, "{}");
        state_follow(stream.state, &bench->raw->origin[0]);
        ck_ok(state_put(stream.state, key, value, 3600000, &bench->err), bench->err);
        bench->clean->rows = 0;
        ck_assert_int_eq(
            clean_frame(bench->pipeline, &bench->work, bench->raw, bench->clean, &bench->err), 0);
        bool damaged = i != 1; /* two events, of the times 2 and 0: out of order as well */
        ck_assert_int_eq(feature_frame(bench->pipeline, &bench->work, bench->clean, bench->features,
                                       &bench->err),
                         -1);
        ck_assert_int_eq(bench->err.kind, ERROR_FATAL);
        ck_assert_ptr_nonnull(strstr(bench->err.message, damaged ? "are no events" : "is older"));
        stream_close(&stream);
    }
}
END_TEST

/* ---- the pipeline file */
static void
is_mistaken(const char *step, const char *where, const char *message)
{
    bench_mistaken(FIELDS, NULL, step, where, message);
}

START_TEST(a_count_takes_no_column)
{
    is_mistaken(STEP("'aggregate':'count','of':'a'"), "/features/0/of",
                "count takes no column: it counts events");
}
END_TEST

START_TEST(the_others_need_a_column)
{
    is_mistaken(STEP("'aggregate':'sum'"), "/features/0/of", "sum needs a column");
}
END_TEST

START_TEST(a_text_has_no_sum)
{
    is_mistaken(STEP("'aggregate':'sum','of':'t'"), "/features/0/of",
                "\"t\" is text here, but must be bool, int64 or float64");
}
END_TEST

START_TEST(a_fraction_is_no_key)
{
    is_mistaken(STEP("'aggregate':'count','by':'a'"), "/features/0/by",
                "\"a\" is float64 here, but must be int64 or text");
}
END_TEST

START_TEST(an_unknown_aggregate_is_a_mistake)
{
    is_mistaken(STEP("'aggregate':'median','of':'a'"), "/features/0/aggregate",
                "\"median\" is not known, did you mean \"mean\"? It is one of count, sum, mean, "
                "min, max or distinct");
}
END_TEST

START_TEST(an_unknown_way_with_late_events_is_a_mistake)
{
    is_mistaken(STEP("'aggregate':'count','late':'refuse'"), "/features/0/late",
                "\"refuse\" is not known; it is one of include or ignore");
}
END_TEST

START_TEST(a_window_has_a_least_and_a_greatest_length)
{
    is_mistaken("{'step':'window','name':'y','aggregate':'count','over':'999ms'}",
                "/features/0/over", "must be 1 s to 366 days");
    is_mistaken("{'step':'window','name':'y','aggregate':'count','over':'8785h'}",
                "/features/0/over", "must be 1 s to 366 days");
}
END_TEST

START_TEST(events_are_limited)
{
    is_mistaken(STEP("'aggregate':'count','events_max':0"), "/features/0/events_max",
                "must be 1 to 10000");
    is_mistaken(STEP("'aggregate':'count','events_max':10001"), "/features/0/events_max",
                "must be 1 to 10000");
}
END_TEST

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

RUN_TESTS("window", a_count_counts_the_events_of_the_key, the_window_is_open_at_its_beginning,
          numbers_are_aggregated, texts_are_told_apart, there_is_one_zero,
          an_event_without_a_value_sees_the_window_but_is_not_in_it,
          an_event_can_be_left_out_of_its_own_window, a_column_can_take_the_place_of_the_key,
          a_record_without_a_key_has_no_window, a_late_event_sees_and_joins_the_window_of_its_time,
          an_event_later_than_the_window_is_long_gets_no_value, late_events_can_be_ignored,
          an_event_without_a_value_makes_others_late_all_the_same,
          an_event_from_the_future_is_left_out, times_without_sense_harm_nobody,
          past_its_limit_a_key_keeps_the_newest_events, events_out_of_reach_are_not_kept,
          a_batch_over_many_hours_forgets_nothing_that_is_needed, very_long_keys_are_told_apart,
          steps_do_not_share_what_they_keep, outside_of_a_stream_there_is_no_value,
          a_sum_past_all_numbers_is_missing, a_damaged_state_is_fatal, a_count_takes_no_column,
          the_others_need_a_column, a_text_has_no_sum, a_fraction_is_no_key,
          an_unknown_aggregate_is_a_mistake, an_unknown_way_with_late_events_is_a_mistake,
          a_window_has_a_least_and_a_greatest_length, events_are_limited,
          ten_thousand_events_get_what_a_recomputation_gives, answers_do_not_depend_on_batches)
