/* SPDX-License-Identifier: Apache-2.0 */
#include "train.h"

#include <math.h>
#include <string.h>

#include "codec.h"
#include "digest.h"

int
train_check(const struct pipeline *pipeline, struct error *err)
{
    if (pipeline->label.positive == NULL)
        return error_set(err, ERROR_INPUT, "the pipeline \"%s\" has no label to learn",
                         pipeline->name);
    if (pipeline->train.learner == NULL && pipeline->search.method == NULL)
        return error_set(err, ERROR_INPUT, "the pipeline \"%s\" names no learner", pipeline->name);
    if (pipeline->encoders == 0)
        return error_set(err, ERROR_INPUT, "the pipeline \"%s\" encodes no feature",
                         pipeline->name);
    return 0;
}

const struct schema *
train_schema(struct arena *arena, const struct pipeline *pipeline)
{
    size_t features = pipeline->features.count, count = TRAIN_FIRST_FEATURE + features + 1;
    struct schema *schema = arena_alloc(arena, 1, sizeof(*schema));
    struct schema_field *field = arena_alloc(arena, count, sizeof(*field));
    if (schema == NULL || field == NULL)
        return NULL;
    field[TRAIN_EVENT_ID] = (struct schema_field){.name = "$event_id", .type = COLUMN_TEXT};
    field[TRAIN_LABEL] = (struct schema_field){.name = "$label", .type = COLUMN_TEXT};
    memcpy(field + TRAIN_FIRST_FEATURE, pipeline->features.field, features * sizeof(*field));
    field[count - 1] = (struct schema_field){.name = TRAIN_EVENT_TIME, .type = COLUMN_TIMESTAMP};
    *schema = (struct schema){.name = "training rows", .count = count, .field = field};
    return schema;
}

int
train_fit(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
          struct training *out, struct error *err)
{
    struct training made = {0};
    DEFER(scorer_free) struct scorer *fitted = NULL;
    if (scorer_fit(pipeline, rows, split->train, split->train_rows, split->train_y, &fitted, err) !=
            0 ||
        scorer_save(fitted, rows->arena, &made.artefact, err) != 0 ||
        scorer_load(made.artefact, &made.scorer, err) != 0)
        return -1;
    digest_hex(made.artefact, made.digest);
    *out = made;
    return 0;
}

void
train_free(struct training *training)
{
    scorer_free(&training->scorer);
}

int
train_evaluate_rows(const struct scorer *scorer, const struct frame *rows, const size_t *row,
                    const double *y, size_t count, struct evaluation *out, struct error *err)
{
    struct frame *picked = frame_create(rows->arena, rows->schema, count);
    double *p = arena_alloc(rows->arena, count + 1, sizeof(*p));
    if (picked == NULL || p == NULL)
        return error_memory(err, "evaluation");
    for (size_t i = 0; i < count; i++)
        if (frame_copy_row(picked, rows, row[i], err) != 0)
            return -1;
    if (scorer_score(scorer, rows->arena, picked, p, NULL, 0, err) != 0)
        return -1;
    return evaluate(y, p, count, TRAIN_THRESHOLD, out, err);
}

int
train_evaluate(const struct frame *rows, const struct split *split, struct training *training,
               struct error *err)
{
    struct evaluation train, test = {0};
    if (train_evaluate_rows(training->scorer, rows, split->train, split->train_y, split->train_rows,
                            &train, err) != 0)
        return error_wrap(err, "evaluating the training split");
    if (split->test_rows > 0 &&
        train_evaluate_rows(training->scorer, rows, split->test, split->test_y, split->test_rows,
                            &test, err) != 0)
        return error_wrap(err, "evaluating the test split");
    training->train = train;
    training->test = test;
    return 0;
}

static void
put_metrics(struct text *text, const char *split, const struct evaluation *found)
{
    const struct {
        const char *name;
        double value;
    } metric[] = {
        {"rows", (double)found->rows},
        {"positives", (double)found->positives},
        {"auc", found->auc},
        {"log_loss", found->log_loss},
        {"brier", found->brier},
        {"accuracy", found->accuracy},
        {"precision", found->precision},
        {"recall", found->recall},
        {"f1", found->f1},
        {"threshold", found->threshold},
    };
    text_puts(text, text->length > 1 ? ",\"" : "\"");
    text_puts(text, split);
    text_puts(text, "\":{");
    for (size_t i = 0; i < sizeof(metric) / sizeof(metric[0]); i++) {
        text_puts(text, i > 0 ? ",\"" : "\"");
        text_puts(text, metric[i].name);
        text_puts(text, "\":");
        if (isfinite(metric[i].value))
            text_put_float64(text, metric[i].value);
        else
            text_puts(text, "null");
    }
    text_puts(text, "}");
}

struct bytes
train_metrics_json(struct arena *arena, const struct training *training)
{
    struct text text = {.arena = arena};
    text_puts(&text, "{");
    put_metrics(&text, "train", &training->train);
    if (training->test.rows > 0)
        put_metrics(&text, "test", &training->test);
    text_puts(&text, "}");
    return text.failed ? BYTES_NONE : text_bytes(&text);
}

struct bytes
train_limits_json(struct arena *arena, const struct training *training)
{
    struct text text = {.arena = arena};
    text_puts(&text, "[");
    for (size_t i = 0; i < scorer_encodings(training->scorer); i++) {
        struct encoding made = scorer_encoding(training->scorer, i);
        if (made.left_out == 0)
            continue;
        text_puts(&text, text.length > 1 ? ",{\"feature\":" : "{\"feature\":");
        text_put_json_string(&text, bytes_of(made.feature));
        text_puts(&text, ",\"encoder\":");
        text_put_json_string(&text, bytes_of(made.encoder));
        text_puts(&text, ",\"left_out\":");
        text_put_int64(&text, (int64_t)made.left_out);
        text_puts(&text, "}");
    }
    text_puts(&text, "]");
    return text.failed ? BYTES_NONE : text_bytes(&text);
}
