/* topics: see topics.h; and the verb that creates the topics every service needs at its start.
 * SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <stdio.h>

#include "clock.h"
#include "verbs.h"

#define VALUE_MAX_BYTES "1200000" /* 1 MiB and headers */
#define VISIBLE_MS      10000
#define DAYS_7          "604800000"
#define DAYS_14         "1209600000"
#define DAYS_30         "2592000000"
#define DAYS_90         "7776000000"

/* A dead letter bears the original and the error headers on top. */
#define DEAD_MAX_BYTES "1400000"

struct kind {
    const char *name, *retention_ms; /* NULL: compacted */
    const char *max_bytes;
};
static const struct kind of_pipeline[PIPELINE_TOPICS] = {
    {"events", DAYS_7, VALUE_MAX_BYTES},       {"raw", DAYS_30, VALUE_MAX_BYTES},
    {"clean", DAYS_30, VALUE_MAX_BYTES},       {"features", DAYS_30, VALUE_MAX_BYTES},
    {"decisions", DAYS_90, VALUE_MAX_BYTES},   {"labels", DAYS_90, VALUE_MAX_BYTES},
    {"dead", DAYS_14, DEAD_MAX_BYTES},         {"ingestion-state", NULL, VALUE_MAX_BYTES},
    {"cleaning-state", NULL, VALUE_MAX_BYTES}, {"features-state", NULL, VALUE_MAX_BYTES},
    {"scoring-state", NULL, VALUE_MAX_BYTES},
};
static const struct kind global[GLOBAL_TOPICS] = {
    {"models", NULL, VALUE_MAX_BYTES},
    {"pipelines", NULL, VALUE_MAX_BYTES},
    {"trials", DAYS_30, VALUE_MAX_BYTES},
};

/* Compacted topics have small segments, because the one being written is never compacted and is
 * read whole at every start. */
static void
configure(struct topic_spec *spec, const struct kind *kind)
{
    const char *const kept[] = {
        "cleanup.policy", "delete", "retention.ms", kind->retention_ms, "max.message.bytes",
        kind->max_bytes,  NULL};
    const char *const compacted[] = {"cleanup.policy",
                                     "compact",
                                     "segment.bytes",
                                     "16777216",
                                     "min.cleanable.dirty.ratio",
                                     "0.1",
                                     "max.message.bytes",
                                     kind->max_bytes,
                                     NULL};
    const char *const *config = kind->retention_ms != NULL ? kept : compacted;
    size_t i = 0;
    for (; config[i] != NULL; i++)
        spec->config[i] = config[i];
    spec->config[i] = NULL;
}

void
topics_of_pipeline(const char *prefix, const struct pipeline *pipeline,
                   struct topic_spec spec[PIPELINE_TOPICS])
{
    for (size_t i = 0; i < PIPELINE_TOPICS; i++) {
        spec[i] = (struct topic_spec){.partitions = pipeline->partitions};
        snprintf(spec[i].name, sizeof(spec[i].name), "%s.%s.%s", prefix, pipeline->name,
                 of_pipeline[i].name);
        configure(&spec[i], &of_pipeline[i]);
    }
}

void
topics_global(const char *prefix, struct topic_spec spec[GLOBAL_TOPICS])
{
    for (size_t i = 0; i < GLOBAL_TOPICS; i++) {
        spec[i] = (struct topic_spec){.partitions = 1};
        snprintf(spec[i].name, sizeof(spec[i].name), "%s.%s", prefix, global[i].name);
        configure(&spec[i], &global[i]);
    }
}

int
topics_check(struct cli *cli, const struct topic_spec *spec, size_t count, int partitions[])
{
    int status = cli_open_broker(cli);
    struct error err = {0};
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (broker_partitions(cli->broker, spec[i].name, &partitions[i], &err) != 0)
            return complain_error(cli, &err, "asking Kafka about %s", spec[i].name);
        if (partitions[i] != 0 && partitions[i] != spec[i].partitions)
            return complain(STATUS_REFUSED,
                            "The number is fixed for a topic's life: keep it in the file, or give "
                            "the pipeline another name.",
                            "topic %s has %d partitions, the pipeline wants %d", spec[i].name,
                            partitions[i], spec[i].partitions);
    }
    return status;
}

/* The broker that answers learns of a new topic a moment after the controller made it. */
static int
wait_until_visible(struct cli *cli, const char *topic)
{
    int64_t give_up_ms = clock_monotonic_ms() + VISIBLE_MS;
    for (;;) {
        struct error err = {0};
        int partitions = 0;
        if (broker_partitions(cli->broker, topic, &partitions, &err) != 0)
            return complain_error(cli, &err, "asking Kafka about %s", topic);
        if (partitions > 0)
            return 0;
        if (clock_monotonic_ms() > give_up_ms || cli_time_left(cli, 1) == 0)
            return complain(STATUS_TIMED_OUT, "Try again: what was done so far is kept.",
                            "topic %s was created but cannot be seen", topic);
        clock_sleep_ms(20);
    }
}

int
topics_create(struct cli *cli, const struct topic_spec *spec, size_t count, bool created[])
{
    int partitions[PIPELINE_TOPICS] = {0};
    int status = topics_check(cli, spec, count, partitions);
    struct error err = {0};
    for (size_t i = 0; status == 0 && i < count; i++) {
        enum topic_outcome outcome = TOPIC_EXISTED;
        if (partitions[i] == 0 && broker_create_topic(cli->broker, &spec[i], &outcome, &err) != 0)
            return complain_error(cli, &err, "Kafka");
        if (created != NULL)
            created[i] = outcome == TOPIC_CREATED;
        if (outcome == TOPIC_CREATED)
            tell(cli, "created topic %s", spec[i].name);
    }
    for (size_t i = 0; status == 0 && i < count; i++)
        if (partitions[i] == 0)
            status = wait_until_visible(cli, spec[i].name);
    return status;
}

static int
run_topics(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"topic", "partitions", "created", NULL};
    struct topic_spec spec[GLOBAL_TOPICS];
    bool created[GLOBAL_TOPICS] = {false};
    topics_global(cli->settings.prefix, spec);
    int status = topics_create(cli, spec, GLOBAL_TOPICS, created);
    if (status != 0)
        return status;
    json_t *rows = json_array();
    for (size_t i = 0; i < GLOBAL_TOPICS; i++)
        json_array_append_new(rows, json_pack("{s:s s:i s:b}", "topic", spec[i].name, "partitions",
                                              spec[i].partitions, "created", (int)created[i]));
    return cli_print(cli, rows, columns);
}

const struct verb verb_topics = {
    .words = "topics",
    .arguments = "",
    .summary = "create the topics that every service needs at its start",
    .examples = "  millrace topics\n",
    .notes =
        "  <prefix>.models and <prefix>.pipelines, compacted, and <prefix>.trials, which tells of\n"
        "  searches. Existing ones are left alone. A pipeline's own topics are created by\n"
        "  `millrace pipeline apply`.\n",
    .arguments_max = 0,
    .timeout = "60s",
    .run = run_topics,
};
