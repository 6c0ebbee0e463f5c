/* pipeline_tables: what the objects of a pipeline file consist of. One table an object: the reader
 * checks by it and the JSON Schema is printed from it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PIPELINE_TABLES_H
#define MILLRACE_PIPELINE_TABLES_H

#include "config.h"

#define PIPELINE_BYTES_MAX      (1024 * 1024)
#define PIPELINE_PARTITIONS_MAX 1000
#define PIPELINE_RULES_MAX      5000
#define PIPELINE_ENCODERS_MAX   1000
#define PIPELINE_BANDS_MAX      20
#define PIPELINE_REASONS_MAX    20
#define PIPELINE_DUPLICATES_MS  2592000000    /* the longest window: 30 days */
#define PIPELINE_RETENTION_MS   3153600000000 /* the longest: 36,500 days */
#define PIPELINE_WINDOW_MIN     20            /* of the breaker */
#define PIPELINE_WINDOW_MAX     1000000
#define SEARCH_FOLDS_MAX        20
#define BUDGET_MINUTES_MAX      10080 /* a week */
#define BUDGET_REPLICAS_MAX     1000  /* of a fit, too */

struct pipeline_object {
    const char *name, *title, *owner, *lane;
    const struct json_t *sources, *duplicates, *clean, *features, *encode, *label, *train, *score,
        *breaker, *store;
};
extern const struct setting pipeline_table[];

struct source_object {
    const char *name, *role, *key, *event_time, *unknown_fields;
    int64_t partitions;
    const struct json_t *fields;
};
extern const struct setting source_table[];
extern const char *const source_roles[], *const unknown_fields_names[];

struct field_object {
    const char *name, *from, *type, *pii;
    bool required;
};
extern const struct setting field_table[];
extern const char *const field_type_names[], *const pii_names[];

struct duplicates_object {
    int64_t window;
};
extern const struct setting duplicates_table[];

/* What every entry has, whatever its kind; the kind's own table follows. */
struct rule_object {
    const char *rule, *field, *id;
};
extern const struct setting rule_object_table[];
struct step_object {
    const char *step, *name;
};
extern const struct setting step_object_table[];
struct encoder_object {
    const char *encoder;
    const struct json_t *features;
};
extern const struct setting encoder_object_table[];
struct train_object {
    const char *learner;
    int64_t seed, rows_min;
    double test_share;
    const char *split, *sample;
    int64_t rows_max, replicas;
    const struct json_t *learners, *search, *threshold;
};
extern const struct setting train_object_table[]; /* of one learner */
extern const struct setting search_train_table[]; /* of a search among learners */
extern const char *const split_names[], *const sampling_names[];
extern const char *const threshold_names[]; /* from THRESHOLD_F1 on */

struct search_object {
    const char *method, *metric;
    const struct json_t *space, *budget;
    int64_t folds;
    double validation_share;
};
extern const struct setting search_object_table[];
extern const char *const search_metric_names[];
struct budget_object {
    int64_t trials, replicas;
    double minutes;
};
extern const struct setting budget_table[];
struct range_object {
    double from, to;
    const char *scale;
    int64_t points;
};
extern const struct setting range_table[];
extern const char *const scale_names[]; /* "linear" "log" */

struct label_object {
    const char *field, *positive;
    bool number;
    const struct json_t *classes;
};
extern const struct setting label_table[];
struct score_object {
    int64_t reasons;
    const struct json_t *policy;
};
extern const struct setting score_table[];
struct band_object {
    double from;
    const char *decision;
};
extern const struct setting band_table[];
struct breaker_object {
    double share;
    int64_t window;
};
extern const struct setting breaker_table[];
struct store_object {
    const char *partition;
    const struct json_t *layers, *retention;
};
extern const struct setting store_table[];
struct layers_object {
    bool raw, clean, feature;
};
extern const struct setting layers_table[];
struct retention_object { /* in the order of the layers */
    int64_t raw, clean, feature, decision, label, dead;
};
extern const struct setting retention_table[];

#endif
