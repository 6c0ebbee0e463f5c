/* pipeline: the one JSON file that says all there is to say about a case, read and checked.
 * Immutable once read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PIPELINE_H
#define MILLRACE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "config.h"
#include "dataset.h"
#include "evaluate.h"
#include "schema.h"
#include "space.h"

#define PIPELINE_FIELDS_MAX  1000
#define PIPELINE_STEPS_MAX   1000
#define PIPELINE_CLASSES_MAX 1000

struct rule_type;
struct step_type;
struct encoder_type;
struct model_type;
struct search_type;

#define STAGE_LAYERS 6 /* raw, clean, feature, decision, label, dead: in this order */

/* Of event tables, by received_at in UTC. */
enum partitioning { PARTITION_NONE, PARTITION_DAY, PARTITION_MONTH };
extern const char *const partition_names[]; /* "none" "day" "month", then NULL */

enum pii { PII_NONE, PII_PERSONAL, PII_SENSITIVE };

struct rule_use { /* one entry of "clean" */
    const struct rule_type *type;
    const void *settings;
    int column;          /* of the clean frame */
    const char *pointer; /* "/clean/3" */
    const char
        *id; /* "id" of the entry, else "<rule>_<field>"; "_<position>" follows where taken */
    const char *where;              /* "/<field>": what a refusal points at */
    enum column_type before, after; /* the column's type when the rule starts and when it is done */
};
struct step_use { /* one entry of "features" */
    const struct step_type *type;
    const void *settings;
    const char *pointer;
    const char *name; /* column it adds */
};
struct encoder_use { /* one entry of "encode": an encoder over each of these features alone */
    const struct encoder_type *type;
    const void *settings;
    const char *pointer;
    size_t count;
    const int *feature; /* columns of the features schema */
};
struct band { /* of the policy: the decision for scores from `from` (inclusive) up */
    double from;
    const char *decision;
};

enum split_kind { SPLIT_HASH, SPLIT_TIME };
enum sampling { SAMPLE_HASH, SAMPLE_STRATIFIED, SAMPLE_KEY };

struct pipeline_search {
    const struct search_type *method; /* NULL: no search, train.learner it is */
    const void *settings;             /* the method's */
    struct space space;
    int64_t trials, replicas; /* replicas 0: as many as there are */
    double minutes;           /* 0: no limit */
    const char *metric;       /* of search_metric_names */
    int64_t folds;            /* of cross-validation; 0: validation_share is split off instead */
    double validation_share;
};

struct pipeline {
    const char *name, *title, *owner;
    const char *lane;  /* default "main" */
    struct bytes json; /* the file, canonical: jansson JSON_COMPACT | JSON_SORT_KEYS */
    char digest[65];   /* SHA-256 of json */
    int32_t version;   /* 0 until recorded */
    int64_t log_epoch;

    int partitions;
    const char *source_name;
    const char *key_field;  /* NULL: the event id is the key */
    const char *time_field; /* NULL: ce_time, else the record's */

    /* The stages as frames. `input`: what ingestion decodes P.events by: raw's fields under their
     * outside names (`from`), with `required` and unknown_fields, and last, if label.field is set,
     * a JSON column "label" from that outside name. raw: the fields, no `from`. clean: the same
     * names, types as the rules leave them. features: all columns of clean, then the steps'.
     * decisions: decision text; then probability float64 of the positive outcome; or, of several
     * classes, probability of the decided one and probabilities json of all; or, of a number,
     * prediction, low and high float64; then model_version int64, model_digest text, reasons json.
     * labels: label text (the labelled event's id is ce_id). All but `input` are
     * closed (UNKNOWN_DEAD) and nothing in them is required but label and, of a decision, all but
     * low, high and reasons. */
    struct schema input, raw, clean, features, decisions, labels;
    const enum pii *pii; /* of each column of raw and clean */

    size_t rules, steps, encoders, bands;
    const struct rule_use *rule;
    const struct step_use *step; /* features = all columns of clean, then the steps' */
    const struct encoder_use *encoder;
    const struct band *band; /* ascending by from; band[0] is of everything below band[1], too */

    struct {
        const char *field; /* outside name of the key that bears the inline outcome; NULL: none */
        enum learning_task task;       /* TASK_BINARY, TASK_CLASSES or TASK_REGRESSION */
        const char *positive;          /* of TASK_BINARY: the outcome that counts as 1; else NULL */
        const char *const *class_name; /* of TASK_CLASSES: the outcomes there are */
        size_t classes;                /* 3 to PIPELINE_CLASSES_MAX; else 0 */
    } label;
    struct {
        const struct model_type *learner; /* NULL: a search chooses it, or nothing is trained */
        const void *settings;             /* the learner's */
        int64_t seed;
        enum split_kind split;
        enum sampling sample;
        int64_t rows_max;  /* of history: more are sampled; 0: all */
        double test_share; /* of rows, by hash of the event id or the latest; default 0.2 */
        int64_t rows_min;  /* fewer labelled rows: the run fails; default 50 */
        /* Of two outcomes: from which probability on an evaluation takes a row for the positive
         * one. Decisions are the policy's. */
        enum threshold_rule threshold_rule;
        double threshold; /* of THRESHOLD_GIVEN; default 0.5 */
        int64_t replicas; /* that share one fit: 1: none does; 0: as many as there are */
    } train;
    struct pipeline_search search;
    struct {
        int64_t window_ms; /* of event time; default 1 h; 0: no event is a duplicate */
    } duplicates;
    struct {
        int64_t reasons; /* default 3 */
    } score;
    struct {
        double share;   /* default 0.2; 0: off */
        int64_t window; /* events; default 1000 */
    } breaker;
    struct {
        enum partitioning partition;
        bool off[STAGE_LAYERS];             /* no rows are kept: of raw, clean and feature alone */
        int64_t retention_ms[STAGE_LAYERS]; /* of rows since received_at; 0: for ever */
    } store;
};

/* Reads and checks; every mistake is added with its JSON pointer, in one pass. NULL on any mistake.
 * pipeline_free releases everything it points to. */
struct pipeline *pipeline_read(struct bytes json, struct mistakes *);
void pipeline_free(struct pipeline **);
/* By stage name; NULL: no such stage. "events" and "dead" have fixed schemas. */
const struct schema *pipeline_schema(const struct pipeline *, const char *stage);
/* The JSON Schema 2020-12 of pipeline files, generated from the tables (new reference). */
struct json_t *pipeline_json_schema(void);
/* raw->raw clean->clean features->feature decisions->decision labels->label dead->dead; NULL else.
 */
const char *pipeline_layer(const char *stage);
/* Whether the warehouse keeps the records of the stage as rows. */
bool pipeline_keeps(const struct pipeline *, const char *stage);

#endif
