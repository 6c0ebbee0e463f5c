/* The topics of a pipeline: names, partitions, retention.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../../services/cli/topics.h"
#include "check_main.h"

static const struct pipeline pipeline = {.name = "loan", .partitions = 6};

static const char *
config_of(const struct topic_spec *spec, const char *name)
{
    for (size_t i = 0; spec->config[i] != NULL; i += 2)
        if (strcmp(spec->config[i], name) == 0)
            return spec->config[i + 1];
    return "";
}

static const struct topic_spec *
find(const struct topic_spec *spec, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(spec[i].name, name) == 0)
            return &spec[i];
    ck_abort_msg("no topic %s", name);
    return NULL;
}

START_TEST(all_topics_of_a_pipeline_have_its_partitions)
{
    struct topic_spec spec[PIPELINE_TOPICS];
    topics_of_pipeline("test", &pipeline, spec);
    for (size_t i = 0; i < PIPELINE_TOPICS; i++)
        ck_assert_int_eq(spec[i].partitions, 6);
    ck_assert_str_eq(spec[0].name, "test.loan.events");
}
END_TEST

START_TEST(events_are_kept_for_a_time)
{
    struct topic_spec spec[PIPELINE_TOPICS];
    topics_of_pipeline("millrace", &pipeline, spec);
    const struct topic_spec *decisions = find(spec, PIPELINE_TOPICS, "millrace.loan.decisions");
    ck_assert_str_eq(config_of(decisions, "cleanup.policy"), "delete");
    ck_assert_str_eq(config_of(decisions, "retention.ms"), "7776000000");
    ck_assert_str_eq(config_of(decisions, "max.message.bytes"), "1200000");
}
END_TEST

START_TEST(state_is_compacted)
{
    struct topic_spec spec[PIPELINE_TOPICS];
    topics_of_pipeline("millrace", &pipeline, spec);
    const struct topic_spec *state = find(spec, PIPELINE_TOPICS, "millrace.loan.cleaning-state");
    ck_assert_str_eq(config_of(state, "cleanup.policy"), "compact");
    ck_assert_str_eq(config_of(state, "retention.ms"), "");
}
END_TEST

START_TEST(announcements_have_one_partition_and_are_compacted)
{
    struct topic_spec spec[GLOBAL_TOPICS];
    topics_global("millrace", spec);
    ck_assert_int_eq(find(spec, GLOBAL_TOPICS, "millrace.models")->partitions, 1);
    ck_assert_str_eq(config_of(find(spec, GLOBAL_TOPICS, "millrace.pipelines"), "cleanup.policy"),
                     "compact");
    ck_assert_str_eq(config_of(find(spec, GLOBAL_TOPICS, "millrace.trials"), "cleanup.policy"),
                     "delete");
}
END_TEST

RUN_TESTS("cli_topics", all_topics_of_a_pipeline_have_its_partitions, events_are_kept_for_a_time,
          state_is_compacted, announcements_have_one_partition_and_are_compacted)
