/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "train.h"

int
metric_sign(const char *metric)
{
    static const char *const losses[] = {"log_loss", "brier", "rmse", "mae"};
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
        if (strcmp(losses[i], metric) == 0)
            return -1;
    return 1;
}

static bool
metric_needs_threshold(const char *metric)
{
    return strcmp(metric, "accuracy") == 0 || strcmp(metric, "f1") == 0;
}

/* ---- candidates */

void
candidate_free(struct candidate *candidate)
{
    json_decref(candidate->settings);
    *candidate = (struct candidate){0};
}

static int
explain_mistakes(const struct mistakes *mistakes, const char *learner, struct error *err)
{
    return error_set(err, ERROR_INPUT, "settings of %s: %s %s", learner,
                     mistakes_where(mistakes, 0), mistakes_message(mistakes, 0));
}

static int
read_settings(const json_t *settings, struct arena *arena, struct pipeline *pipeline,
              struct error *err)
{
    static const struct setting none[] = {{0}};
    static const char *const also[] = {"learner", NULL};
    const char *name = json_string_value(json_object_get(settings, "learner"));
    const struct model_type *learner = model_find(name != NULL ? name : "");
    if (learner == NULL)
        return error_set(err, ERROR_INPUT, "there is no learner \"%s\" here",
                         name != NULL ? name : "");
    void *out = arena_alloc(arena, 1, learner->settings_size + 1);
    struct mistakes *mistakes = mistakes_create();
    if (out == NULL || mistakes == NULL) {
        mistakes_free(&mistakes);
        return error_memory(err, "settings of a learner");
    }
    const struct node node = {settings, ""};
    int read = config_from_node(learner->table != NULL ? learner->table : none, &node, also, out,
                                mistakes);
    if (read != 0)
        read = explain_mistakes(mistakes, learner->name, err);
    mistakes_free(&mistakes);
    pipeline->train.learner = learner;
    pipeline->train.settings = out;
    return read;
}

int
candidate_read(const struct pipeline *pipeline, const char *settings, struct arena *arena,
               struct candidate *out, struct error *err)
{
    json_error_t problem;
    struct candidate made = {*pipeline, json_loads(settings, JSON_REJECT_DUPLICATES, &problem), 1};
    if (made.settings == NULL)
        return error_set(err, ERROR_INPUT, "settings of a trial: %s", problem.text);
    if (read_settings(made.settings, arena, &made.pipeline, err) != 0) {
        candidate_free(&made);
        return -1;
    }
    *out = made;
    return 0;
}

/* ---- the trial */

/* From the rows that were learnt from, where the pipeline asks for that; figures that no threshold
 * is for are the same with any. */
static int
find_threshold(const struct pipeline *pipeline, const struct scorer *scorer,
               const struct frame *rows, const struct picked *learn, double *threshold,
               struct error *err)
{
    const struct assess_how how = {ASSESS_FIGURES, NAN};
    struct assessment found;
    *threshold = pipeline->train.threshold;
    if (pipeline->train.threshold_rule == THRESHOLD_GIVEN || pipeline->label.task != TASK_BINARY ||
        !metric_needs_threshold(pipeline->search.metric))
        return 0;
    if (assess(pipeline, scorer, rows, learn->row, learn->y, learn->rows, &how, &found, err) != 0)
        return -1;
    *threshold = assessment_figure(&found, "threshold");
    return 0;
}

static int
judge_fold(const struct candidate *candidate, const struct frame *rows, const struct split *split,
           size_t fold, double share, double *score, struct error *err)
{
    DEFER(scorer_free) struct scorer *scorer = NULL;
    struct picked learn, judge;
    struct assessment found;
    struct assess_how how = {.depth = ASSESS_FIGURES};
    const struct pipeline *pipeline = &candidate->pipeline;
    if (split_pick(split, pipeline, rows, fold, share, rows->arena, &learn, &judge, err) != 0)
        return -1;
    const struct lesson lesson = {rows, learn.row, learn.rows, learn.y, candidate->threads};
    if (scorer_fit(pipeline, &lesson, &scorer, err) != 0 ||
        find_threshold(pipeline, scorer, rows, &learn, &how.threshold, err) != 0 ||
        assess(pipeline, scorer, rows, judge.row, judge.y, judge.rows, &how, &found, err) != 0)
        return -1;
    double value = assessment_figure(&found, pipeline->search.metric);
    if (!isfinite(value))
        return error_set(err, ERROR_INPUT, "%s is undefined on fold %zu, %zu rows",
                         pipeline->search.metric, fold, judge.rows);
    *score = value;
    return 0;
}

int
trial_fold(const struct candidate *candidate, const struct frame *rows, const struct split *split,
           size_t fold, double share, struct arena *scratch, double *score, struct error *err)
{
    struct frame view = *rows; /* what is made on the way is made in the scratch */
    arena_reset(scratch);
    view.arena = scratch;
    return judge_fold(candidate, &view, split, fold, share, score, err);
}

int
trial_run(const struct candidate *candidate, const struct frame *rows, const struct split *split,
          double share, struct arena *scratch, struct judgement *out, struct error *err)
{
    struct judgement made = {0};
    double score;
    for (size_t fold = 1; fold <= split->folds; fold++) {
        if (trial_fold(candidate, rows, split, fold, share, scratch, &score, err) != 0)
            return -1;
        judgement_add(&made, split->folds, score);
    }
    *out = made;
    return 0;
}
