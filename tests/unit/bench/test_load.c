/* What the load generator's figures rest on: percentiles out of buckets, and draws that a seed
 * fixes. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../bench/draw.h"
#include "../../bench/histogram.h"
#include "check_main.h"

START_TEST(small_values_are_kept_as_they_are)
{
    struct histogram h = {0};
    for (int64_t i = 1; i <= 200; i++)
        histogram_add(&h, i);
    ck_assert_int_eq(histogram_at(&h, 0.5), 100);
    ck_assert_int_eq(histogram_at(&h, 0.99), 198);
    ck_assert_int_eq(histogram_at(&h, 1), 200);
    ck_assert_int_eq(h.max, 200);
}
END_TEST

START_TEST(large_values_are_known_to_less_than_a_hundredth)
{
    for (int64_t value = 1; value < INT64_MAX / 3; value = value * 3 + 1) {
        struct histogram h = {0};
        histogram_add(&h, value);
        histogram_add(&h, INT64_MAX);
        int64_t found = histogram_at(&h, 0.5);
        ck_assert_int_ge(found, value);
        ck_assert_double_le((double)(found - value), (double)value / 100);
    }
}
END_TEST

START_TEST(no_value_has_no_percentile_and_what_is_negative_counts_as_nothing)
{
    struct histogram h = {0};
    ck_assert_int_eq(histogram_at(&h, 0.99), 0);
    histogram_add(&h, -5);
    ck_assert_int_eq(histogram_at(&h, 0.99), 0);
    ck_assert_int_eq(h.count, 1);
}
END_TEST

/* ---- draws */
static const struct schema_field fields[] = {{.name = "age", .from = "Age", .type = COLUMN_INT64}};
static struct pipeline pipeline = {.name = "loan", .input = {"loan.input", 1, fields, 0}};
static const struct event_source source = {
    .pipeline = &pipeline, .prefix = "millrace", .file_name = "load", .file_digest = "load"};
static struct arena *arena;

static struct draw *
open_draw(uint64_t seed)
{
    struct error err = {0};
    struct draw *draw = NULL;
    char path[] = "/tmp/test_load.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dprintf(fd, "Age\n1\n2\n3\n4\n5\n6\n7\n8\n"), 20);
    close(fd);
    ck_ok(draw_open(path, &source, seed, 3, &draw, &err), err);
    unlink(path);
    if (arena == NULL)
        ck_ok(arena_open(&arena, 1 << 20, &err), err);
    return draw;
}

static struct event
draw_one(struct draw *draw, int64_t n)
{
    struct error err = {0};
    struct event event = {0};
    ck_ok(draw_event(draw, arena, n, INT64_C(1767225600000000), &event, &err), err);
    return event;
}

static bool
same(struct bytes a, struct bytes b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

START_TEST(a_seed_draws_the_same_events_again)
{
    struct draw *one = open_draw(7), *again = open_draw(7), *other = open_draw(8);
    int differing = 0;
    for (int64_t n = 0; n < 100; n++) {
        struct event a = draw_one(one, n), b = draw_one(again, n), c = draw_one(other, n);
        ck_assert(same(a.id, b.id) && same(a.value, b.value) && same(a.key, b.key));
        ck_assert(!same(a.id, c.id));
        differing += !same(a.value, c.value);
    }
    ck_assert_int_gt(differing, 50);
    draw_close(&one);
    draw_close(&again);
    draw_close(&other);
}
END_TEST

START_TEST(an_id_tells_its_number_and_those_of_others_tell_none)
{
    struct draw *draw = open_draw(7);
    struct event event = draw_one(draw, 42);
    ck_assert_int_eq(draw_number(draw, event.id), 42);
    ck_assert_int_eq(draw_number(draw, bytes_of("draw-8-42")), -1);
    ck_assert_int_eq(draw_number(draw, bytes_of("draw-7-")), -1);
    ck_assert_int_eq(draw_number(draw, bytes_of("draw-7-4x")), -1);
    draw_close(&draw);
}
END_TEST

START_TEST(a_pipeline_with_a_key_field_gets_customers)
{
    pipeline.key_field = "Customer";
    struct draw *draw = open_draw(7);
    struct event event = draw_one(draw, 0);
    char value[64] = "";
    snprintf(value, sizeof(value), "%.*s", (int)event.value.length, (const char *)event.value.at);
    ck_assert_int_eq(strncmp(value, "{\"Customer\":\"c", 14), 0);
    ck_assert_ptr_nonnull(strstr(value, "\",\"Age\":"));
    ck_assert_int_eq((int)event.key.length, 2);
    draw_close(&draw);
    pipeline.key_field = NULL;
}
END_TEST

START_TEST(gaps_have_the_mean_of_the_rate)
{
    struct draw *draw = open_draw(7);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double gap = draw_gap(draw, 200);
        sum += gap;
        squares += gap * gap;
    }
    double mean = sum / 100000, sd = sqrt(squares / 100000 - mean * mean);
    ck_assert_double_eq_tol(mean, 0.005, 0.0001);
    ck_assert_double_eq_tol(sd, 0.005, 0.0001); /* an exponential distribution's equals its mean */
    draw_close(&draw);
}
END_TEST

RUN_TESTS("load", small_values_are_kept_as_they_are,
          large_values_are_known_to_less_than_a_hundredth,
          no_value_has_no_percentile_and_what_is_negative_counts_as_nothing,
          a_seed_draws_the_same_events_again, an_id_tells_its_number_and_those_of_others_tell_none,
          a_pipeline_with_a_key_field_gets_customers, gaps_have_the_mean_of_the_rate)
