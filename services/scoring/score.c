/* SPDX-License-Identifier: Apache-2.0 */
#include "score.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "codec.h"
#include "scorer.h"

enum { MODEL_VERSION };
struct metric score_metrics[] = {
    [MODEL_VERSION] = {.name = "millrace_scoring_model_version",
                       .type = METRIC_GAUGE,
                       .help = "Version of the model that decides."},
    {0},
};

struct score {
    const struct pipeline *pipeline;
    struct scorer *scorer; /* NULL until the first model was adopted */
    struct announcement model;
};

int
score_open(const struct pipeline *pipeline, const void *settings, void **self, struct error *err)
{
    (void)settings;
    struct score *score = calloc(1, sizeof(*score));
    if (score == NULL)
        return error_memory(err, "scoring");
    score->pipeline = pipeline;
    *self = score;
    return 0;
}

void
score_close(void **self)
{
    struct score *score = *self;
    if (score == NULL)
        return;
    scorer_free(&score->scorer);
    free(score);
    *self = NULL;
}

int
score_adopt(void *self, const struct announcement *announced, struct bytes artefact,
            struct error *err)
{
    struct score *score = self;
    DEFER(scorer_free) struct scorer *scorer = NULL;
    if (scorer_load(artefact, &scorer, err) != 0 ||
        scorer_check(scorer, &score->pipeline->features, err) != 0 ||
        scorer_check_outcome(scorer, score->pipeline, err) != 0)
        return error_wrap(err, "model version %d of %s", announced->version, announced->pipeline);
    scorer_free(&score->scorer);
    score->scorer = scorer;
    score->model = *announced;
    scorer = NULL;
    metric_set(&score_metrics[MODEL_VERSION], announced->pipeline, announced->version);
    return 0;
}

/* Where the columns of a decision stand in the output frame; NULL: such a decision has none. */
struct decision {
    struct column *decision, *version, *digest, *reasons;
    struct column *probability, *probabilities; /* the second of several classes */
    struct column *prediction, *low, *high;     /* of a number */
};

static struct column *
column_of(struct frame *out, const char *name)
{
    int at = frame_find(out, name);
    return at >= 0 ? &out->column[at] : NULL;
}

static struct decision
decision_of(struct frame *out)
{
    return (struct decision){
        .decision = column_of(out, "decision"),
        .version = column_of(out, "model_version"),
        .digest = column_of(out, "model_digest"),
        .reasons = column_of(out, "reasons"),
        .probability = column_of(out, "probability"),
        .probabilities = column_of(out, "probabilities"),
        .prediction = column_of(out, "prediction"),
        .low = column_of(out, "low"),
        .high = column_of(out, "high"),
    };
}

static void
put_value(struct text *text, const struct column *column, size_t row)
{
    char printed[TIMESTAMP_LENGTH];
    if (!column_valid(column, row)) {
        text_puts(text, "null");
        return;
    }
    switch (column->type) {
    case COLUMN_BOOL:
        text_puts(text, column->flag[row] ? "true" : "false");
        return;
    case COLUMN_INT64:
        text_put_int64(text, column->integer[row]);
        return;
    case COLUMN_FLOAT64:
        if (isfinite(column->real[row]))
            text_put_float64(text, column->real[row]);
        else
            text_puts(text, "null");
        return;
    case COLUMN_TEXT:
        text_put_json_string(text, column->bytes[row]);
        return;
    case COLUMN_TIMESTAMP:
        timestamp_print(column->integer[row], printed);
        text_put_json_string(text, bytes_of(printed));
        return;
    case COLUMN_JSON:
        text_put(text, (const char *)column->bytes[row].at, column->bytes[row].length);
        return;
    case COLUMN_BYTES:
    case COLUMN_VECTOR: /* no JSON form that a reader of reasons could use */
        text_puts(text, "null");
        return;
    }
}

/* Columns of features that reasons have named so far: the same few over and over, each by the one
 * name that the scorer has for it. */
struct named {
    const struct frame *in;
    const char **name;
    const struct column **column;
    size_t count;
};

static const struct column *
column_named(struct named *named, const char *name)
{
    size_t i = 0;
    while (i < named->count && named->name[i] != name)
        i++;
    if (i == named->count && named->count < named->in->columns) {
        named->name[named->count] = name;
        named->column[named->count++] = &named->in->column[frame_find(named->in, name)];
    }
    assert(i < named->count);
    return named->column[i];
}

/* [{"feature":"income","value":129,"contribution":0.4}, ...], the largest first. */
static struct bytes
print_reasons(struct arena *arena, struct named *named, size_t row, const struct reason *reason,
              size_t top)
{
    struct text text = {.arena = arena};
    text_puts(&text, "[");
    for (size_t i = 0; i < top && reason[i].feature != NULL; i++) {
        text_puts(&text, i > 0 ? ",{\"feature\":" : "{\"feature\":");
        text_put_json_string(&text, bytes_of(reason[i].feature));
        text_puts(&text, ",\"value\":");
        put_value(&text, column_named(named, reason[i].feature), row);
        text_puts(&text, ",\"contribution\":");
        text_put_float64(&text, isfinite(reason[i].contribution) ? reason[i].contribution : 0);
        text_puts(&text, "}");
    }
    text_puts(&text, "]");
    return text.failed ? BYTES_NONE : text_bytes(&text);
}

/* ---- what is decided */

static const char *
band_of(const struct pipeline *pipeline, double value)
{
    size_t i = pipeline->bands - 1;
    while (i > 0 && value < pipeline->band[i].from)
        i--;
    return pipeline->band[i].decision;
}

/* False: the model gave no answer to this row. */
static bool
sound(enum learning_task task, const double *scores, size_t outputs)
{
    if (task == TASK_REGRESSION)
        return isfinite(scores[0]);
    for (size_t i = 0; i < outputs; i++)
        if (!(scores[i] >= 0 && scores[i] <= 1))
            return false;
    return true;
}

static void
put_text(struct column *to, size_t row, struct bytes text)
{
    to->bytes[row] = text;
    column_set_valid(to, row, true);
}

static void
put_real(struct column *to, size_t row, double value)
{
    to->real[row] = value;
    column_set_valid(to, row, true);
}

/* {"cat":0.9,"dog":0.1}, in the order of the pipeline's file. */
static struct bytes
print_probabilities(struct arena *arena, const struct scorer *scorer, const double *p)
{
    struct text text = {.arena = arena};
    for (size_t i = 0; i < scorer_outputs(scorer); i++) {
        text_puts(&text, i > 0 ? "," : "{");
        text_put_json_string(&text, bytes_of(scorer_class(scorer, i)));
        text_puts(&text, ":");
        text_put_float64(&text, p[i]);
    }
    text_puts(&text, "}");
    return text.failed ? BYTES_NONE : text_bytes(&text);
}

static int
decide_class(const struct score *score, struct arena *arena, const struct decision *to, size_t row,
             const double *p, struct error *err)
{
    size_t best = 0;
    for (size_t i = 1; i < scorer_outputs(score->scorer); i++)
        best = p[i] > p[best] ? i : best;
    struct bytes all = print_probabilities(arena, score->scorer, p);
    if (all.at == NULL)
        return error_memory(err, "probabilities");
    put_text(to->decision, row, bytes_of(score->pipeline->label.class_name[best]));
    put_real(to->probability, row, p[best]);
    put_text(to->probabilities, row, all);
    return 0;
}

static void
decide_number(const struct score *score, const struct decision *to, size_t row, double value)
{
    double spread = scorer_spread(score->scorer);
    put_text(to->decision, row, bytes_of(band_of(score->pipeline, value)));
    put_real(to->prediction, row, value);
    if (isnan(spread))
        return;
    put_real(to->low, row, value - spread);
    put_real(to->high, row, value + spread);
}

static int
put_row(const struct score *score, struct arena *arena, const struct decision *to, size_t row,
        const double *scores, struct bytes reasons, struct error *err)
{
    switch (scorer_task(score->scorer)) {
    case TASK_CLASSES:
        if (decide_class(score, arena, to, row, scores, err) != 0)
            return -1;
        break;
    case TASK_REGRESSION:
        decide_number(score, to, row, scores[0]);
        break;
    case TASK_BINARY:
    case TASK_RANKING:
    case TASK_UNSUPERVISED:
        put_text(to->decision, row, bytes_of(band_of(score->pipeline, scores[0])));
        put_real(to->probability, row, scores[0]);
    }
    to->version->integer[row] = score->model.version;
    column_set_valid(to->version, row, true);
    put_text(to->digest, row, bytes_of(score->model.digest));
    put_text(to->reasons, row, reasons);
    return 0;
}

static int
decide_rows(const struct score *score, struct work *work, const struct frame *in, struct frame *out,
            const double *scores, const struct reason *reason, struct error *err)
{
    const struct decision to = decision_of(out);
    struct named named = {
        .in = in,
        .name = arena_alloc(work->arena, in->columns, sizeof(*named.name)),
        .column = arena_alloc(work->arena, in->columns, sizeof(*named.column)),
    };
    if (named.name == NULL || named.column == NULL)
        return error_memory(err, "reasons");
    enum learning_task task = scorer_task(score->scorer);
    size_t top = (size_t)score->pipeline->score.reasons, outputs = scorer_outputs(score->scorer);
    for (size_t i = 0; i < in->rows; i++) {
        const double *own = scores + i * outputs;
        if (refused(work, i))
            continue;
        if (!sound(task, own, outputs)) {
            refuse(work, i, "score.not_finite", "",
                   task == TASK_REGRESSION ? "the model gave no finite number"
                                           : "the model gave no probability from 0 to 1");
            continue;
        }
        struct bytes reasons = print_reasons(work->arena, &named, i, reason + i * top, top);
        if (reasons.at == NULL)
            return error_memory(err, "reasons");
        if (frame_copy_row(out, in, i, err) != 0 ||
            put_row(score, work->arena, &to, out->rows - 1, own, reasons, err) != 0)
            return -1;
    }
    return 0;
}

int
score_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
             struct error *err)
{
    const struct score *score = self;
    if (in->rows == 0)
        return 0;
    if (score->scorer == NULL)
        return error_set(err, ERROR_TRANSIENT, "no model of %s has been promoted",
                         score->pipeline->name);
    size_t top = (size_t)score->pipeline->score.reasons;
    double *scores =
        arena_alloc(work->arena, in->rows * scorer_outputs(score->scorer), sizeof(*scores));
    struct reason *reason = arena_alloc(work->arena, in->rows * top + 1, sizeof(*reason));
    if (scores == NULL || reason == NULL)
        return error_memory(err, "decisions");
    if (scorer_score(score->scorer, work->arena, in, scores, reason, top, err) != 0)
        return -1;
    return decide_rows(score, work, in, out[0], scores, reason, err);
}
