/* SPDX-License-Identifier: Apache-2.0 */
#include "searching.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "announce.h"
#include "clock.h"
#include "failpoint.h"
#include "log.h"
#include "parting.h"
#include "settings.h"
#include "text.h"
#include "tune/search.h"

void
search_tell(struct task *task, int64_t job, int64_t trial)
{
    struct error err = {0};
    const char *news, *topic = arena_print(task->arena, "%s.trials", task->prefix);
    const char *key = arena_print(task->arena, "%lld", (long long)job);
    if (topic == NULL || key == NULL ||
        searches_news(task->warehouse, task->arena, job, trial, &news, &err) != 0 ||
        announce(task->broker, topic, bytes_of(key), bytes_of(news), &err) != 0)
        log_warn("a trial was not announced", field_int("job", job), field_int("trial", trial),
                 field_text("error", err.message));
}

/* ---- rounds */

/* All that the search was, from its first round to what is next: trials made again from the scores
 * on record, since a round follows from those before it. */
struct replay {
    struct search search;
    struct trial *trial;
    double *score;
    size_t count, next; /* trials on record; trials of the round after them, 0: there is none */
};

static int
make_replay(struct task *task, const struct run *run, size_t count, struct replay *out,
            struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    size_t most = (size_t)pipeline->search.trials;
    struct replay made = {
        .search = {&pipeline->search.space, (uint64_t)pipeline->train.seed, most},
        .trial = arena_alloc(task->arena, most + 1, sizeof(struct trial)),
        .score = arena_alloc(task->arena, most + 1, sizeof(double)),
        .count = count,
    };
    if (made.trial == NULL || made.score == NULL)
        return error_memory(err, "the trials of a search");
    if (count > most)
        return error_set(err, ERROR_INPUT, "the search has %zu trials on record, its budget is %zu",
                         count, most);
    *out = made;
    return 0;
}

static int
play(const struct pipeline_search *pipeline, struct replay *replay, struct error *err)
{
    size_t done = 0;
    for (;;) {
        size_t more = done == replay->search.trials
                          ? 0
                          : pipeline->method->propose(pipeline->settings, &replay->search,
                                                      replay->trial, done, replay->trial + done);
        if (done == replay->count) {
            replay->next = more;
            return 0;
        }
        if (more == 0 || done + more > replay->count)
            return error_set(err, ERROR_INPUT,
                             "the trials on record are not those of this search: it was begun by "
                             "another version of the program");
        for (size_t i = 0; i < more; i++)
            replay->trial[done + i].score = replay->score[done + i];
        done += more;
    }
}

static int
begin(struct task *task, struct run *run, struct workbench *bench, struct error *err)
{
    struct replay replay;
    if (job_heartbeat(task->warehouse, run->job, run->worker, 0, "reading rows", err) != 0 ||
        workbench_read(task, run->pipeline, NULL, bench, err) != 0 ||
        make_replay(task, run, 0, &replay, err) != 0 ||
        play(&run->pipeline->search, &replay, err) != 0)
        return -1;
    return searches_begin(task->warehouse, task->arena, run, bench->history.frame, &bench->split,
                          replay.trial, replay.next, err);
}

/* ---- the winner */

static const char *
print_result(struct arena *arena, const struct run *run, const struct replay *replay, size_t best)
{
    struct text text = {.arena = arena};
    int sign = metric_sign(run->pipeline->search.metric);
    text_puts(&text, ",\"search\":{\"trials\":");
    text_put_int64(&text, (int64_t)replay->count);
    text_puts(&text, ",\"trial\":");
    text_put_int64(&text, (int64_t)best);
    text_puts(&text, ",\"metric\":");
    text_put_json_string(&text, bytes_of(run->pipeline->search.metric));
    text_puts(&text, ",\"score\":");
    text_put_float64(&text, sign * replay->trial[best].score);
    text_put(&text, "}", 2);
    return text.failed ? NULL : text.at;
}

static int
choose(struct task *task, struct run *run, const struct replay *replay, const char *why,
       struct candidate *winner, struct error *err)
{
    int64_t best = trials_best(replay->trial, replay->count);
    if (best < 0)
        return error_set(err, ERROR_INPUT, "none of %zu trials gave a model: %s", replay->count,
                         why != NULL ? why : "the time was over before one was made");
    run->search = print_result(task->arena, run, replay, (size_t)best);
    if (run->search == NULL)
        return error_memory(err, "result of a search");
    if (searches_settings(task->warehouse, task->arena, run->job->id, (size_t)best, &run->chosen,
                          err) != 0 ||
        candidate_read(run->pipeline, run->chosen, task->arena, winner, err) != 0)
        return -1;
    run->pipeline = &winner->pipeline;
    return 0;
}

int
search_step(struct task *task, struct run *run, const struct searched *begun,
            struct workbench *bench, enum search_step *step, struct candidate *winner,
            struct error *err)
{
    struct warehouse *db = task->warehouse;
    struct replay replay;
    const char *why;
    *step = SEARCH_WAITS;
    if (begun == NULL)
        return begin(task, run, bench, err);
    if (make_replay(task, run, begun->count, &replay, err) != 0 ||
        searches_scores(db, task->arena, run->job->id, run->pipeline->search.metric, replay.score,
                        replay.count, &why, err) != 0 ||
        play(&run->pipeline->search, &replay, err) != 0)
        return -1;
    if (replay.next > 0 && !begun->over)
        return searches_go_on(db, task->arena, run, replay.trial + replay.count, replay.count,
                              replay.next, err);
    *step = SEARCH_WON;
    return choose(task, run, &replay, why, winner, err);
}

/* ---- a trial */

static int
judge(struct task *task, const struct job *job, const struct pipeline *pipeline,
      const struct tried *tried, struct workbench *bench, enum fit_step *step,
      struct judgement *out, double *seconds, struct error *err)
{
    DEFER(candidate_free) struct candidate candidate = {0};
    const struct run run = {
        .job = job, .worker = task->worker, .pipeline = pipeline, .chosen = tried->settings};
    if (parting_trial(task, &run, tried->rows_digest, tried->share, step, out, seconds, err) != 0)
        return -1;
    if (*step != FIT_WHOLE)
        return 0;
    int64_t started = clock_monotonic_ms();
    int judged = workbench_read(task, pipeline, tried->rows_digest, bench, err);
    if (judged == 0)
        judged = candidate_read(pipeline, tried->settings, task->arena, &candidate, err);
    candidate.threads = settings_threads(task->settings);
    if (judged == 0)
        judged = trial_run(&candidate, bench->history.frame, &bench->split, tried->share,
                           bench->scratch, out, err);
    *seconds = (double)(clock_monotonic_ms() - started) / 1000;
    return judged;
}

int
search_try(struct task *task, const struct job *job, const struct pipeline *pipeline,
           const struct tried *tried, struct workbench *bench, bool *ended, struct error *err)
{
    struct judgement judgement;
    struct error why = {0};
    enum fit_step step;
    double seconds = 0;
    *ended = false;
    FAILPOINT("training.trying");
    int judged = judge(task, job, pipeline, tried, bench, &step, &judgement, &seconds, &why);
    if (judged != 0 && why.kind != ERROR_INPUT) {
        *err = why;
        return -1;
    }
    if (judged == 0 && step == FIT_WAITS)
        return 0;
    if (searches_record(task->warehouse, task->arena, job, task->worker, tried,
                        judged == 0 ? &judgement : NULL, judged == 0 ? NULL : why.message, seconds,
                        err) != 0)
        return -1;
    FAILPOINT("training.tried");
    search_tell(task, job->parent, tried->trial);
    *ended = true;
    return 0;
}
