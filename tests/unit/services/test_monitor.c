/* Tests of a turn of monitoring where a pipeline's rows are not all kept: between a broker in
 * memory and a real PostgreSQL; the changelogs' newest records are given by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/monitoring/monitor.h"

#include <stdatomic.h>

#include "../fake_broker.h"
#include "../fake_catalog.h"
#include "../fake_clock.h"
#include "../warehouse_help.h"
#include "announce.h"
#include "migrate.h"

#define RECORDS 3 /* in partition 0 of each topic of the way */
#define PIPELINE(store)                                                                            \
    "{'name':'loan','sources':[{'name':'s','role':'decide','partitions':2,'fields':["              \
    "{'name':'age','type':'int64'}]}],'clean':[],'features':[]" store "}"
#define ALL_KEPT PIPELINE("")
#define OFF      PIPELINE(",'store':{'layers':{'raw':false,'clean':false}}")

static struct broker *broker;
static struct warehouse *db;
static struct task task;
static atomic_bool stopping;

/* ---- the changelogs */
struct follower {
    char nothing;
};

int
follower_open(struct broker *unused, const char *topic, announce_seen *seen, void *self,
              struct follower **out, struct error *error)
{
    static const char *const stage[][2] = {{"ingestion", "raw"},
                                           {"cleaning", "clean"},
                                           {"features", "features"},
                                           {"scoring", "decisions"}};
    char name[64], record[128];
    (void)unused, (void)error;
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "m.loan.%s-state", stage[i][0]);
        snprintf(record, sizeof(record), "{\"seq\":{\"%s/0\":%d},\"in\":%d,\"out\":%d}",
                 stage[i][1], RECORDS, RECORDS, RECORDS);
        if (strcmp(topic, name) == 0)
            seen(self, 0, bytes_of("position"), bytes_of(record));
    }
    *out = calloc(1, sizeof(**out));
    return 0;
}

int
follower_poll(struct follower *follower, int timeout_ms, bool *at_end, struct error *error)
{
    (void)follower, (void)timeout_ms, (void)error;
    *at_end = true;
    return 0;
}

void
follower_close(struct follower **follower)
{
    free(*follower);
    *follower = NULL;
}

int
catalog_announce_pipeline(struct broker *unused, const char *prefix,
                          const struct pipeline *pipeline, struct error *error)
{
    (void)unused, (void)prefix, (void)pipeline, (void)error;
    return 0;
}

/* ---- a world in which all is done and stored, but for what is not kept */
static void
fill_topics(void)
{
    static const char *const topics[] = {"raw",  "labels", "clean",    "features",
                                         "dead", "events", "decisions"};
    char name[64];
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        bool empty = strcmp(topics[i], "labels") == 0 || strcmp(topics[i], "dead") == 0;
        snprintf(name, sizeof(name), "m.loan.%s", topics[i]);
        fake_topic(broker, name, 2);
        for (int n = 0; n < RECORDS && !empty; n++)
            fake_put(broker, &(struct record){.topic = name, .value = bytes_of("{}")});
    }
}

static void
commit_all(void)
{
    static const char *const group[][2] = {{"ingestion", "events"},
                                           {"cleaning", "raw"},
                                           {"features", "clean"},
                                           {"scoring", "features"}};
    char name[64];
    for (size_t i = 0; i < 4; i++) {
        struct position at = {.offset = RECORDS};
        snprintf(name, sizeof(name), "m.main.%s", group[i][0]);
        snprintf(at.topic, sizeof(at.topic), "m.loan.%s", group[i][1]);
        fake_commit(broker, name, &at);
    }
}

static void
set_position(const char *service, const char *topic, int next)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "INSERT INTO ops.positions (sink, topic, partition, log_epoch, next_offset) "
             "VALUES ('m.main.%s.sink', 'm.loan.%s', 0, 0, %d) "
             "ON CONFLICT (sink, topic, partition, log_epoch) DO UPDATE SET next_offset = %d",
             service, topic, next, next);
    run(db, sql);
}

static void
put_rows(const char *layer, const char *columns, const char *values)
{
    char sql[512];
    for (int n = 0; n < RECORDS; n++) {
        snprintf(sql, sizeof(sql),
                 "INSERT INTO %s.loan (event_id, kafka_partition, log_epoch, kafka_offset, "
                 "event_time, received_at, schema_version, pipeline_version, %s) VALUES ('e%d', 0, "
                 "0, %d, now(), now(), 1, 1, %s)",
                 layer, columns, n, n, values);
        run(db, sql);
    }
}

static void
apply(const char *json, int version)
{
    char sql[1024], text[512];
    snprintf(text, sizeof(text), "%s", json);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    fake_catalog_announce(task.catalog, json, version);
    snprintf(sql, sizeof(sql),
             "INSERT INTO ops.pipelines (name, version, digest, definition, log_epoch, cluster_id) "
             "VALUES ('loan', %d, '%d', '%s', 0, 'c')",
             version, version, text);
    run(db, sql);
}

static void
world(const char *json)
{
    postgres_fresh_database();
    db = opened();
    broker = fake_broker_open();
    task = (struct task){.prefix = "m",
                         .lane = "main",
                         .warehouse = db,
                         .broker = broker,
                         .catalog = fake_catalog_open(),
                         .stopping = &stopping};
    ck_ok(arena_open(&task.arena, (size_t)64 << 20, &err), err);
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    apply(json, 1);
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_pipeline(db, catalog_find(task.catalog, "loan", 1), &err), err);
    ck_ok(warehouse_commit(db, &err), err);
    metrics_register(monitor_metrics);
    fill_topics();
    commit_all();
    set_position("features", "features", RECORDS);
    set_position("scoring", "decisions", RECORDS);
    put_rows("feature", "age", "7");
    put_rows("decision", "decision, probability, model_version, model_digest, reasons",
             "'yes', 0.5, 1, 'd', '[]'");
}

/* Rows are counted once the totals stand, in the second turn at the latest, and believed in the
 * next. */
static void
turns(void)
{
    fake_clock_forward(61000);
    for (int i = 0; i < 3; i++) {
        arena_reset(task.arena);
        ck_ok(monitor_turn(&task, &err), err);
    }
}

static void
world_ends(void)
{
    monitor_close(&task);
    arena_close(&task.arena);
    warehouse_close(&db);
}

/* ---- what it says */
static double
said(const char *metric, const char *labels)
{
    char line[512];
    char *text = metrics_print();
    snprintf(line, sizeof(line), "\n%s{%s} ", metric, labels);
    const char *at = strstr(text, line);
    ck_assert_msg(at != NULL, "nothing is said of %s", line + 1);
    double value = strtod(at + strlen(line), NULL);
    free(text);
    return value;
}

static double
lag(const char *service, const char *topic)
{
    char labels[256];
    snprintf(labels, sizeof(labels),
             "consumergroup=\"m.main.%s.sink\",topic=\"m.loan.%s\",partition=\"0\"", service,
             topic);
    return said("millrace_consumer_lag_records", labels);
}

static double
missed(const char *layer)
{
    char labels[128];
    snprintf(labels, sizeof(labels), "pipeline=\"loan\",stage=\"warehouse.%s\"", layer);
    return said("millrace_monitoring_conservation_error_records", labels);
}

START_TEST(what_is_not_kept_neither_lags_nor_is_missed)
{
    world(OFF);
    turns();
    ck_assert(lag("ingestion", "raw") == 0);
    ck_assert(lag("cleaning", "clean") == 0);
    ck_assert(lag("features", "features") == 0);
    ck_assert(missed("raw") == 0);
    ck_assert(missed("clean") == 0);
    ck_assert(missed("feature") == 0);
    world_ends();
}
END_TEST

START_TEST(what_is_kept_lags_and_is_missed_as_ever)
{
    world(OFF);
    set_position("features", "features", 1);
    turns();
    ck_assert(lag("features", "features") == RECORDS - 1);
    ck_assert(lag("ingestion", "raw") == 0);
    set_position("features", "features", RECORDS);
    run(db, "DELETE FROM feature.loan WHERE event_id = 'e1'");
    turns();
    ck_assert(lag("features", "features") == 0);
    ck_assert(missed("feature") == 1);
    ck_assert(missed("decision") == 0);
    ck_assert(missed("raw") == 0);
    world_ends();
}
END_TEST

START_TEST(where_all_is_kept_an_empty_table_lags_and_is_missed)
{
    world(ALL_KEPT);
    turns();
    ck_assert(lag("ingestion", "raw") == RECORDS);
    set_position("ingestion", "raw", RECORDS);
    set_position("cleaning", "clean", RECORDS);
    turns();
    ck_assert(lag("ingestion", "raw") == 0);
    ck_assert(missed("raw") == RECORDS);
    ck_assert(missed("clean") == RECORDS);
    world_ends();
}
END_TEST

START_TEST(what_is_kept_again_lags_and_is_not_compared)
{
    world(OFF);
    turns();
    apply(ALL_KEPT, 2);
    turns();
    ck_assert(lag("ingestion", "raw") == RECORDS);
    ck_assert(lag("cleaning", "clean") == RECORDS);
    set_position("ingestion", "raw", RECORDS);
    set_position("cleaning", "clean", 1);
    turns();
    ck_assert(lag("ingestion", "raw") == 0);
    ck_assert(lag("cleaning", "clean") == RECORDS - 1);
    set_position("cleaning", "clean", RECORDS);
    turns();
    ck_assert(lag("cleaning", "clean") == 0);
    ck_assert(missed("raw") == 0);
    ck_assert(missed("clean") == 0);
    ck_assert(missed("feature") == 0);
    world_ends();
}
END_TEST

RUN_POSTGRES_TESTS("monitor", what_is_not_kept_neither_lags_nor_is_missed,
                   what_is_kept_lags_and_is_missed_as_ever,
                   where_all_is_kept_an_empty_table_lags_and_is_missed,
                   what_is_kept_again_lags_and_is_not_compared)
