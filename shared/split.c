/* SPDX-License-Identifier: Apache-2.0 */
#include "split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "copy.h"
#include "history.h"
#include "outcome.h"

#define PART_LENGTH 32

/* ---- what rows there are */

int
split_compare_ids(struct bytes a, struct bytes b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int
check_rows(const struct frame *rows, struct error *err)
{
    const struct column *id = &rows->column[HISTORY_EVENT_ID];
    for (size_t i = 0; i < rows->rows; i++) {
        if (!column_valid(id, i) || !column_valid(&rows->column[HISTORY_LABEL], i))
            return error_set(err, ERROR_FATAL, "training row %zu lacks its event id or label", i);
        if (i > 0 && split_compare_ids(id->bytes[i - 1], id->bytes[i]) >= 0)
            return error_set(err, ERROR_FATAL, "training row %zu is not sorted by event id", i);
    }
    return 0;
}

/* From 0 up, below 1. Each purpose has hashes of its own, so that rows that are together for one
 * are not for another. The test's are those of the seed itself. */
static double
place(const struct pipeline *pipeline, const char *purpose, struct bytes id)
{
    uint64_t seed = (uint64_t)pipeline->train.seed;
    if (purpose != NULL)
        seed = digest_seeded(seed, bytes_of(purpose));
    return (double)digest_seeded(seed, id) * 0x1p-64;
}

/* ---- a row and what it is sorted by */

struct ranked {
    double by;
    int64_t time_us;
    size_t row; /* of the frame, or index of a training row: ascending with the event id */
};

static int
compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    if (a->by != b->by)
        return a->by < b->by ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* The row from which on, in the order of time, the latest `share` of the rows begin; all rows of
 * `from` are told by latest[i]. */
static int
mark_latest(const struct frame *rows, const size_t *row, size_t count, double share, bool *latest,
            struct error *err)
{
    int column = frame_find(rows, HISTORY_EVENT_TIME);
    struct ranked *order = arena_alloc(rows->arena, count + 1, sizeof(*order));
    if (order == NULL)
        return error_memory(err, "split by time");
    if (column < 0)
        return error_set(err, ERROR_FATAL, "training rows without %s", HISTORY_EVENT_TIME);
    for (size_t i = 0; i < count; i++)
        order[i] = (struct ranked){.time_us = rows->column[column].integer[row[i]], .row = i};
    qsort(order, count, sizeof(*order), compare_ranked);
    size_t kept = (size_t)round(share * (double)count);
    for (size_t i = 0; i < count; i++)
        latest[order[i].row] = i >= count - kept;
    return 0;
}

static int
mark_share(const struct pipeline *pipeline, const struct frame *rows, const size_t *row,
           size_t count, const char *purpose, double share, bool *marked, struct error *err)
{
    if (pipeline->train.split == SPLIT_TIME)
        return mark_latest(rows, row, count, share, marked, err);
    for (size_t i = 0; i < count; i++)
        marked[i] = place(pipeline, purpose, rows->column[HISTORY_EVENT_ID].bytes[row[i]]) < share;
    return 0;
}

/* ---- the test */

static int
allocate(struct arena *arena, size_t rows, struct split *split, struct error *err)
{
    split->train = arena_alloc(arena, rows + 1, sizeof(size_t));
    split->test = arena_alloc(arena, rows + 1, sizeof(size_t));
    split->train_y = arena_alloc(arena, rows + 1, sizeof(double));
    split->test_y = arena_alloc(arena, rows + 1, sizeof(double));
    split->fold = arena_alloc(arena, rows + 1, sizeof(*split->fold));
    if (!split->train || !split->test || !split->train_y || !split->test_y || !split->fold)
        return error_memory(err, "split");
    return 0;
}

static int
split_test(const struct pipeline *pipeline, const struct frame *rows, struct split *split,
           struct error *err)
{
    bool *tested = arena_alloc(rows->arena, rows->rows + 1, sizeof(*tested));
    double *y = arena_alloc(rows->arena, rows->rows + 1, sizeof(*y));
    if (tested == NULL || y == NULL)
        return error_memory(err, "split");
    if (outcome_read(pipeline, rows, y, err) != 0)
        return -1;
    for (size_t i = 0; i < rows->rows; i++)
        split->train[i] = i; /* all of them, for now */
    if (mark_share(pipeline, rows, split->train, rows->rows, NULL, pipeline->train.test_share,
                   tested, err) != 0)
        return -1;
    for (size_t i = 0; i < rows->rows; i++) {
        if (tested[i]) {
            split->test[split->test_rows] = i;
            split->test_y[split->test_rows++] = y[i];
        } else {
            split->train[split->train_rows] = i;
            split->train_y[split->train_rows++] = y[i];
        }
    }
    return 0;
}

/* ---- folds and validation */

/* Deals the rows of one group to the folds in the order of their hashes, from fold *next on, where
 * the next group begins: so folds are of one size, too. */
static void
deal_group(const struct pipeline *pipeline, const struct frame *rows, size_t group, size_t *next,
           struct ranked *order, struct split *split)
{
    size_t count = 0;
    for (size_t i = 0; i < split->train_rows; i++)
        if (outcome_group(pipeline, split->train_y[i]) == group)
            order[count++] = (struct ranked){
                .by =
                    place(pipeline, "fold", rows->column[HISTORY_EVENT_ID].bytes[split->train[i]]),
                .row = i,
            };
    qsort(order, count, sizeof(*order), compare_ranked);
    for (size_t i = 0; i < count; i++, *next = (*next + 1) % split->folds)
        split->fold[order[i].row] = (uint16_t)(*next + 1);
}

/* Both sides of a validation must have something to tell apart. */
static int
check_validation(const struct pipeline *pipeline, const struct split *split, struct arena *arena,
                 struct error *err)
{
    double *side = arena_alloc(arena, split->train_rows + 1, sizeof(*side));
    if (side == NULL)
        return error_memory(err, "split");
    for (unsigned held = 0; held <= 1; held++) {
        size_t rows = 0;
        for (size_t i = 0; i < split->train_rows; i++)
            if (split->fold[i] == held)
                side[rows++] = split->train_y[i];
        if (outcome_check(pipeline, side, rows, 1, err) != 0)
            return error_wrap(err, "of %zu training rows %zu are for validation; of %s",
                              split->train_rows, held ? rows : split->train_rows - rows,
                              held ? "these" : "the others");
    }
    return 0;
}

static int
split_validation(const struct pipeline *pipeline, const struct frame *rows, struct split *split,
                 struct error *err)
{
    bool *held = arena_alloc(rows->arena, split->train_rows + 1, sizeof(*held));
    if (held == NULL)
        return error_memory(err, "split");
    if (mark_share(pipeline, rows, split->train, split->train_rows, "validation",
                   pipeline->search.validation_share, held, err) != 0)
        return -1;
    for (size_t i = 0; i < split->train_rows; i++)
        split->fold[i] = held[i];
    return check_validation(pipeline, split, rows->arena, err);
}

static int
split_folds(const struct pipeline *pipeline, const struct frame *rows, struct split *split,
            struct error *err)
{
    if (pipeline->search.method == NULL)
        return 0;
    if (pipeline->search.folds == 0)
        return split_validation(pipeline, rows, split, err);
    size_t next = 0;
    struct ranked *order = arena_alloc(rows->arena, split->train_rows + 1, sizeof(*order));
    if (order == NULL)
        return error_memory(err, "folds");
    for (size_t group = 0; group < outcome_groups(pipeline); group++)
        deal_group(pipeline, rows, group, &next, order, split);
    return 0;
}

/* ---- what became of each row */

/* The part of row i of the frame; *train and *test say how many training and test rows are before
 * it, and are moved on. */
static void
name_part(const struct split *split, size_t i, size_t *train, size_t *test, char out[PART_LENGTH])
{
    if (*test < split->test_rows && split->test[*test] == i) {
        snprintf(out, PART_LENGTH, SPLIT_PART_TEST);
        ++*test;
        return;
    }
    unsigned fold = split->fold[(*train)++];
    if (fold == 0)
        snprintf(out, PART_LENGTH, SPLIT_PART_TRAIN);
    else if (split->folds == 1)
        snprintf(out, PART_LENGTH, "validation");
    else
        snprintf(out, PART_LENGTH, "fold %u", fold);
}

void
split_digest_row(struct digest *digest, struct bytes id, const char *part, struct bytes label)
{
    digest_add(digest, id);
    digest_add(digest, (struct bytes){(const uint8_t *)"", 1});
    digest_add(digest, (struct bytes){(const uint8_t *)part, strlen(part) + 1});
    digest_add(digest, label);
    digest_add(digest, (struct bytes){(const uint8_t *)"", 1});
}

static void
digest_parts(const struct frame *rows, struct split *split)
{
    struct digest *digest = digest_begin();
    size_t train = 0, test = 0;
    for (size_t i = 0; i < rows->rows; i++) {
        char part[PART_LENGTH];
        name_part(split, i, &train, &test, part);
        split_digest_row(digest, rows->column[HISTORY_EVENT_ID].bytes[i], part,
                         rows->column[HISTORY_LABEL].bytes[i]);
    }
    digest_end(&digest, split->digest);
}

/* ---- rows that are elsewhere */

struct split_rule
split_rule(const struct pipeline *pipeline, const struct frame *rows, const struct split *split)
{
    struct split_rule rule = {.pipeline = pipeline};
    int column = frame_find(rows, HISTORY_EVENT_TIME);
    if (pipeline->train.split == SPLIT_HASH || column < 0)
        return rule;
    for (size_t i = 0; i < split->test_rows; i++) {
        int64_t time_us = rows->column[column].integer[split->test[i]];
        if (rule.id.at != NULL && time_us >= rule.time_us)
            continue;
        rule.time_us = time_us;
        rule.id = rows->column[HISTORY_EVENT_ID].bytes[split->test[i]];
    }
    return rule;
}

bool
split_tests(const struct split_rule *rule, struct bytes id, int64_t time_us)
{
    if (rule->pipeline->train.split == SPLIT_HASH)
        return place(rule->pipeline, NULL, id) < rule->pipeline->train.test_share;
    if (rule->id.at == NULL || time_us != rule->time_us)
        return rule->id.at != NULL && time_us > rule->time_us;
    return split_compare_ids(id, rule->id) >= 0;
}

int
split_make(const struct pipeline *pipeline, const struct frame *rows, struct split *out,
           struct error *err)
{
    if (check_rows(rows, err) != 0)
        return -1;
    if ((int64_t)rows->rows < pipeline->train.rows_min)
        return error_set(err, ERROR_INPUT, "%zu labelled rows, at least %lld are needed",
                         rows->rows, (long long)pipeline->train.rows_min);
    struct split split = {0};
    if (pipeline->search.method != NULL)
        split.folds = pipeline->search.folds > 0 ? (size_t)pipeline->search.folds : 1;
    if (allocate(rows->arena, rows->rows, &split, err) != 0 ||
        split_test(pipeline, rows, &split, err) != 0 ||
        outcome_check(pipeline, split.train_y, split.train_rows, split.folds, err) != 0 ||
        split_folds(pipeline, rows, &split, err) != 0)
        return -1;
    digest_parts(rows, &split);
    *out = split;
    return 0;
}

int
split_copy(const struct split *split, const struct frame *rows, struct arena *arena,
           struct bytes *out, struct error *err)
{
    struct copy *copy = copy_create(arena);
    size_t train = 0, test = 0;
    if (copy == NULL)
        return error_memory(err, "rows of a split");
    for (size_t i = 0; i < rows->rows; i++) {
        char part[PART_LENGTH];
        name_part(split, i, &train, &test, part);
        copy_row(copy, 4);
        copy_text(copy, bytes_of(split->digest));
        copy_text(copy, rows->column[HISTORY_EVENT_ID].bytes[i]);
        copy_text(copy, bytes_of(part));
        copy_text(copy, rows->column[HISTORY_LABEL].bytes[i]);
    }
    return copy_finish(copy, out, err);
}

/* ---- one fit of a trial */

static int
make_picked(struct arena *arena, size_t most, struct picked *picked, struct error *err)
{
    *picked = (struct picked){.row = arena_alloc(arena, most + 1, sizeof(size_t)),
                              .y = arena_alloc(arena, most + 1, sizeof(double))};
    return picked->row != NULL && picked->y != NULL ? 0 : error_memory(err, "rows of a trial");
}

int
split_pick(const struct split *split, const struct pipeline *pipeline, const struct frame *rows,
           size_t fold, double share, struct arena *arena, struct picked *learn,
           struct picked *judge, struct error *err)
{
    if (make_picked(arena, split->train_rows, learn, err) != 0 ||
        make_picked(arena, split->train_rows, judge, err) != 0)
        return -1;
    for (size_t i = 0; i < split->train_rows; i++) {
        struct picked *to = split->fold[i] == fold ? judge : learn;
        struct bytes id = rows->column[HISTORY_EVENT_ID].bytes[split->train[i]];
        if (to == learn && share < 1 && place(pipeline, "share", id) >= share)
            continue;
        to->row[to->rows] = split->train[i];
        to->y[to->rows++] = split->train_y[i];
    }
    return 0;
}
