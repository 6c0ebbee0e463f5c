/* SPDX-License-Identifier: Apache-2.0 */
#include "train.h"

#include <math.h>

#include "codec.h"
#include "digest.h"

/* Of a predicted number, how far it may be off; the model itself does not change. */
static int
measure_spread(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
               struct scorer *scorer, struct error *err)
{
    if (pipeline->label.task != TASK_REGRESSION || split->test_rows == 0)
        return 0;
    struct frame *picked = frame_create(rows->arena, rows->schema, split->test_rows);
    double *predicted = arena_alloc(rows->arena, split->test_rows, sizeof(*predicted));
    if (picked == NULL || predicted == NULL)
        return error_memory(err, "errors of a model");
    for (size_t i = 0; i < split->test_rows; i++)
        if (frame_copy_row(picked, rows, split->test[i], err) != 0)
            return -1;
    if (scorer_score(scorer, rows->arena, picked, predicted, NULL, 0, err) != 0)
        return -1;
    return scorer_measure_spread(scorer, split->test_y, predicted, split->test_rows, err);
}

int
train_seal(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
           unsigned threads, struct scorer *fitted, struct training *out, struct error *err)
{
    struct training made = {.threads = threads};
    if (scorer_gain(fitted, rows->arena, &made.gain, err) != 0 ||
        measure_spread(pipeline, rows, split, fitted, err) != 0 ||
        scorer_save(fitted, rows->arena, &made.artefact, err) != 0 ||
        scorer_load(made.artefact, &made.scorer, err) != 0)
        return -1;
    digest_hex(made.artefact, made.digest);
    *out = made;
    return 0;
}

int
train_fit(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
          unsigned threads, struct training *out, struct error *err)
{
    const struct lesson lesson = {rows, split->train, split->train_rows, split->train_y, threads};
    DEFER(scorer_free) struct scorer *fitted = NULL;
    if (scorer_fit(pipeline, &lesson, &fitted, err) != 0)
        return -1;
    return train_seal(pipeline, rows, split, threads, fitted, out, err);
}

void
train_free(struct training *training)
{
    scorer_free(&training->scorer);
}

int
train_evaluate(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
               struct training *training, struct error *err)
{
    struct assessment train, test;
    if (assess(pipeline, training->scorer, rows, split->train, split->train_y, split->train_rows,
               &(struct assess_how){ASSESS_FIGURES, NAN}, &train, err) != 0)
        return error_wrap(err, "evaluating the training split");
    const struct assess_how deep = {ASSESS_ALL, assessment_figure(&train, "threshold")};
    if (assess(pipeline, training->scorer, rows, split->test, split->test_y, split->test_rows,
               &deep, &test, err) != 0)
        return error_wrap(err, "evaluating the test split");
    training->train = train;
    training->test = test;
    return 0;
}

/* ---- the learning curve */

/* A share that nothing can be learnt from, or not within the scratch, leaves a gap in the curve. */
static void
learn_share(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
            double share, unsigned threads, struct learnt *out)
{
    DEFER(scorer_free) struct scorer *scorer = NULL;
    struct picked learn = {0}, none;
    struct assessment train, test;
    struct error why = {0};
    const char *headline = assess_headline(pipeline->label.task);
    const struct assess_how how = {ASSESS_FIGURES, pipeline->train.threshold};
    bool learnt = split_pick(split, pipeline, rows, split->folds + 1, share, rows->arena, &learn,
                             &none, &why) == 0;
    const struct lesson lesson = {rows, learn.row, learn.rows, learn.y, threads};
    learnt =
        learnt && scorer_fit(pipeline, &lesson, &scorer, &why) == 0 &&
        assess(pipeline, scorer, rows, learn.row, learn.y, learn.rows, &how, &train, &why) == 0 &&
        assess(pipeline, scorer, rows, split->test, split->test_y, split->test_rows, &how, &test,
               &why) == 0;
    *out = (struct learnt){learn.rows, learnt ? assessment_figure(&train, headline) : NAN,
                           learnt ? assessment_figure(&test, headline) : NAN};
}

static void
learn_shares(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
             struct arena *scratch, struct training *training)
{
    const char *headline = assess_headline(pipeline->label.task);
    size_t steps = TRAIN_STEPS - 1;
    for (size_t i = 0; i < steps; i++) {
        struct frame view = *rows; /* what is made on the way is made in the scratch */
        view.arena = scratch;
        arena_reset(scratch);
        learn_share(pipeline, &view, split, 1.0 / (double)(1U << (steps - i)), training->threads,
                    &training->learnt[i]);
    }
    training->learnt[steps] =
        (struct learnt){split->train_rows, assessment_figure(&training->train, headline),
                        assessment_figure(&training->test, headline)};
    training->steps = TRAIN_STEPS;
}

int
train_curve(const struct pipeline *pipeline, const struct frame *rows, const struct split *split,
            struct training *training, struct error *err)
{
    DEFER(arena_close) struct arena *scratch = NULL;
    if (split->train_rows < TRAIN_STEP_ROWS_MIN || split->train_rows > TRAIN_STEP_ROWS_MAX)
        return 0;
    if (arena_open(&scratch, TRAIN_STEP_BYTES_MAX, err) != 0)
        return -1;
    learn_shares(pipeline, rows, split, scratch, training);
    return 0;
}

/* ---- what is told of it */

static void
put_metrics(struct text *text, const char *split, const struct assessment *found)
{
    text_puts(text, text->length > 1 ? ",\"" : "\"");
    text_puts(text, split);
    text_puts(text, "\":{");
    for (size_t i = 0; i < found->figures; i++) {
        text_puts(text, i > 0 ? ",\"" : "\"");
        text_puts(text, found->figure[i].name);
        text_puts(text, "\":");
        if (isfinite(found->figure[i].value))
            text_put_float64(text, found->figure[i].value);
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
    if (training->test.figures > 0)
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
