/* sink_bench: the sink loop between a broker in memory and a real PostgreSQL.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_SINK_BENCH_H
#define MILLRACE_TESTS_SINK_BENCH_H

#include "sink.h"

#include "loop_bench.h"
#include "migrate.h"
#include "sink_private.h"
#include "warehouse_help.h"

#define GROUP     "m.main.cleaning.sink"
#define POSITIONS "UPDATE ops.positions SET next_offset = %d WHERE topic = 'm.loan.clean' "

static struct warehouse *db;
static int64_t patience_ms; /* sink_ms; 0: as the bench has it */

static const struct mapping keeps[] = {
    {.stage = "clean", .schema = "clean"},
    {.stage = "dead", .schema = "dead"},
    {0},
};
static const struct service keeping = {.name = "cleaning", .keeps = keeps};

/* ---- the loop */
static void *
sink_body(void *arg)
{
    struct loop *loop = arg;
    if (loop->fails)
        __lsan_disable();
    if (patience_ms > 0)
        loop->common.sink_ms = patience_ms;
    loop->result =
        sink_run(loop->service, &loop->common, broker, catalog, &loop->stopping, &loop->err);
    atomic_store(&loop->ended, true);
    return NULL;
}

static inline void
sink_start(struct loop *loop, const char *instance)
{
    int opened_before = fake_calls(broker, "consumer_open");
    loop_start(loop, &keeping, instance, sink_body);
    AWAIT(fake_calls(broker, "consumer_open") > opened_before);
}

/* An empty warehouse with the tables of the pipeline. */
static inline void
world(void)
{
    bench_open();
    postgres_fresh_database();
    db = opened();
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_pipeline(db, catalog_find(catalog, "loan", 0), &err), err);
    ck_ok(warehouse_commit(db, &err), err);
}

static inline void
world_ends(struct loop *loop)
{
    loop_stop(loop);
    warehouse_close(&db);
}

/* ---- records */
static inline int64_t
put(int partition, const char *mark)
{
    return bench_put((struct event){.topic = "m.loan.clean", .partition = partition, .mark = mark});
}

static inline void
put_many(int count)
{
    for (int i = 0; i < count; i++)
        put(i % BENCH_PARTITIONS, "good");
}

/* Records that were never committed: nobody sees them, but they and their marker take offsets. */
static inline void
put_aborted(int count)
{
    struct producer *producer = NULL;
    ck_ok(producer_open_transactional(broker, "aborts", &producer, &err), err);
    ck_ok(producer_init(producer, 0, &err), err);
    ck_ok(producer_begin(producer, &err), err);
    for (int i = 0; i < count; i++)
        ck_ok(producer_send(producer,
                            &(struct record){.topic = "m.loan.clean",
                                             .partition = i % BENCH_PARTITIONS,
                                             .value = bytes_of("{\"n\":-1}")},
                            &err),
              err);
    ck_ok(producer_init(producer, 0, &err), err);
    producer_destroy(&producer);
}

/* ---- what there is in the warehouse */
static inline int64_t
position(const char *topic, int32_t partition)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", partition);
    const char *const params[] = {topic, number};
    DEFER(rows_free) struct rows *rows = NULL;
    ck_ok(warehouse_query(db,
                          "SELECT next_offset FROM ops.positions WHERE sink = '" GROUP
                          "' AND topic = $1 AND partition = $2",
                          params, 2, &rows, &err),
          err);
    return rows_count(rows) == 0 ? -1 : rows_int(rows, 0, 0, -1);
}

static inline bool
copied(const char *topic)
{
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++) {
        size_t count = fake_count(broker, topic, p);
        if (count > 0 && position(topic, p) <= fake_message(broker, topic, p, count - 1)->offset)
            return false;
    }
    return true;
}

#define AWAIT_COPIED() AWAIT(copied("m.loan.clean"))

/* The visible records from `from` on are the rows of the partition, but for `left_out` offsets. */
static inline void
expect_rows_of(int32_t partition, int64_t from, int64_t left_out)
{
    char sql[256], expected[256];
    snprintf(sql, sizeof(sql),
             "SELECT kafka_offset, event_id, '{\"mark\":' || to_json(mark) || ',\"n\":' || n || '}'"
             "FROM clean.loan WHERE kafka_partition = %d ORDER BY kafka_offset",
             partition);
    DEFER(rows_free) struct rows *rows = NULL;
    ck_ok(warehouse_query(db, sql, NULL, 0, &rows, &err), err);
    size_t row = 0, count = fake_count(broker, "m.loan.clean", partition);
    for (size_t i = 0; i < count; i++) {
        const struct message *message = fake_message(broker, "m.loan.clean", partition, i);
        if (message->offset < from || message->offset == left_out)
            continue;
        ck_assert_uint_lt(row, rows_count(rows));
        ck_assert_int_eq(rows_int(rows, row, 0, -1), message->offset);
        ck_assert(bytes_equal_text(*message_header(message, "ce_id"), rows_text(rows, row, 1)));
        snprintf(expected, sizeof(expected), "%.*s", (int)message->value.length,
                 (const char *)message->value.at);
        ck_assert_str_eq(rows_text(rows, row++, 2), expected);
    }
    ck_assert_uint_eq(rows_count(rows), row);
}

static inline void
expect_rows(void)
{
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++)
        expect_rows_of(p, 0, -1);
}

static inline const char *
refusals(void)
{
    return ask(db, "SELECT coalesce(string_agg(sink || ' ' || topic || '/' || partition || ' ' || "
                   "kafka_offset || ' ' || sqlstate, '; ' ORDER BY kafka_offset), 'none') "
                   "FROM ops.refused");
}

#endif
