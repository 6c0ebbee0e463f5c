/* apply: a pipeline file becomes topics, tables, a recorded version and an announcement. Every step
 * may be repeated: whatever interrupts it, applying again completes it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "event_table.h"
#include "migrate.h"
#include "rebuild.h"
#include "topics.h"
#include "verbs.h"

#define FILE_MAX ((size_t)4 * 1024 * 1024)

struct apply_options {
    bool dry_run;
};
static const struct option_row apply_options[] = {
    OPTION(apply_options, dry_run, 0, FLAG, NULL, NULL, "show what would be done, change nothing"),
    {0},
};

struct plan {
    struct pipeline *pipeline; /* version and log_epoch as they will be recorded */
    struct topic_spec global[GLOBAL_TOPICS], topic[PIPELINE_TOPICS];
    int global_now[GLOBAL_TOPICS], topic_now[PIPELINE_TOPICS]; /* partitions; 0: missing */
    char cluster_id[64];
    bool known, new_version;
    bool moved, missing; /* a known pipeline: another cluster; topics that seem to be gone */
    int64_t old_version, old_epoch;
    bool was_off[STAGE_LAYERS]; /* layers of which the old version kept no rows */
    size_t migrations;          /* pending */
};

/* ---- reading files */

static int
read_file(const char *path, char **text, size_t *length)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return complain(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, NULL, "%s: %s", path,
                        strerror(errno));
    char *buffer = malloc(FILE_MAX + 1);
    size_t used = buffer != NULL ? fread(buffer, 1, FILE_MAX + 1, file) : 0;
    int broken = ferror(file);
    fclose(file);
    if (buffer != NULL && !broken && used <= FILE_MAX) {
        *text = buffer;
        *length = used;
        return 0;
    }
    free(buffer);
    if (buffer == NULL || broken)
        return complain(STATUS_FAILED, NULL, "%s cannot be read", path);
    return complain(STATUS_REFUSED, NULL, "%s is longer than 4 MiB: no pipeline file", path);
}

static int
read_pipeline(const char *path, struct pipeline **pipeline)
{
    char *text = NULL;
    size_t length = 0;
    int status = read_file(path, &text, &length);
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    if (status != 0 || mistakes == NULL) {
        free(text);
        return status != 0 ? status : STATUS_FAILED;
    }
    *pipeline = pipeline_read((struct bytes){(const uint8_t *)text, length}, mistakes);
    free(text);
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        fprintf(stderr, "%s: %s: %s\n", path,
                mistakes_where(mistakes, i)[0] != '\0' ? mistakes_where(mistakes, i) : "/",
                mistakes_message(mistakes, i));
    if (*pipeline != NULL)
        return 0;
    return complain(STATUS_REFUSED,
                    "`millrace pipeline schema` prints the JSON Schema of the file.",
                    "%s was not applied: %zu mistakes", path, mistakes_count(mistakes));
}

/* ---- planning */

static int
plan_version(struct cli *cli, struct plan *plan)
{
    DEFER(rows_free) struct rows *rows = NULL;
    struct pipeline *pipeline = plan->pipeline;
    pipeline->version = 1;
    pipeline->log_epoch = 1;
    plan->new_version = true;
    struct error err = {0};
    if (migrate_pending(cli->warehouse, &plan->migrations, &err) != 0)
        return complain_error(cli, &err, "looking for missing migrations");
    const char *sql = "SELECT to_regclass('ops.pipelines') IS NOT NULL";
    int status = cli_query(cli, &rows, sql, NULL, 0);
    if (status != 0 || strcmp(rows_text(rows, 0, 0), "t") != 0)
        return status;
    rows_free(&rows);
    sql = "SELECT version, digest, log_epoch, cluster_id, definition::text FROM ops.pipelines "
          "WHERE name = $1 ORDER BY version DESC LIMIT 1";
    status = cli_query(cli, &rows, sql, (const char *const[]){pipeline->name}, 1);
    if (status != 0 || rows_count(rows) == 0)
        return status;
    plan->known = true;
    plan->old_version = rows_int(rows, 0, 0, 0);
    plan->new_version = strcmp(rows_text(rows, 0, 1), pipeline->digest) != 0;
    pipeline->version = (int32_t)(plan->old_version + (plan->new_version ? 1 : 0));
    plan->old_epoch = rows_int(rows, 0, 2, 1);
    pipeline->log_epoch = plan->old_epoch;
    plan->moved = strcmp(rows_text(rows, 0, 3), plan->cluster_id) != 0;
    DEFER(pipeline_free)
    struct pipeline *old =
        cli_pipeline_of(rows_text(rows, 0, 4), plan->old_version, plan->old_epoch);
    if (old != NULL)
        memcpy(plan->was_off, old->store.off, sizeof(plan->was_off));
    return 0;
}

static int
make_plan(struct cli *cli, struct plan *plan)
{
    struct error err = {0};
    topics_global(cli->settings.prefix, plan->global);
    topics_of_pipeline(cli->settings.prefix, plan->pipeline, plan->topic);
    int status = topics_check(cli, plan->global, GLOBAL_TOPICS, plan->global_now);
    if (status == 0)
        status = topics_check(cli, plan->topic, PIPELINE_TOPICS, plan->topic_now);
    if (status == 0 && broker_cluster_id(cli->broker, plan->cluster_id, &err) != 0)
        status = complain_error(cli, &err, "asking Kafka for its cluster");
    if (status == 0)
        status = cli_open_warehouse(cli);
    if (status == 0)
        status = plan_version(cli, plan);
    for (size_t i = 0; i < EVENT_TOPICS; i++)
        plan->missing = plan->missing || (plan->known && plan->topic_now[i] == 0);
    plan->pipeline->log_epoch += plan->missing || plan->moved;
    return status;
}

/* ---- showing the plan */

static void
show(json_t *rows, const char *what, const char *name, const char *fmt, long long a, long long b)
{
    char does[96];
    snprintf(does, sizeof(does), "%s", fmt);
    if (a >= 0)
        snprintf(does, sizeof(does), "%s %lld%s", fmt, a, b >= 0 ? " (log epoch" : "");
    if (b >= 0)
        snprintf(does + strlen(does), sizeof(does) - strlen(does), " %lld)", b);
    json_array_append_new(rows,
                          json_pack("{s:s s:s s:s}", "what", what, "name", name, "does", does));
}

static void
show_topics(json_t *rows, const struct topic_spec *spec, const int *now, size_t count)
{
    for (size_t i = 0; i < count; i++)
        show(rows, "topic", spec[i].name, now[i] > 0 ? "exists, partitions" : "create, partitions",
             spec[i].partitions, -1);
}

static void
show_tables(struct cli *cli, json_t *rows, const struct plan *plan)
{
    for (size_t i = 0; i < EVENT_TOPICS; i++) {
        const char *stage = strrchr(plan->topic[i].name, '.') + 1;
        const char *layer = pipeline_layer(stage);
        if (layer == NULL)
            continue;
        const char *name = cli_table_name(cli, layer, plan->pipeline->name);
        show(rows, "table", name != NULL ? name : layer,
             plan->known ? "widen where the file has new fields" : "create", -1, -1);
    }
}

static void
show_plan(struct cli *cli, const struct plan *plan)
{
    static const char *const columns[] = {"what", "name", "does", NULL};
    json_t *rows = json_array();
    if (plan->migrations > 0)
        show(rows, "database", "migrations", "apply", (long long)plan->migrations, -1);
    show_topics(rows, plan->global, plan->global_now, GLOBAL_TOPICS);
    show_topics(rows, plan->topic, plan->topic_now, PIPELINE_TOPICS);
    show_tables(cli, rows, plan);
    show(rows, "pipeline", plan->pipeline->name,
         plan->new_version ? "record and announce version" : "unchanged, announce again version",
         plan->pipeline->version, plan->pipeline->log_epoch);
    if (!cli->json) {
        cli_print(cli, rows, columns);
        return;
    }
    json_t *whole =
        json_pack("{s:s s:i s:I s:b s:o}", "pipeline", plan->pipeline->name, "version",
                  (int)plan->pipeline->version, "log_epoch", (json_int_t)plan->pipeline->log_epoch,
                  "changed", (int)plan->new_version, "plan", rows);
    cli_print(cli, whole, NULL);
}

/* ---- doing it */

static void
tell_migration(void *self, const char *file, bool applied)
{
    if (applied)
        tell(self, "applied %s", file);
}

/* What Kafka's metadata shows may be behind what exists, so only what was really created counts. An
 * apply interrupted between creating and raising must not forget it: until the new epoch is
 * recorded the row names no cluster, which makes the next apply raise it. */
static int
mark_unsettled(struct cli *cli, const struct plan *plan)
{
    if (!plan->missing)
        return 0;
    const char *version = arena_print(cli->arena, "%lld", (long long)plan->old_version);
    return cli_query(cli, NULL,
                     "UPDATE ops.pipelines SET cluster_id = '' WHERE name = $1 AND version = "
                     "$2::integer",
                     (const char *const[]){plan->pipeline->name, version}, 2);
}

static int
settle_epoch(struct cli *cli, struct plan *plan, const bool created[PIPELINE_TOPICS])
{
    struct pipeline *pipeline = plan->pipeline;
    bool raise = plan->moved;
    for (size_t i = 0; i < EVENT_TOPICS; i++)
        raise = raise || created[i];
    if (!plan->missing && !plan->moved)
        return 0;
    pipeline->log_epoch = plan->old_epoch + raise;
    const char *epoch = arena_print(cli->arena, "%lld", (long long)pipeline->log_epoch);
    const char *version = arena_print(cli->arena, "%lld", (long long)plan->old_version);
    if (raise)
        tell(cli, "pipeline %s: its topics are new, log epoch %s begins", pipeline->name, epoch);
    return cli_query(cli, NULL,
                     "UPDATE ops.pipelines SET log_epoch = $1::integer, cluster_id = $2, revision "
                     "= nextval('ops.revision') WHERE name = $3 AND version = $4::integer",
                     (const char *const[]){epoch, plan->cluster_id, pipeline->name, version}, 4);
}

static int
record_version(struct cli *cli, const struct plan *plan, struct error *err)
{
    const struct pipeline *pipeline = plan->pipeline;
    if (!plan->new_version)
        return 0;
    const char *epoch = arena_print(cli->arena, "%lld", (long long)pipeline->log_epoch);
    const char *version = arena_print(cli->arena, "%d", (int)pipeline->version);
    const char *json = arena_text(cli->arena, pipeline->json);
    if (json == NULL)
        return error_memory(err, "the definition");
    const char *const params[] = {pipeline->name, version, pipeline->digest,
                                  json,           epoch,   plan->cluster_id};
    return warehouse_query(cli->warehouse,
                           "INSERT INTO ops.pipelines (name, version, digest, definition, "
                           "log_epoch, cluster_id) VALUES ($1, $2::integer, $3, $4::jsonb, "
                           "$5::integer, $6)",
                           params, 6, NULL, err);
}

/* Sinks go on where they stopped when the layer was switched off, or where the topic still reaches:
 * what went in between was not to be kept. A sink whose position is higher has nothing to pass. */
static int
raise_positions(struct cli *cli, const struct pipeline *pipeline, const char *stage,
                struct error *err)
{
    size_t count = (size_t)pipeline->partitions;
    int64_t *low = arena_alloc(cli->arena, count, sizeof(*low));
    int64_t *high = arena_alloc(cli->arena, count, sizeof(*high));
    const char *topic =
        arena_print(cli->arena, "%s.%s.%s", cli->settings.prefix, pipeline->name, stage);
    if (low == NULL || high == NULL || topic == NULL)
        return error_memory(err, "the ends of a topic");
    for (size_t i = 0; i < count; i++)
        if (broker_watermarks(cli->broker, topic, (int32_t)i, &low[i], &high[i], err) != 0)
            return -1;
    const char *const params[] = {topic,
                                  arena_print(cli->arena, "%lld", (long long)pipeline->log_epoch),
                                  rebuild_array(cli, low, count), rebuild_array(cli, high, count)};
    return warehouse_query(
        cli->warehouse,
        "WITH behind AS (SELECT p.*, l.low, l.high FROM ops.positions p JOIN "
        "unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS l(low, high, ordinal) "
        "ON p.partition = l.ordinal - 1 WHERE p.topic = $1 AND p.log_epoch = $2::integer "
        "AND p.next_offset < l.low FOR UPDATE OF p), "
        "raised AS (UPDATE ops.positions p SET next_offset = b.low FROM behind b WHERE "
        "(p.sink, p.topic, p.partition, p.log_epoch) = (b.sink, b.topic, b.partition, "
        "b.log_epoch)) "
        "INSERT INTO ops.position_changes (sink, topic, partition, log_epoch, from_offset, "
        "to_offset, low_watermark, high_watermark, reason) SELECT sink, topic, partition, "
        "log_epoch, next_offset, low, low, high, 'the layer was off, and is kept again' FROM "
        "behind",
        params, 4, NULL, err);
}

static int
switch_on(struct cli *cli, const struct plan *plan, struct error *err)
{
    for (size_t i = 0; plan->new_version && i < STAGE_LAYERS; i++)
        if (plan->was_off[i] && pipeline_keeps(plan->pipeline, layers[i].stage) &&
            raise_positions(cli, plan->pipeline, layers[i].stage, err) != 0)
            return -1;
    return 0;
}

/* Tables, positions and version in one transaction. */
static int
record(struct cli *cli, const struct plan *plan)
{
    struct error err = {0};
    const char *const lock[] = {plan->pipeline->name};
    if (warehouse_begin(cli->warehouse, &err) != 0)
        return complain_error(cli, &err, "PostgreSQL");
    if (warehouse_query(cli->warehouse,
                        "SELECT pg_advisory_xact_lock(hashtext('millrace.pipeline'), hashtext($1))",
                        lock, 1, NULL, &err) == 0 &&
        migrate_pipeline(cli->warehouse, plan->pipeline, &err) == 0 &&
        switch_on(cli, plan, &err) == 0 && record_version(cli, plan, &err) == 0 &&
        warehouse_commit(cli->warehouse, &err) == 0)
        return 0;
    int status =
        complain_error(cli, &err, "making the tables of pipeline %s", plan->pipeline->name);
    warehouse_rollback(cli->warehouse);
    return status;
}

/* Every version an event in the topics may bear: those of the present log epoch. */
static int
announce_versions(struct cli *cli, const struct plan *plan)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *sql = "SELECT definition::text, version, log_epoch FROM ops.pipelines p WHERE "
                      "name = $1 AND log_epoch = (SELECT log_epoch FROM ops.pipelines n WHERE "
                      "n.name = p.name ORDER BY version DESC LIMIT 1) ORDER BY version";
    int status = cli_query(cli, &rows, sql, (const char *const[]){plan->pipeline->name}, 1);
    for (size_t i = 0; status == 0 && i < rows_count(rows); i++) {
        struct error err = {0};
        int64_t version = rows_int(rows, i, 1, 0);
        DEFER(pipeline_free)
        struct pipeline *old =
            cli_pipeline_of(rows_text(rows, i, 0), version, rows_int(rows, i, 2, 1));
        const struct pipeline *pipeline = version == plan->pipeline->version ? plan->pipeline : old;
        if (pipeline == NULL) {
            tell(cli, "version %lld of pipeline %s is not announced: this command cannot read it",
                 (long long)version, plan->pipeline->name);
            continue;
        }
        if (catalog_announce_pipeline(cli->broker, cli->settings.prefix, pipeline, &err) != 0)
            status = complain_error(cli, &err, "announcing pipeline %s", plan->pipeline->name);
    }
    return status;
}

static int
lock_pipeline(struct cli *cli, const char *name)
{
    int status = cli_open_warehouse(cli);
    struct error err = {0};
    if (status == 0 &&
        warehouse_query(cli->warehouse,
                        "SELECT pg_advisory_lock(hashtext('millrace.pipeline'), hashtext($1))",
                        (const char *const[]){name}, 1, NULL, &err) != 0)
        status = complain_error(cli, &err, "waiting for another apply of pipeline %s", name);
    return status;
}

static void
unlock_pipeline(struct cli *cli, const char *name)
{
    struct error ignored = {0}; /* the lock ends with the session at the latest */
    if (warehouse_query(cli->warehouse,
                        "SELECT pg_advisory_unlock(hashtext('millrace.pipeline'), hashtext($1))",
                        (const char *const[]){name}, 1, NULL, &ignored) != 0)
        warehouse_disconnect(cli->warehouse);
}

static int
carry_out(struct cli *cli, struct plan *plan)
{
    struct error err = {0};
    if (plan->migrations > 0 && migrate_run(cli->warehouse, tell_migration, cli, &err) != 0)
        return complain_error(cli, &err, "applying migrations");
    bool created[PIPELINE_TOPICS] = {false};
    int status = mark_unsettled(cli, plan);
    if (status == 0)
        status = topics_create(cli, plan->global, GLOBAL_TOPICS, NULL);
    if (status == 0)
        status = topics_create(cli, plan->topic, PIPELINE_TOPICS, created);
    if (status == 0)
        status = settle_epoch(cli, plan, created);
    if (status == 0)
        status = record(cli, plan);
    if (status == 0)
        status = announce_versions(cli, plan);
    if (status == 0)
        tell(cli, "pipeline %s: version %d is announced", plan->pipeline->name,
             (int)plan->pipeline->version);
    return status;
}

static int
apply(struct cli *cli, struct pipeline *pipeline, bool dry_run)
{
    struct plan plan = {.pipeline = pipeline};
    int status = lock_pipeline(cli, pipeline->name);
    if (status != 0)
        return status;
    status = make_plan(cli, &plan);
    if (status == 0) {
        show_plan(cli, &plan);
        fflush(stdout);
    }
    if (status == 0 && !dry_run)
        status = carry_out(cli, &plan);
    unlock_pipeline(cli, pipeline->name);
    return status;
}

/* All files are read before anything is changed, so that a mistake in the last spares the first. */
static int
run_apply(struct cli *cli, const void *given, int argc, char *const argv[])
{
    const struct apply_options *options = given;
    struct pipeline **pipeline = calloc((size_t)argc, sizeof(struct pipeline *));
    int status = pipeline != NULL ? 0 : complain(STATUS_FAILED, NULL, "out of memory");
    for (int i = 0; i < argc && pipeline != NULL; i++) {
        int bad = read_pipeline(argv[i], &pipeline[i]);
        status = status != 0 ? status : bad;
    }
    for (int i = 0; i < argc && status == 0; i++)
        status = apply(cli, pipeline[i], options->dry_run);
    for (int i = 0; i < argc && pipeline != NULL; i++)
        pipeline_free(&pipeline[i]);
    free(pipeline);
    return status;
}

const struct verb verb_pipeline_apply = {
    .words = "pipeline apply",
    .arguments = "FILE...",
    .summary = "check pipeline files, make their topics and tables, announce them",
    .examples = "  millrace pipeline apply schemas/pipelines/loan.json\n"
                "  millrace pipeline apply --dry-run schemas/pipelines/*.json\n",
    .notes =
        "  Every mistake is named with its JSON pointer, and then nothing is changed. Running\n"
        "  services take the new version up without a restart. Applying again is harmless.\n",
    .options = apply_options,
    .options_size = sizeof(struct apply_options),
    .arguments_min = 1,
    .arguments_max = -1,
    .timeout = "2min",
    .run = run_apply,
};
