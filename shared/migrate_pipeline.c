/* migrate_pipeline: the statements that bring one pipeline's tables and view to its newest version.
 * What is there already is read from the catalogue first, because even an ALTER TABLE that changes
 * nothing locks the table.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "event_table.h"
#include "migrate.h"
#include "partition.h"

#define NAME_MAX_BYTES 54 /* with "_event_id" it fits into PostgreSQL's 63 */

struct table {
    const struct pipeline *pipeline;
    const char *layer, *comment;
    const struct schema *fields;
    struct rows *columns; /* name and type of what is there */
    enum partitioning partition;
    bool new;
};

static const char columns_sql[] =
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') "
    "AND a.attnum > 0 AND NOT a.attisdropped";

static const char *
column_type_there(const struct table *table, const char *column)
{
    for (size_t i = 0; i < rows_count(table->columns); i++)
        if (strcmp(rows_text(table->columns, i, 0), column) == 0)
            return rows_text(table->columns, i, 1);
    return NULL;
}

/* ---- checks */

bool
migrate_reserved(const char *column)
{
    static const char *const system_columns[] = {"tableoid", "xmin", "cmin", "xmax",
                                                 "cmax",     "ctid", NULL};
    for (size_t i = 0; i < PROVENANCE_COLUMNS; i++)
        if (strcmp(provenance[i].name, column) == 0)
            return true;
    for (size_t i = 0; system_columns[i] != NULL; i++)
        if (strcmp(system_columns[i], column) == 0)
            return true;
    return false;
}

static int
check_type(const struct table *table, const char *column, const char *type, struct error *err)
{
    const char *there = column_type_there(table, column);
    if (there == NULL || strcmp(there, type) == 0)
        return 0;
    return error_refuse(
        err, "migrate.type", "",
        "column %s of %s.%s is %s in the warehouse and %s in the pipeline; give the "
        "changed field a new name",
        column, table->layer, table->pipeline->name, there, type);
}

static int
check_layout(struct warehouse *db, const struct table *table, struct error *err)
{
    enum partitioning there = PARTITION_NONE;
    if (partition_layout(db, table->layer, table->pipeline->name, &there, err) != 0)
        return -1;
    if (there == table->partition)
        return 0;
    return error_refuse(err, "migrate.partition", "/store/partition",
                        "table %s.%s has partitions \"%s\", the pipeline file asks for \"%s\"; "
                        "`millrace rebuild %s --partition %s --yes` makes the tables anew and "
                        "fills them again",
                        table->layer, table->pipeline->name, partition_names[there],
                        partition_names[table->partition], table->pipeline->name,
                        partition_names[table->partition]);
}

static int
check_columns(const struct table *table, struct error *err)
{
    for (size_t i = 0; i < PROVENANCE_COLUMNS; i++)
        if (check_type(table, provenance[i].name, provenance[i].type, err) != 0)
            return -1;
    for (size_t i = 0; i < table->fields->count; i++) {
        const struct schema_field *field = &table->fields->field[i];
        if (migrate_reserved(field->name))
            return error_refuse(err, "migrate.reserved", "",
                                "field %s of %s.%s has the name of a column that every table has",
                                field->name, table->layer, table->pipeline->name);
        if (check_type(table, field->name, event_table_type(field->type), err) != 0)
            return -1;
    }
    return 0;
}

/* Decisions on another kind of outcome have other columns, and the rows there are would not fit
 * their meaning. */
static int
check_outcome(const struct table *table, struct error *err)
{
    static const char *const own[] = {"probability", "probabilities", "prediction"};
    if (strcmp(table->layer, "decision") != 0)
        return 0;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if ((column_type_there(table, own[i]) != NULL) != (schema_find(table->fields, own[i]) >= 0))
            return error_refuse(err, "migrate.outcome", "/label",
                                "decision.%s holds decisions on another kind of outcome; give the "
                                "pipeline that decides this one a name of its own",
                                table->pipeline->name);
    return 0;
}

/* ---- statements */

static void
put_table(FILE *out, const struct table *table)
{
    sql_quote(out, table->layer, '"');
    fputc('.', out);
    sql_quote(out, table->pipeline->name, '"');
}

static void
put_column_comment(FILE *out, const struct table *table, const char *column)
{
    fputs("COMMENT ON COLUMN ", out);
    put_table(out, table);
    fputc('.', out);
    sql_quote(out, column, '"');
    fputs(" IS ", out);
}

static void
put_index(FILE *out, const struct table *table)
{
    char name[NAME_MAX_BYTES + sizeof("_event_id")];
    snprintf(name, sizeof(name), "%s_event_id", table->pipeline->name);
    fputs("CREATE INDEX ", out);
    sql_quote(out, name, '"');
    fputs(" ON ", out);
    put_table(out, table);
    fputs(" (event_id);\n", out);
}

static void
put_partitioned(FILE *out, const struct table *table)
{
    fputs(table->partition != PARTITION_NONE ? " PARTITION BY RANGE (received_at)" : "", out);
}

/* A key of a partitioned table must have the column it is partitioned by. A record has one time of
 * receipt, so a row is unique by the other three all the same. */
static void
put_keys(FILE *out, const struct table *table)
{
    fputs("ALTER TABLE ", out);
    put_table(out, table);
    fprintf(out, " ADD PRIMARY KEY (kafka_partition, log_epoch, kafka_offset%s);\n",
            table->partition != PARTITION_NONE ? ", received_at" : "");
    put_index(out, table);
    fputs("COMMENT ON TABLE ", out);
    put_table(out, table);
    fprintf(out, " IS '%s';\n", table->comment);
}

static void
put_create(FILE *out, const struct table *table)
{
    fputs("CREATE TABLE ", out);
    put_table(out, table);
    fputs(" (", out);
    for (size_t i = 0; i < PROVENANCE_COLUMNS; i++)
        fprintf(out, "%s%s %s%s", i == 0 ? "" : ", ", provenance[i].name, provenance[i].type,
                provenance[i].required ? " NOT NULL" : "");
    fputs(")", out);
    put_partitioned(out, table);
    fputs(";\n", out);
    put_keys(out, table);
    for (size_t i = 0; i < PROVENANCE_COLUMNS; i++) {
        put_column_comment(out, table, provenance[i].name);
        fprintf(out, "'%s';\n", provenance[i].comment);
    }
}

static void
put_added(FILE *out, const struct table *table)
{
    bool first = true;
    for (size_t i = 0; i < table->fields->count; i++) {
        const struct schema_field *field = &table->fields->field[i];
        if (column_type_there(table, field->name) != NULL)
            continue;
        if (first) {
            fputs("ALTER TABLE ", out);
            put_table(out, table);
        }
        fputs(first ? " ADD COLUMN IF NOT EXISTS " : ", ADD COLUMN IF NOT EXISTS ", out);
        sql_quote(out, field->name, '"');
        fprintf(out, " %s", event_table_type(field->type));
        first = false;
    }
    if (!first)
        fputs(";\n", out);
}

static void
put_added_comments(FILE *out, const struct table *table)
{
    for (size_t i = 0; i < table->fields->count; i++) {
        const struct schema_field *field = &table->fields->field[i];
        if (column_type_there(table, field->name) != NULL)
            continue;
        put_column_comment(out, table, field->name);
        event_table_comment(table->pipeline, table->layer, field, out);
        fputs(";\n", out);
    }
}

static void
put_table_changes(FILE *out, const void *about)
{
    const struct table *table = about;
    if (table->new)
        put_create(out, table);
    put_added(out, table);
    put_added_comments(out, table);
}

/* ---- the view */

static const struct {
    const char *name, *source, *comment;
} view_columns[] = {
    {"event_id", "d.event_id", "ce_id of the event"},
    {"event_time", "d.event_time", "When it happened, by the event"},
    {"received_at", "d.received_at", "When ingestion received the event"},
    {"decision", "d.decision", "What the policy decided"},
    {"probability", "d.probability", "Probability of that outcome, by the model"},
    {"probabilities", "d.probabilities", "Probability of each outcome, by the model"},
    {"prediction", "d.prediction", "The outcome to be expected, by the model"},
    {"low", "d.low", "With high: between them the outcome lies in 90 of 100 cases"},
    {"high", "d.high", "With low: between them the outcome lies in 90 of 100 cases"},
    {"model_version", "d.model_version", "Version of the model that scored"},
    {"reasons", "d.reasons", "The features that moved the score most, with their parts of it"},
    {"outcome", "l.label", "Newest outcome, null until one arrives"},
    {"outcome_at", "l.received_at", "When ingestion received that outcome"},
};
#define VIEW_COLUMNS (sizeof(view_columns) / sizeof(view_columns[0]))

/* Of what is decided, a pipeline has the columns of its kind of outcome. */
static bool
in_view(const struct pipeline *pipeline, const char *column)
{
    static const char *const some[] = {"probability", "probabilities", "prediction", "low", "high"};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        if (strcmp(some[i], column) == 0)
            return schema_find(&pipeline->decisions, column) >= 0;
    return true;
}

static void
put_view(FILE *out, const void *about)
{
    const struct pipeline *pipeline = about;
    char view[NAME_MAX_BYTES + sizeof("_decision")];
    snprintf(view, sizeof(view), "%s_decision", pipeline->name);
    fputs("CREATE VIEW api.", out);
    sql_quote(out, view, '"');
    fputs(" WITH (security_invoker = true) AS SELECT ", out);
    for (size_t i = 0; i < VIEW_COLUMNS; i++)
        if (in_view(pipeline, view_columns[i].name))
            fprintf(out, "%s%s AS %s", i == 0 ? "" : ", ", view_columns[i].source,
                    view_columns[i].name);
    fputs(" FROM decision.", out);
    sql_quote(out, pipeline->name, '"');
    fputs(" d LEFT JOIN LATERAL (SELECT label, received_at FROM label.", out);
    sql_quote(out, pipeline->name, '"');
    fputs(
        " WHERE event_id = d.event_id ORDER BY log_epoch DESC, received_at DESC, kafka_offset DESC"
        " LIMIT 1) l ON true;\nCOMMENT ON VIEW api.",
        out);
    sql_quote(out, view, '"');
    fputs(" IS 'Each decision with the newest outcome of its event';\n", out);
    for (size_t i = 0; i < VIEW_COLUMNS; i++) {
        if (!in_view(pipeline, view_columns[i].name))
            continue;
        fputs("COMMENT ON COLUMN api.", out);
        sql_quote(out, view, '"');
        fprintf(out, ".%s IS '%s';\n", view_columns[i].name, view_columns[i].comment);
    }
}

/* ---- running them */

static int
run_written(struct warehouse *db, void (*write)(FILE *, const void *), const void *about,
            struct error *err)
{
    char *sql = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&sql, &length);
    if (out == NULL)
        return error_memory(err, "statements of a migration");
    write(out, about);
    int status = fclose(out) == 0 ? 0 : error_memory(err, "statements of a migration");
    if (status == 0 && length > 0)
        status = warehouse_run(db, sql, err);
    free(sql);
    return status;
}

static int
make_partitions(struct warehouse *db, const struct table *table, const char *since,
                struct error *err)
{
    if (table->partition == PARTITION_NONE)
        return 0;
    if (partition_make_default(db, table->layer, table->pipeline->name, err) != 0)
        return -1;
    return partition_make_missing(db, table->layer, table->pipeline, table->partition, since, err);
}

static int
migrate_table(struct warehouse *db, const struct pipeline *pipeline, const struct layer *layer,
              struct error *err)
{
    DEFER(rows_free) struct rows *columns = NULL;
    const char *name = pipeline_layer(layer->stage);
    const char *const names[] = {name, pipeline->name};
    if (warehouse_query(db, columns_sql, names, 2, &columns, err) != 0)
        return -1;
    struct table table = {
        .pipeline = pipeline,
        .layer = name,
        .comment = layer->comment,
        .fields = event_table_fields(name, pipeline_schema(pipeline, layer->stage)),
        .columns = columns,
        .partition = pipeline->store.partition,
        .new = rows_count(columns) == 0,
    };
    if ((!table.new && (check_layout(db, &table, err) != 0 || check_outcome(&table, err) != 0)) ||
        check_columns(&table, err) != 0 || run_written(db, put_table_changes, &table, err) != 0)
        return -1;
    return table.new ? make_partitions(db, &table, NULL, err) : 0;
}

static int
migrate_view(struct warehouse *db, const struct pipeline *pipeline, struct error *err)
{
    DEFER(rows_free) struct rows *found = NULL;
    const char *const name[] = {pipeline->name};
    const char *sql = "SELECT to_regclass(format('api.%I', $1 || '_decision'))";
    if (warehouse_query(db, sql, name, 1, &found, err) != 0)
        return -1;
    return rows_text(found, 0, 0) != NULL ? 0 : run_written(db, put_view, pipeline, err);
}

int
migrate_lock(struct warehouse *db, const char *pipeline, struct error *err)
{
    return warehouse_query(db, "SELECT pg_advisory_xact_lock(hashtextextended($1, 7788990011))",
                           &pipeline, 1, NULL, err);
}

int
migrate_pipeline(struct warehouse *db, const struct pipeline *pipeline, struct error *err)
{
    if (strlen(pipeline->name) > NAME_MAX_BYTES)
        return error_refuse(err, "migrate.name", "/name", "%s has more than %d bytes",
                            pipeline->name, NAME_MAX_BYTES);
    /* Two appliers of one pipeline would both find its tables missing. */
    if (migrate_lock(db, pipeline->name, err) != 0)
        return -1;
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        if (migrate_table(db, pipeline, &layers[i], err) != 0)
            return error_wrap(err, "tables of %s", pipeline->name);
    if (migrate_view(db, pipeline, err) != 0)
        return error_wrap(err, "view of %s", pipeline->name);
    return 0;
}

/* ---- another layout */

static void
put_remake(FILE *out, const void *about)
{
    const struct table *table = about;
    char name[NAME_MAX_BYTES + sizeof("_new")];
    snprintf(name, sizeof(name), "%s_new", table->pipeline->name);
    struct pipeline renamed = {.name = name};
    struct table new = *table;
    new.pipeline = &renamed;
    fputs("CREATE TABLE ", out);
    put_table(out, &new);
    fputs(" (LIKE ", out);
    put_table(out, table);
    fputs(" INCLUDING DEFAULTS INCLUDING COMMENTS)", out);
    put_partitioned(out, table);
    fputs(";\nDROP TABLE ", out);
    put_table(out, table);
    fputs(";\nALTER TABLE ", out);
    put_table(out, &new);
    fputs(" RENAME TO ", out);
    sql_quote(out, table->pipeline->name, '"');
    fputs(";\n", out);
    put_keys(out, table);
}

static void
put_drop_view(FILE *out, const void *about)
{
    const struct pipeline *pipeline = about;
    char view[NAME_MAX_BYTES + sizeof("_decision")];
    snprintf(view, sizeof(view), "%s_decision", pipeline->name);
    fputs("DROP VIEW IF EXISTS api.", out);
    sql_quote(out, view, '"');
}

int
migrate_layout(struct warehouse *db, const struct pipeline *pipeline, enum partitioning partition,
               const char *const since[STAGE_LAYERS], struct error *err)
{
    if (run_written(db, put_drop_view, pipeline, err) != 0)
        return -1;
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        const struct table table = {.pipeline = pipeline,
                                    .layer = pipeline_layer(layers[i].stage),
                                    .comment = layers[i].comment,
                                    .partition = partition};
        if (run_written(db, put_remake, &table, err) != 0 ||
            make_partitions(db, &table, since[i], err) != 0)
            return error_wrap(err, "making table %s.%s anew", table.layer, pipeline->name);
    }
    return migrate_view(db, pipeline, err);
}
