/* SPDX-License-Identifier: Apache-2.0 */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>

#include "intake.h"
#include "relay.h"
#include "scorer_binned.h"

#define COPIES_MAX   4  /* of the rows that training in memory makes, the matrix among them */
#define SAMPLE_SHARE 6  /* a part of the memory that the sample's rows alone may take */
#define FIELD_BYTES  12 /* of a number in COPY data */
#define ROW_BYTES    100

/* ---- how much it is */

/* Of a row of a frame and of its matrix, texts themselves aside. */
static size_t
row_bytes(const struct pipeline *pipeline)
{
    size_t bytes = sizeof(struct origin) + 2 * sizeof(struct bytes) + sizeof(int64_t);
    for (size_t i = 0; i < pipeline->features.count; i++) {
        const struct schema_field *field = &pipeline->features.field[i];
        bytes += field->type == COLUMN_VECTOR ? field->width * sizeof(float) : sizeof(struct bytes);
    }
    for (size_t i = 0; i < pipeline->encoders; i++)
        bytes += pipeline->encoder[i].count * sizeof(float);
    return bytes;
}

/* An event may have been labelled more than once, so there may be fewer rows than that. A table
 * that is not there yet is for history_read to explain. */
static int
count_outcomes(struct warehouse *db, struct arena *arena, const struct pipeline *pipeline,
               size_t *count, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *table = warehouse_identifier(arena, pipeline->name);
    const char *sql = arena_print(arena, "SELECT count(*) FROM label.%s", table);
    *count = 0;
    if (table == NULL || sql == NULL)
        return error_memory(err, "query for training rows");
    if (warehouse_query(db, sql, NULL, 0, &rows, err) == 0) {
        *count = (size_t)rows_int(rows, 0, 0, 0);
        return 0;
    }
    if (strcmp(warehouse_sqlstate(db), "42P01") != 0)
        return error_wrap(err, "counting the outcomes of \"%s\"", pipeline->name);
    *err = (struct error){0};
    return 0;
}

int
blocks_wanted(struct warehouse *db, struct arena *arena, const struct pipeline *pipeline,
              bool *wanted, size_t *sample, struct error *err)
{
    size_t rows, each = row_bytes(pipeline), left = arena_left(arena);
    *wanted = false;
    if (pipeline->search.method != NULL || !scorer_takes_bins(pipeline))
        return 0;
    if (count_outcomes(db, arena, pipeline, &rows, err) != 0)
        return -1;
    if (pipeline->train.rows_max > 0 && rows > (size_t)pipeline->train.rows_max)
        rows = (size_t)pipeline->train.rows_max;
    *wanted = rows > left / COPIES_MAX / each ||
              rows > HISTORY_BYTES_MAX / (ROW_BYTES + FIELD_BYTES * pipeline->features.count);
    *sample = left / SAMPLE_SHARE / each;
    if (*sample > BINS_SAMPLE)
        *sample = BINS_SAMPLE;
    if (*sample < BLOCKS_SAMPLE_MIN)
        *sample = BLOCKS_SAMPLE_MIN;
    return 0;
}

/* ---- reading */

void
blocks_free(struct blocks *blocks)
{
    binned_free(&blocks->binned);
    bins_free(&blocks->bins);
    scorer_free(&blocks->scorer);
    spool_close(&blocks->spool);
    history_free(&blocks->history);
    free(blocks->y);
    *blocks = (struct blocks){0};
}

/* The pipeline's own sample, if it asks for one, or as much of it as memory holds. */
static int
read_sample(const struct blocks_source *source, struct blocks *blocks, struct error *err)
{
    struct pipeline sampled = *source->pipeline;
    if (sampled.train.rows_max == 0 || (size_t)sampled.train.rows_max > source->sample)
        sampled.train.rows_max = (int64_t)source->sample;
    if (history_read(source->db, source->arena, &sampled, NULL, &blocks->history, err) != 0 ||
        split_make(source->pipeline, blocks->history.frame, &blocks->split, err) != 0)
        return -1;
    const struct split *split = &blocks->split;
    const struct lesson lesson = {blocks->history.frame, split->train, split->train_rows,
                                  split->train_y, source->threads};
    return scorer_plan(source->pipeline, &lesson, &blocks->scorer, &blocks->bins, err);
}

static int
hand_on(void *relay, struct bytes piece, struct error *err)
{
    return relay_put(relay, piece, err);
}

/* This thread reads, the relay's makes bins. */
static int
read_all(const struct blocks_source *source, struct intake *intake, struct error *err)
{
    DEFER(relay_close) struct relay *relay = NULL;
    const char *sql = history_sql(source->arena, source->pipeline, NULL);
    if (sql == NULL)
        return error_memory(err, "query for training rows");
    if (relay_open(intake_take, intake, &relay, err) != 0)
        return -1;
    if (warehouse_copy_each(source->db, sql, hand_on, relay, err) != 0)
        return error_wrap(err, "reading the training rows of \"%s\"", source->pipeline->name);
    return relay_end(&relay, err);
}

static int
fill(const struct blocks_source *source, struct blocks *blocks, struct error *err)
{
    const struct split_rule rule =
        split_rule(source->pipeline, blocks->history.frame, &blocks->split);
    const struct intake_source from = {source->pipeline, &rule, blocks->scorer, blocks->bins,
                                       source->folder};
    DEFER(intake_close) struct intake *intake = NULL;
    if (intake_open(&from, &intake, err) != 0 || read_all(source, intake, err) != 0)
        return -1;
    return intake_end(&intake, blocks, err);
}

static void
roll_back(struct warehouse **db)
{
    if (*db != NULL)
        warehouse_rollback(*db);
}

/* Encoders and bins are made between the two queries, and columns of the bins behind them; that may
 * take longer than a transaction may be idle. */
static int
begin_snapshot(struct warehouse *db, struct error *err)
{
    if (warehouse_run(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) != 0)
        return -1;
    return warehouse_run(db, "SET LOCAL idle_in_transaction_session_timeout = 0", err);
}

int
blocks_read(const struct blocks_source *source, struct blocks *out, struct error *err)
{
    DEFER(blocks_free) struct blocks made = {0};
    if (warehouse_begin(source->db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = source->db;
    if (begin_snapshot(source->db, err) != 0 || read_sample(source, &made, err) != 0 ||
        fill(source, &made, err) != 0)
        return -1;
    open = NULL;
    if (warehouse_commit(source->db, err) != 0)
        return -1;
    *out = made;
    made = (struct blocks){0};
    return 0;
}

int
blocks_fit(const struct blocks_source *source, struct blocks *blocks, struct training *out,
           struct error *err)
{
    if (scorer_fit_binned(blocks->scorer, source->pipeline, source->arena, blocks->bins,
                          blocks->binned, blocks->y, source->threads, err) != 0)
        return -1;
    return train_seal(source->pipeline, blocks->history.frame, &blocks->split, source->threads,
                      blocks->scorer, out, err);
}
