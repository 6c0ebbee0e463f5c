/* pipeline_train: "train", "score" and "breaker" of a pipeline file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "entry.h"
#include "model/model.h"
#include "pipeline_reader.h"

static void
check_sample(struct reader *reader, const struct node *node, const struct train_object *own)
{
    struct pipeline *pipeline = reader->pipeline;
    int sample = entry_choice(reader->mistakes, node, "sample", own->sample, sampling_names);
    if (sample == SAMPLE_STRATIFIED && pipeline->label.task == TASK_REGRESSION)
        entry_mistake(reader->mistakes, node, "sample",
                      "is by hash or by key where the outcome is a number, which has no shares");
    if (sample == SAMPLE_KEY && pipeline->key_field == NULL)
        entry_mistake(reader->mistakes, node, "sample",
                      "by key needs the source's \"key\"; without one each event is its own");
    if (own->rows_max > 0 && own->rows_max < own->rows_min)
        entry_mistake(reader->mistakes, node, "rows_max", "must be 0, or \"rows_min\" at least");
    pipeline->train.sample = sample > 0 ? (enum sampling)sample : SAMPLE_HASH;
    pipeline->train.rows_max = own->rows_max;
}

static void
check_threshold(struct reader *reader, const struct node *node, const json_t *given)
{
    struct pipeline *pipeline = reader->pipeline;
    double number = json_is_number(given) ? json_number_value(given) : 0.5;
    pipeline->train.threshold = number;
    if (given != NULL && pipeline->label.task != TASK_BINARY)
        entry_mistake(reader->mistakes, node, "threshold", "is for one of two outcomes alone");
    else if (!(number > 0 && number < 1))
        entry_mistake(reader->mistakes, node, "threshold", "must be between 0 and 1");
    else if (json_is_string(given)) {
        int rule = entry_choice(reader->mistakes, node, "threshold", json_string_value(given),
                                threshold_names);
        if (rule >= 0)
            pipeline->train.threshold_rule = THRESHOLD_F1 + (enum threshold_rule)rule;
    } else if (given != NULL && !json_is_number(given))
        entry_mistake(reader->mistakes, node, "threshold",
                      "must be a number between 0 and 1, \"f1\" or \"youden\"");
}

/* What is said of training whatever the learner. */
static void
keep_train(struct reader *reader, const struct node *node, const struct train_object *own)
{
    struct mistakes *mistakes = reader->mistakes;
    int split = entry_choice(mistakes, node, "split", own->split, split_names);
    if (!(own->test_share > 0 && own->test_share < 1))
        entry_mistake(mistakes, node, "test_share", "must be greater than 0 and less than 1");
    if (own->rows_min < 2)
        entry_mistake(mistakes, node, "rows_min", "must be at least 2");
    if (own->replicas > BUDGET_REPLICAS_MAX)
        entry_mistake(mistakes, node, "replicas", "must be 0 to %d", BUDGET_REPLICAS_MAX);
    reader->pipeline->train.replicas = own->replicas;
    reader->pipeline->train.seed = own->seed;
    reader->pipeline->train.split = split == SPLIT_TIME ? SPLIT_TIME : SPLIT_HASH;
    reader->pipeline->train.test_share = own->test_share;
    reader->pipeline->train.rows_min = own->rows_min;
    check_sample(reader, node, own);
    check_threshold(reader, node, own->threshold);
}

void
reader_check_learner(struct reader *reader, const struct node *node, const char *key,
                     const struct model_type *learner)
{
    enum learning_task task = reader->pipeline->label.task;
    if (model_decides(learner, task))
        return;
    entry_mistake(reader->mistakes, node, key,
                  "\"%s\" cannot predict %s, which is what \"label\" says the outcome is",
                  learner->name,
                  task == TASK_BINARY    ? "which of two outcomes it will be"
                  : task == TASK_CLASSES ? "which of several outcomes it will be"
                                         : "a number");
}

static void
read_one_learner(struct reader *reader, const struct node *node)
{
    struct train_object own = {0};
    void *settings = NULL;
    int found = reader_kind(reader, node, "learner", model_kind);
    if (found < 0)
        return;
    const struct kind kind = model_kind((size_t)found);
    if (reader_object(reader, node, train_object_table, sizeof(own), &own, &kind, &settings) != 0)
        return;
    keep_train(reader, node, &own);
    reader_check_learner(reader, node, "learner", model_types[found]);
    reader->pipeline->train.learner = model_types[found];
    reader->pipeline->train.settings = settings;
}

static void
read_searched(struct reader *reader, const struct node *node)
{
    struct train_object own = {0};
    if (config_from_node(search_train_table, node, NULL, &own, reader->mistakes) == 0)
        keep_train(reader, node, &own);
    const json_t *search = json_object_get(node->value, "search");
    const json_t *learners = json_object_get(node->value, "learners");
    struct node how = reader_member(reader, node, "search", search);
    struct node which = reader_member(reader, node, "learners", learners);
    if (search != NULL && learners != NULL)
        read_search(reader, &how, &which);
}

void
read_train(struct reader *reader, const struct node *node)
{
    bool searched = json_object_get(node->value, "search") != NULL ||
                    json_object_get(node->value, "learners") != NULL;
    if (searched)
        read_searched(reader, node);
    else if (node->value != NULL)
        read_one_learner(reader, node);
}

static void
read_band(struct reader *reader, const struct node *node, size_t i, struct band *band)
{
    struct mistakes *mistakes = reader->mistakes;
    struct band_object own = {0};
    bool number = reader->pipeline->label.task == TASK_REGRESSION;
    if (config_from_node(band_table, node, NULL, &own, mistakes) != 0)
        return;
    if (!number && i == 0 && own.from != 0)
        entry_mistake(mistakes, node, "from", "of the first band must be 0");
    else if (!number && !(own.from >= 0 && own.from <= 1))
        entry_mistake(mistakes, node, "from", "must be a probability, 0 to 1");
    else if (i > 0 && own.from <= band[i - 1].from)
        entry_mistake(mistakes, node, "from",
                      "must be greater than %g, where the band before it "
                      "begins",
                      band[i - 1].from);
    if (own.decision[0] == '\0')
        entry_mistake(mistakes, node, "decision", "must not be empty");
    band[i] = (struct band){own.from, own.decision};
}

static void
read_policy(struct reader *reader, const struct node *list)
{
    if (!reader_list(reader, list, "bands", 1, PIPELINE_BANDS_MAX))
        return;
    size_t count = json_array_size(list->value);
    struct band *band = reader_alloc(reader, count, sizeof(*band));
    for (size_t i = 0; band != NULL && i < count; i++) {
        struct node entry = reader_entry(reader, list, i);
        read_band(reader, &entry, i, band);
    }
    reader->pipeline->band = band;
    reader->pipeline->bands = count;
}

void
read_score(struct reader *reader, const struct node *node)
{
    static const struct band whole = {0, "scored"};
    struct pipeline *pipeline = reader->pipeline;
    struct score_object own = {.reasons = 3};
    pipeline->band = &whole;
    pipeline->bands = 1;
    if (node->value != NULL &&
        config_from_node(score_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    if (own.reasons > PIPELINE_REASONS_MAX)
        entry_mistake(reader->mistakes, node, "reasons", "must be 0 to %d", PIPELINE_REASONS_MAX);
    pipeline->score.reasons = own.reasons;
    struct node policy = reader_member(reader, node, "policy", own.policy);
    if (own.policy != NULL && pipeline->label.task == TASK_CLASSES)
        entry_mistake(reader->mistakes, node, "policy",
                      "is for probabilities of one outcome and for numbers; of several outcomes "
                      "the most probable is the decision");
    else if (own.policy != NULL)
        read_policy(reader, &policy);
}

void
read_breaker(struct reader *reader, const struct node *node)
{
    struct breaker_object own = {.share = 0.2, .window = 1000};
    if (node->value != NULL &&
        config_from_node(breaker_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    if (!(own.share >= 0 && own.share <= 1))
        entry_mistake(reader->mistakes, node, "share", "must be 0 to 1");
    if (own.window < PIPELINE_WINDOW_MIN || own.window > PIPELINE_WINDOW_MAX)
        entry_mistake(reader->mistakes, node, "window", "must be %d to %d", PIPELINE_WINDOW_MIN,
                      PIPELINE_WINDOW_MAX);
    reader->pipeline->breaker.share = own.share;
    reader->pipeline->breaker.window = own.window;
}
