/* pipeline_bench: a small pipeline out of three lists, and rows through it. Single quotes in all
 * texts stand for double ones.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PIPELINE_BENCH_H
#define MILLRACE_PIPELINE_BENCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean/rule.h"
#include "codec.h"
#include "feature/step.h"
#include "pipeline.h"

#define BENCH_ROWS_MAX 1024

struct bench {
    struct pipeline *pipeline;
    struct arena *arena;
    struct frame *raw, *clean, *features;
    struct refusals refusals;
    struct work work;
    struct error err;
};

static inline struct bytes
bench_quote(char *text)
{
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    return bytes_of(text);
}

/* Each list may be NULL: an empty one (fields: one int64 "n"). */
static inline struct pipeline *
bench_read(const char *fields, const char *clean, const char *features, struct mistakes *mistakes)
{
    static char text[65536];
    snprintf(text, sizeof(text),
             "{'name':'bench','sources':[{'name':'s','role':'decide','fields':[%s]}],"
             "'clean':[%s],'features':[%s]}",
             fields != NULL ? fields : "{'name':'n','type':'int64'}", clean != NULL ? clean : "",
             features != NULL ? features : "");
    return pipeline_read(bench_quote(text), mistakes);
}

static inline void
bench_open(struct bench *bench, const char *fields, const char *clean, const char *features)
{
    struct mistakes *mistakes = mistakes_create();
    *bench = (struct bench){.pipeline = bench_read(fields, clean, features, mistakes)};
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        ck_abort_msg("%s: %s", mistakes_where(mistakes, i), mistakes_message(mistakes, i));
    mistakes_free(&mistakes);
    ck_assert_int_eq(arena_open(&bench->arena, 64 << 20, &bench->err), 0);
    bench->raw = frame_create(bench->arena, &bench->pipeline->raw, BENCH_ROWS_MAX);
    bench->clean = frame_create(bench->arena, &bench->pipeline->clean, BENCH_ROWS_MAX);
    bench->features = frame_create(bench->arena, &bench->pipeline->features, BENCH_ROWS_MAX);
    bench->work = (struct work){.arena = bench->arena, .refusals = &bench->refusals};
}

static inline void
bench_close(struct bench *bench)
{
    arena_close(&bench->arena);
    pipeline_free(&bench->pipeline);
}

/* A raw row from JSON. */
static inline void
bench_add(struct bench *bench, const char *json)
{
    struct origin origin = {0};
    char *copy = arena_text(bench->arena, bytes_of(json));
    int added = frame_from_json(bench->raw, bench_quote(copy), &origin, &bench->err);
    ck_assert_msg(added == 0, "%s", bench->err.message);
}

static inline void
bench_run(struct bench *bench)
{
    struct work *work = &bench->work;
    ck_assert_msg(clean_frame(bench->pipeline, work, bench->raw, bench->clean, &bench->err) == 0,
                  "%s", bench->err.message);
    ck_assert_msg(
        feature_frame(bench->pipeline, work, bench->clean, bench->features, &bench->err) == 0, "%s",
        bench->err.message);
}

/* Fails unless the row as JSON is `expected`. */
static inline void
bench_expect(const struct frame *frame, size_t row, const char *expected)
{
    struct error err = {0};
    struct bytes json;
    char quoted[4096];
    snprintf(quoted, sizeof(quoted), "%s", expected);
    bench_quote(quoted);
    ck_assert_uint_lt(row, frame->rows);
    ck_assert_msg(frame_to_json(frame, row, &json, &err) == 0, "%s", err.message);
    ck_assert_msg(bytes_equal_text(json, quoted), "expected %s, got %.*s", quoted, (int)json.length,
                  (const char *)json.at);
}

/* One row in, its clean form out. */
static inline void
bench_cleans(const char *fields, const char *clean, const char *row, const char *expected)
{
    struct bench bench;
    bench_open(&bench, fields, clean, NULL);
    bench_add(&bench, row);
    bench_run(&bench);
    ck_assert_msg(bench.refusals.count == 0, "%s",
                  bench.refusals.count > 0 ? bench.refusals.at[0].message : "");
    bench_expect(bench.clean, 0, expected);
    bench_close(&bench);
}

/* One row in, refused with all of this. */
static inline void
bench_refuses(const char *fields, const char *clean, const char *row, const char *reason,
              const char *where, const char *message)
{
    struct bench bench;
    bench_open(&bench, fields, clean, NULL);
    bench_add(&bench, row);
    bench_run(&bench);
    ck_assert_uint_eq(bench.refusals.count, 1);
    ck_assert_uint_eq(bench.clean->rows, 0);
    ck_assert_str_eq(bench.refusals.at[0].reason, reason);
    ck_assert_str_eq(bench.refusals.at[0].where, where);
    ck_assert_str_eq(bench.refusals.at[0].message, message);
    bench_close(&bench);
}

/* One row in, its features out. */
static inline void
bench_computes(const char *fields, const char *features, const char *row, const char *expected)
{
    struct bench bench;
    bench_open(&bench, fields, NULL, features);
    bench_add(&bench, row);
    bench_run(&bench);
    bench_expect(bench.features, 0, expected);
    bench_close(&bench);
}

/* The lists have exactly one mistake: this one. */
static inline void
bench_mistaken(const char *fields, const char *clean, const char *features, const char *where,
               const char *message)
{
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *pipeline = bench_read(fields, clean, features, mistakes);
    ck_assert_ptr_null(pipeline);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_str_eq(mistakes_message(mistakes, 0), message);
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    mistakes_free(&mistakes);
}

#endif
