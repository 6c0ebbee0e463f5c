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
        scorer_check(scorer, &score->pipeline->features, err) != 0)
        return error_wrap(err, "model version %d of %s", announced->version, announced->pipeline);
    scorer_free(&score->scorer);
    score->scorer = scorer;
    score->model = *announced;
    scorer = NULL;
    metric_set(&score_metrics[MODEL_VERSION], announced->pipeline, announced->version);
    return 0;
}

/* Where the columns of a decision stand in the output frame. */
struct decision {
    struct column *decision, *probability, *version, *digest, *reasons;
};

static struct column *
column_of(struct frame *out, const char *name)
{
    int at = frame_find(out, name);
    assert(at >= 0);
    return &out->column[at];
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

static const char *
decide(const struct pipeline *pipeline, double probability)
{
    size_t i = pipeline->bands - 1;
    while (i > 0 && probability < pipeline->band[i].from)
        i--;
    return pipeline->band[i].decision;
}

static void
put_row(const struct decision *to, size_t row, const struct score *score, double probability,
        struct bytes reasons)
{
    to->decision->bytes[row] = bytes_of(decide(score->pipeline, probability));
    to->probability->real[row] = probability;
    to->version->integer[row] = score->model.version;
    to->digest->bytes[row] = bytes_of(score->model.digest);
    to->reasons->bytes[row] = reasons;
    column_set_valid(to->decision, row, true);
    column_set_valid(to->probability, row, true);
    column_set_valid(to->version, row, true);
    column_set_valid(to->digest, row, true);
    column_set_valid(to->reasons, row, true);
}

static int
decide_rows(const struct score *score, struct work *work, const struct frame *in, struct frame *out,
            const double *probability, const struct reason *reason, struct error *err)
{
    const struct decision to = {
        .decision = column_of(out, "decision"),
        .probability = column_of(out, "probability"),
        .version = column_of(out, "model_version"),
        .digest = column_of(out, "model_digest"),
        .reasons = column_of(out, "reasons"),
    };
    struct named named = {
        .in = in,
        .name = arena_alloc(work->arena, in->columns, sizeof(*named.name)),
        .column = arena_alloc(work->arena, in->columns, sizeof(*named.column)),
    };
    if (named.name == NULL || named.column == NULL)
        return error_memory(err, "reasons");
    size_t top = (size_t)score->pipeline->score.reasons;
    for (size_t i = 0; i < in->rows; i++) {
        if (refused(work, i))
            continue;
        if (!(probability[i] >= 0 && probability[i] <= 1)) {
            refuse(work, i, "score.not_finite", "", "the model gave no probability from 0 to 1");
            continue;
        }
        struct bytes reasons = print_reasons(work->arena, &named, i, reason + i * top, top);
        if (reasons.at == NULL)
            return error_memory(err, "reasons");
        if (frame_copy_row(out, in, i, err) != 0)
            return -1;
        put_row(&to, out->rows - 1, score, probability[i], reasons);
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
    double *probability = arena_alloc(work->arena, in->rows, sizeof(*probability));
    struct reason *reason = arena_alloc(work->arena, in->rows * top + 1, sizeof(*reason));
    if (probability == NULL || reason == NULL)
        return error_memory(err, "decisions");
    if (scorer_score(score->scorer, work->arena, in, probability, reason, top, err) != 0)
        return -1;
    return decide_rows(score, work, in, out[0], probability, reason, err);
}
