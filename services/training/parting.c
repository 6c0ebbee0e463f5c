/* SPDX-License-Identifier: Apache-2.0 */
#include "parting.h"

#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "model/model.h"
#include "pack.h"
#include "row_shards.h"
#include "scorer_encoders.h"
#include "settings.h"

static const struct bytes nothing = {(const uint8_t *)"", 0};

static void
release(struct bytes *bytes)
{
    free((void *)(uintptr_t)bytes->at);
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum parted_way
way_of(const struct pipeline *pipeline)
{
    const struct model_type *learner = pipeline->train.learner;
    const void *settings = pipeline->train.settings;
    struct shard_settings shards;
    if (pipeline->train.replicas == 1)
        return PARTED_NOT;
    if (learner->merge != NULL)
        return learner->parts_max(settings) > 1 ? PARTED_TREES : PARTED_NOT;
    if (learner->shards == NULL || pipeline->label.task == TASK_CLASSES)
        return PARTED_NOT;
    return learner->shards(settings, &shards) ? PARTED_ROWS : PARTED_NOT;
}

/* ---- questions and answers */

/* u32 sums, u32 columns, real y_mean, then of all but the moments the mean (columns) and, for
 * logistic regression, w (columns + 1). */
static int
pack_question(struct arena *arena, const struct shard_question *question, struct bytes *out,
              struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, question->sums);
    pack_u32(&p, (uint32_t)question->columns);
    pack_real(&p, question->y_mean);
    for (size_t j = 0; question->sums != SHARD_MOMENTS && j < question->columns; j++)
        pack_real(&p, question->mean[j]);
    for (size_t j = 0; question->sums == SHARD_LOGISTIC && j <= question->columns; j++)
        pack_real(&p, question->w[j]);
    return pack_end(&p, out, err);
}

static int
unpack_question(struct bytes packed, size_t columns, struct arena *arena,
                struct shard_question *out, struct error *err)
{
    struct unpacker u = {.rest = packed};
    uint32_t sums = unpack_u32(&u), asked = unpack_u32(&u);
    struct shard_question question = {sums, columns, .y_mean = unpack_real(&u)};
    double *mean = arena_alloc(arena, columns + 1, sizeof(*mean));
    double *w = arena_alloc(arena, columns + 1, sizeof(*w));
    if (mean == NULL || w == NULL)
        return error_memory(err, "a question to a shard");
    if (sums > SHARD_LOGISTIC || asked != columns)
        return error_set(err, ERROR_INPUT, "sums %u over %u columns are asked of %zu columns", sums,
                         asked, columns);
    for (size_t j = 0; sums != SHARD_MOMENTS && j < columns; j++)
        mean[j] = unpack_real(&u);
    for (size_t j = 0; sums == SHARD_LOGISTIC && j <= columns; j++)
        w[j] = unpack_real(&u);
    question.mean = mean;
    question.w = w;
    if (unpack_end(&u, "question", err) != 0)
        return -1;
    *out = question;
    return 0;
}

static void
pack_reals(struct packer *p, const double *real, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pack_real(p, real[i]);
}

static int
unpack_reals(struct bytes packed, double *out, size_t count, const char *what, struct error *err)
{
    struct unpacker u = {.rest = packed};
    for (size_t i = 0; i < count; i++)
        out[i] = unpack_real(&u);
    return unpack_end(&u, what, err);
}

/* ---- whoever leads, of rows */

/* All that was asked, from the first question on: asked again and answered from the record, since a
 * question follows from the answers before it. */
struct replay {
    struct task *task;
    const struct run *run;
    const struct parted *fit;
    size_t round;
    struct bytes next; /* the first question that is not on record */
};

static int
check_same(struct replay *replay, struct bytes asked, struct error *err)
{
    DEFER(release) struct bytes before = BYTES_NONE;
    if (parts_question(replay->task->warehouse, replay->task->arena, replay->run->job->id,
                       replay->round, &before, err) != 0)
        return -1;
    if (bytes_equal(before, asked))
        return 0;
    return error_set(err, ERROR_INPUT,
                     "the questions on record are not those of this fit: it was begun by another "
                     "version of the program");
}

static int
ask(void *self, const struct shard_question *question, double *answers, struct error *err)
{
    struct replay *replay = self;
    size_t parts = replay->fit->parts;
    struct bytes asked;
    DEFER(release) struct bytes found = BYTES_NONE;
    if (pack_question(replay->task->arena, question, &asked, err) != 0)
        return -1;
    if (replay->round == replay->fit->rounds) {
        replay->next = asked;
        return error_set(err, ERROR_TRANSIENT, "round %zu has not been asked yet", replay->round);
    }
    if (check_same(replay, asked, err) != 0 ||
        parts_results(replay->task->warehouse, replay->task->arena, replay->run->job->id,
                      replay->round, parts, &found, err) != 0 ||
        unpack_reals(found, answers, parts * shard_answer_length(question), "sums over rows",
                     err) != 0)
        return -1;
    replay->round++;
    return 0;
}

/* Either *model or the next question. */
static int
lead_rows(struct task *task, const struct run *run, const struct parted *fit, struct model **model,
          struct bytes *next, struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    const struct model_type *learner;
    struct shard_settings settings;
    struct replay replay = {.task = task, .run = run, .fit = fit};
    const struct row_shards shards = {fit->parts, fit->columns, ask, &replay};
    if (!pipeline->train.learner->shards(pipeline->train.settings, &settings))
        return error_set(err, ERROR_INPUT, "%s has no sums over rows with these settings",
                         pipeline->train.learner->name);
    int fitted =
        row_shards_fit(&shards, pipeline->label.task, &settings, task->arena, &learner, model, err);
    *next = replay.next;
    if (replay.next.at == NULL)
        return fitted;
    *err = (struct error){0};
    return 0;
}

/* ---- whoever leads, of trees */

static void
free_models(const struct model_type *learner, struct model **model, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (model[i] != NULL)
            learner->free(&model[i]);
}

static int
load_models(const struct model_type *learner, struct bytes packed, struct model **model,
            size_t count, struct error *err)
{
    struct unpacker u = {.rest = packed};
    for (size_t i = 0; i < count; i++)
        if (learner->load(unpack_bytes(&u), &model[i], err) != 0)
            return error_wrap(err, "part %zu of the fit", i);
    return unpack_end(&u, "parts of a fit", err);
}

static int
lead_trees(struct task *task, const struct run *run, const struct parted *fit,
           const struct workbench *bench, struct model **model, struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    const struct model_type *learner = pipeline->train.learner;
    struct fitting fitting = bench->prepared.fitting;
    DEFER(release) struct bytes found = BYTES_NONE;
    struct model **part = arena_alloc(task->arena, fit->parts, sizeof(*part));
    if (part == NULL)
        return error_memory(err, "parts of a fit");
    if (parts_results(task->warehouse, task->arena, run->job->id, 0, fit->parts, &found, err) != 0)
        return -1;
    fitting.parts = fit->parts;
    int merged = load_models(learner, found, part, fit->parts, err);
    if (merged == 0)
        merged = learner->merge(pipeline->train.settings, &bench->prepared.data, &fitting,
                                (const struct model *const *)part, model, err);
    free_models(learner, part, fit->parts);
    return merged;
}

/* ---- steps */

static int
begin(struct task *task, const struct run *run, struct parted *fit, struct workbench *bench,
      enum fit_step *step, struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    struct model *model = NULL;
    struct bytes question = nothing;
    if (workbench_prepare(task, pipeline, bench, err) != 0)
        return -1;
    const struct matrix *x = &bench->prepared.data.x;
    if (fit->way == PARTED_ROWS) {
        fit->parts = least(PARTS_MAX, x->rows);
        fit->columns = x->columns;
        if (fit->columns > PARTED_COLUMNS_MAX)
            return 0;
        if (lead_rows(task, run, fit, &model, &question, err) != 0)
            return -1;
    } else {
        fit->parts = least(PARTS_MAX, pipeline->train.learner->parts_max(pipeline->train.settings));
    }
    memcpy(fit->rows_digest, bench->split.digest, sizeof(fit->rows_digest));
    *step = FIT_WAITS;
    return parts_begin(task->warehouse, task->arena, run, bench->history.frame, &bench->split, fit,
                       question, err);
}

/* The rows are read only when they are needed: between rounds of sums they are not. */
static int
go_on(struct task *task, const struct run *run, const struct parted *fit, struct workbench *bench,
      enum fit_step *step, struct scorer **fitted, struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    struct model *model = NULL;
    struct bytes next = BYTES_NONE;
    if (fit->way == PARTED_ROWS && lead_rows(task, run, fit, &model, &next, err) != 0)
        return -1;
    *step = FIT_WAITS;
    if (next.at != NULL)
        return parts_go_on(task->warehouse, task->arena, run, fit, next, err);
    *step = FIT_DONE;
    int done = workbench_read(task, pipeline, fit->rows_digest, bench, err);
    if (done == 0)
        done = workbench_prepare(task, pipeline, bench, err);
    if (done == 0 && fit->way == PARTED_TREES)
        done = lead_trees(task, run, fit, bench, &model, err);
    if (done == 0)
        scorer_complete(&bench->prepared, &model, fitted);
    else if (model != NULL)
        pipeline->train.learner->free(&model);
    return done;
}

int
parting_step(struct task *task, const struct run *run, const struct parted *begun,
             struct workbench *bench, enum fit_step *step, struct scorer **fitted,
             struct error *err)
{
    struct parted fit = {.way = way_of(run->pipeline),
                         .version = run->pipeline->version,
                         .settings = run->chosen,
                         .share = 1};
    *step = FIT_WHOLE;
    if (begun == NULL)
        return fit.way == PARTED_NOT ? 0 : begin(task, run, &fit, bench, step, err);
    if (parts_check(task->warehouse, task->arena, run->job->id, err) != 0)
        return -1;
    return go_on(task, run, begun, bench, step, fitted, err);
}

/* A budget of replicas counts trials, so with one each trial is a replica's. */
static bool
shares_folds(const struct pipeline *pipeline)
{
    return pipeline->train.replicas != 1 && pipeline->search.replicas == 0 &&
           pipeline->search.folds > 1;
}

static int
collect_folds(struct task *task, const struct run *run, const struct parted *fit,
              struct judgement *out, struct error *err)
{
    struct judgement made = {0};
    double score[SEARCH_FOLDS_MAX];
    DEFER(release) struct bytes found = BYTES_NONE;
    if (parts_check(task->warehouse, task->arena, run->job->id, err) != 0 ||
        parts_results(task->warehouse, task->arena, run->job->id, 0, fit->parts, &found, err) != 0)
        return -1;
    if (fit->parts > SEARCH_FOLDS_MAX)
        return error_set(err, ERROR_INPUT, "a trial has %zu folds", fit->parts);
    if (unpack_reals(found, score, fit->parts, "scores of folds", err) != 0)
        return -1;
    for (size_t i = 0; i < fit->parts; i++)
        judgement_add(&made, fit->parts, score[i]);
    *out = made;
    return 0;
}

int
parting_trial(struct task *task, const struct run *run, const char *rows_digest, double share,
              enum fit_step *step, struct judgement *out, double *seconds, struct error *err)
{
    bool begun;
    struct parted fit;
    *step = FIT_WHOLE;
    if (!shares_folds(run->pipeline))
        return 0;
    if (parts_find(task->warehouse, task->arena, run->job->id, &begun, &fit, err) != 0)
        return -1;
    if (begun) {
        *step = FIT_DONE;
        *seconds = fit.seconds;
        return collect_folds(task, run, &fit, out, err);
    }
    fit = (struct parted){.way = PARTED_FOLDS,
                          .version = run->pipeline->version,
                          .settings = run->chosen,
                          .share = share,
                          .parts = (size_t)run->pipeline->search.folds};
    memcpy(fit.rows_digest, rows_digest, sizeof(fit.rows_digest));
    *step = FIT_WAITS;
    return parts_begin(task->warehouse, task->arena, run, NULL, NULL, &fit, nothing, err);
}

/* ---- one part */

static int
grow_trees(struct task *task, const struct pipeline *pipeline, const struct part *part,
           const struct workbench *bench, struct packer *result, struct error *err)
{
    const struct model_type *learner = pipeline->train.learner;
    struct fitting fitting = bench->prepared.fitting;
    struct model *model = NULL;
    struct bytes saved;
    fitting.part = (size_t)part->part;
    fitting.parts = part->fit.parts;
    if (learner->fit(pipeline->train.settings, &bench->prepared.data, &fitting, &model, err) != 0)
        return -1;
    int done = learner->save(model, task->arena, &saved, err);
    learner->free(&model);
    if (done == 0)
        pack_bytes(result, saved);
    return done;
}

/* Neighbouring rows, as many for each part as for any other or one more. */
static int
sum_rows(struct task *task, const struct part *part, const struct workbench *bench,
         struct packer *result, struct error *err)
{
    const struct dataset *all = &bench->prepared.data;
    size_t parts = part->fit.parts, at = (size_t)part->part, columns = all->x.columns;
    size_t first = at * all->x.rows / parts, end = (at + 1) * all->x.rows / parts;
    struct dataset shard = *all;
    struct shard_question question;
    shard.x = (struct matrix){end - first, columns, all->x.at + first * columns};
    shard.y = all->y + first;
    if (unpack_question(part->question, columns, task->arena, &question, err) != 0)
        return -1;
    size_t length = shard_answer_length(&question);
    double *answer = arena_alloc(task->arena, length, sizeof(*answer));
    if (answer == NULL)
        return error_memory(err, "sums over rows");
    if (shard_answer(&shard, &question, answer, err) != 0)
        return -1;
    pack_reals(result, answer, length);
    return 0;
}

static int
judge_fold(const struct candidate *candidate, const struct part *part,
           const struct workbench *bench, struct packer *result, struct error *err)
{
    double score;
    if (trial_fold(candidate, bench->history.frame, &bench->split, (size_t)part->part + 1,
                   part->fit.share, bench->scratch, &score, err) != 0)
        return -1;
    pack_real(result, score);
    return 0;
}

static int
make_part(struct task *task, const struct candidate *candidate, const struct part *part,
          struct workbench *bench, struct packer *result, struct error *err)
{
    const struct pipeline *pipeline = &candidate->pipeline;
    if (workbench_read(task, pipeline, part->fit.rows_digest, bench, err) != 0)
        return -1;
    if (part->fit.way == PARTED_FOLDS)
        return judge_fold(candidate, part, bench, result, err);
    if (workbench_prepare(task, pipeline, bench, err) != 0)
        return -1;
    return part->fit.way == PARTED_TREES ? grow_trees(task, pipeline, part, bench, result, err)
                                         : sum_rows(task, part, bench, result, err);
}

int
parting_work(struct task *task, const struct job *job, const struct pipeline *pipeline,
             const struct part *part, struct workbench *bench, struct error *err)
{
    DEFER(candidate_free) struct candidate candidate = {.pipeline = *pipeline};
    struct packer p = {.arena = task->arena};
    struct bytes result;
    FAILPOINT("training.parting");
    if (part->fit.settings != NULL &&
        candidate_read(pipeline, part->fit.settings, task->arena, &candidate, err) != 0)
        return -1;
    candidate.threads = settings_threads(task->settings);
    if (make_part(task, &candidate, part, bench, &p, err) != 0 || pack_end(&p, &result, err) != 0)
        return -1;
    return parts_record(task->warehouse, task->arena, job, task->worker, part, result, err);
}
