/* What training rows are made of, and what a pipeline must say of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "credit.h"
#include "history.h"

static struct arena *arena;
static struct pipeline *pipeline;

static void
set_up(void)
{
    arena = credit_arena();
    pipeline = credit_pipeline(arena);
}

static void
check_pipeline_refused(const char *says)
{
    struct error err = {0};
    ck_assert_int_eq(history_check(pipeline, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(a_pipeline_without_label_learner_or_encoder_is_refused)
{
    set_up();
    struct error err = {0};
    ck_ok(history_check(pipeline, &err), err);
    pipeline->encoders = 0;
    check_pipeline_refused("encodes no feature");
    pipeline->train.learner = NULL;
    check_pipeline_refused("no learner");
    pipeline->label.positive = NULL;
    check_pipeline_refused("no label");
}
END_TEST

START_TEST(training_rows_have_id_and_label_before_the_features)
{
    set_up();
    const struct schema *schema = history_schema(arena, pipeline);
    ck_assert_uint_eq(schema->count, 16);
    ck_assert_str_eq(schema->field[HISTORY_LABEL].name, "$label");
    ck_assert_str_eq(schema->field[HISTORY_FIRST_FEATURE].name, "seniority");
    ck_assert_str_eq(schema->field[15].name, HISTORY_EVENT_TIME);
}
END_TEST

RUN_TESTS("training rows", a_pipeline_without_label_learner_or_encoder_is_refused,
          training_rows_have_id_and_label_before_the_features)
