/* outcome_learnt: models of the rows of outcome_data.h, evaluated.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_OUTCOME_LEARNT_H
#define MILLRACE_TESTS_OUTCOME_LEARNT_H

#include "../../../services/training/train.h"
#include "outcome_data.h"

static inline struct training
outcome_learn(const struct pipeline *pipeline, const struct frame *rows, struct split *split)
{
    struct training training;
    struct error err = {0};
    ck_ok(split_make(pipeline, rows, split, &err), err);
    ck_ok(train_fit(pipeline, rows, split, 1, &training, &err), err);
    ck_ok(train_evaluate(pipeline, rows, split, &training, &err), err);
    ck_ok(train_curve(pipeline, rows, split, &training, &err), err);
    return training;
}

#endif
