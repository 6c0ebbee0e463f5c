/* training_bench: the training task on a real PostgreSQL, with a catalog and topics that are made
 * up here, over the credit data. Every function that replaces one of the library is here, so this
 * is for one file of a program. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_TRAINING_BENCH_H
#define MILLRACE_TESTS_TRAINING_BENCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "../../../services/training/record.h"
#include "../../../services/training/task.h"
#include "codec.h"
#include "credit.h"
#include "history.h"
#include "migrate.h"
#include "warehouse_help.h"

#define ROWS 300

/* ---- the catalog */
static const struct pipeline *known; /* NULL: no pipeline has been announced */
static struct announcement announced[16];
static atomic_size_t announcements, news;
static bool kafka_is_down;

uint64_t
catalog_generation(struct catalog *catalog)
{
    (void)catalog;
    return 1;
}

const struct pipeline *
catalog_find(struct catalog *catalog, const char *name, int32_t version)
{
    (void)catalog;
    bool found = known != NULL && strcmp(known->name, name) == 0 &&
                 (version == 0 || version == known->version);
    return found ? known : NULL;
}

int
catalog_announce_model(struct broker *broker, const char *prefix, const struct announcement *what,
                       struct error *error)
{
    (void)broker;
    ck_assert_str_eq(prefix, "millrace");
    if (kafka_is_down)
        return error_set(error, ERROR_TRANSIENT, "no broker");
    announced[announcements++ % 16] = *what;
    return 0;
}

int
announce(struct broker *broker, const char *topic, struct bytes key, struct bytes value,
         struct error *error)
{
    (void)broker;
    (void)key;
    (void)value;
    ck_assert_str_eq(topic, "millrace.trials");
    news++;
    return kafka_is_down ? error_set(error, ERROR_TRANSIENT, "no broker") : 0;
}

/* ---- the warehouse */
static struct warehouse *db;
static struct arena *arena;
static atomic_bool stopping;
static struct task task;
static struct train_settings settings = {.lease_ms = 15000};

static const struct schema_field decision_field[] = {
    {.name = "decision", .type = COLUMN_TEXT},
    {.name = "probability", .type = COLUMN_FLOAT64},
    {.name = "model_version", .type = COLUMN_INT64},
    {.name = "model_digest", .type = COLUMN_TEXT},
    {.name = "reasons", .type = COLUMN_JSON},
};
static const struct schema_field label_field[] = {{.name = "label", .type = COLUMN_TEXT}};

static inline void
put_cell(struct text *sql, const struct column *column, size_t row)
{
    text_puts(sql, ",");
    if (!column_valid(column, row)) {
        text_puts(sql, "NULL");
    } else if (column->type == COLUMN_TEXT) {
        text_puts(sql, "'");
        text_put(sql, (const char *)column->bytes[row].at, column->bytes[row].length);
        text_puts(sql, "'");
    } else if (column->type == COLUMN_INT64) {
        text_put_int64(sql, column->integer[row]);
    } else {
        text_put_float64(sql, column->real[row]);
    }
}

static inline void
insert(const char *layer, const char *id, int64_t offset, const struct frame *rows, size_t row,
       size_t first, size_t end)
{
    struct text sql = {.arena = arena};
    text_puts(&sql, arena_print(arena,
                                "INSERT INTO %s.loan VALUES ('%s', 0, 1, %lld, now() + interval"
                                " '%lld s', now(), 1, 1, NULL",
                                layer, id, (long long)offset, (long long)offset));
    for (size_t i = first; i < end; i++)
        put_cell(&sql, &rows->column[i], row);
    text_put(&sql, ")", 2);
    run(db, sql.at);
}

static inline struct pipeline *
set_up(void)
{
    arena = credit_arena();
    postgres_fresh_database();
    db = opened();
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    struct pipeline *pipeline = credit_pipeline(arena);
    pipeline->raw = pipeline->clean = pipeline->features;
    pipeline->decisions = (struct schema){.name = "d", .count = 5, .field = decision_field};
    pipeline->labels = (struct schema){.name = "l", .count = 1, .field = label_field};
    task = (struct task){.settings = &settings,
                         .prefix = "millrace",
                         .lane = "main",
                         .worker = "training-0",
                         .folder = "/tmp",
                         .warehouse = db,
                         .stopping = &stopping};
    ck_ok(arena_open(&task.arena, (size_t)256 << 20, &err), err);
    return pipeline;
}

static inline void
make_tables(const struct pipeline *pipeline)
{
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_pipeline(db, pipeline, &err), err);
    ck_ok(warehouse_commit(db, &err), err);
}

static inline const struct pipeline *
set_up_history(void)
{
    struct pipeline *pipeline = set_up();
    make_tables(pipeline);
    const struct frame *rows = credit_read(arena, ROWS);
    run(db, "BEGIN");
    for (size_t i = 0; i < ROWS; i++) {
        const char *id = arena_print(arena, "e%05zu", ROWS - 1 - i);
        insert("feature", id, (int64_t)i, rows, ROWS - 1 - i, 2, 15);
        insert("label", id, (int64_t)i, rows, ROWS - 1 - i, 1, 2);
    }
    run(db, "COMMIT");
    known = pipeline;
    return pipeline;
}

static inline void
submit(const char *pipeline, const char *request)
{
    int64_t id;
    ck_ok(job_submit(db, "train", pipeline, request, &id, &err), err);
}

static inline void
turn(void)
{
    arena_reset(task.arena);
    ck_ok(train_task(&task, &err), err);
}

static inline void *
replica_body(void *worker)
{
    struct error problem = {0};
    struct task own = task;
    own.worker = worker;
    own.self = NULL;
    ck_ok(warehouse_open(worker, 0, &own.warehouse, &problem), problem);
    ck_ok(arena_open(&own.arena, (size_t)256 << 20, &problem), problem);
    for (bool done = false; !done;) {
        DEFER(rows_free) struct rows *rows = NULL;
        arena_reset(own.arena);
        ck_ok(train_task(&own, &problem), problem);
        ck_ok(warehouse_query(own.warehouse,
                              "SELECT 1 FROM ops.jobs WHERE status NOT IN ('done', 'failed')", NULL,
                              0, &rows, &problem),
              problem);
        done = rows_count(rows) == 0;
    }
    train_task_close(&own);
    arena_close(&own.arena);
    warehouse_close(&own.warehouse);
    return NULL;
}

/* Three replicas take jobs until all of them are done. */
static inline void
turns_of_three(void)
{
    static char names[3][16] = {"training-1", "training-2", "training-3"};
    pthread_t replica[3];
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&replica[i], NULL, replica_body, names[i]), 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(replica[i], NULL);
}

static inline void
tear_down(void)
{
    train_task_close(&task);
    arena_close(&task.arena);
    arena_close(&arena);
    warehouse_close(&db);
}

#endif
