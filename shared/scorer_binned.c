/* SPDX-License-Identifier: Apache-2.0 */
#include "scorer_binned.h"

#include "scorer_encoders.h"
#include "scorer_parts.h"

bool
scorer_takes_bins(const struct pipeline *pipeline)
{
    return pipeline->train.learner != NULL && pipeline->train.learner->bins != NULL;
}

int
scorer_plan(const struct pipeline *pipeline, const struct lesson *lesson, struct scorer **out,
            struct bins **bins, struct error *err)
{
    const struct frame *features = lesson->features;
    struct arena *arena = features->arena;
    struct frame *sample;
    struct dataset data = {0};
    struct fitting fitting;
    DEFER(scorer_free) struct scorer *scorer = NULL;
    if (scorer_fit_encoders(pipeline, features, lesson->row, lesson->rows, &scorer, err) != 0 ||
        scorer_take_learner(scorer, pipeline, err) != 0 ||
        scorer_pick_rows(features, lesson->row, lesson->rows, &sample, err) != 0 ||
        scorer_encode(scorer, arena, sample, &data.x, err) != 0 ||
        scorer_describe_rows(scorer, pipeline, lesson->y, arena, &data, &fitting, err) != 0)
        return -1;
    fitting.threads = lesson->threads;
    if (scorer->learner->bins(pipeline->train.settings, &data, &fitting, bins, err) != 0)
        return -1;
    *out = scorer;
    scorer = NULL;
    return 0;
}

int
scorer_fit_binned(struct scorer *scorer, const struct pipeline *pipeline, struct arena *arena,
                  const struct bins *bins, const struct binned *binned, const double *y,
                  unsigned threads, struct error *err)
{
    struct dataset data = {
        .x = {binned->rows, binned->columns, NULL}, .bins = bins, .binned = binned};
    struct fitting fitting;
    if (scorer_describe_rows(scorer, pipeline, y, arena, &data, &fitting, err) != 0)
        return -1;
    fitting.threads = threads;
    return scorer->learner->fit(pipeline->train.settings, &data, &fitting, &scorer->model, err);
}
