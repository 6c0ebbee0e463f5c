/* pipeline_search: "learners" and "search" of a pipeline file's "train". A learner's settings are
 * read by its own table, one value at a time, since each may be a value, a list or a range.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"
#include "model/model.h"
#include "pipeline_reader.h"
#include "tune/search.h"

#define WHOLE_MAX                                                                                  \
    1e15 /* a range of whole numbers: they, and their halves, are exact up to there                \
          */

/* Reads one value as the setting would be, under the key `key` of the node. */
static void
check_value(struct reader *reader, const struct node *node, const char *key,
            const struct setting *setting, const json_t *value)
{
    union {
        int64_t count;
        double real;
        const void *text;
    } out;
    struct setting rows[] = {*setting, {0}};
    rows[0].name = key;
    rows[0].at = 0;
    json_t *alone = json_object();
    if (alone == NULL || json_object_set_new(alone, key, json_deep_copy(value)) != 0)
        mistake_add(reader->mistakes, "", "out of memory");
    const struct node at = {alone, node->pointer};
    int read = config_from_node(rows, &at, NULL, &out, reader->mistakes);
    (void)read; /* the mistake is added, there is nothing else to do */
    json_decref(alone);
}

static void
read_choices(struct reader *reader, const struct node *list, const struct setting *setting,
             struct dimension *out)
{
    if (!reader_list(reader, list, "values", 1, SPACE_CHOICES_MAX))
        return;
    size_t count = json_array_size(list->value);
    for (size_t i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof(key), "%zu", i);
        check_value(reader, list, key, setting, json_array_get(list->value, i));
    }
    out->kind = DIMENSION_CHOICE;
    out->most = (double)(count - 1);
    out->choice = list->value;
}

static bool
check_range(struct reader *reader, const struct node *node, const struct range_object *own,
            bool whole, bool log)
{
    struct mistakes *mistakes = reader->mistakes;
    size_t before = mistakes_count(mistakes);
    if (!(own->to > own->from))
        entry_mistake(mistakes, node, "to", "must be greater than \"from\", which is %g",
                      own->from);
    else if (isinf(own->to - own->from) || (whole && own->to > WHOLE_MAX))
        entry_mistake(mistakes, node, "to", "is too large for a range%s",
                      whole ? " of whole numbers, which ends at 1e15" : "");
    if (log && !(own->from > 0))
        entry_mistake(mistakes, node, "from", "must be above 0 on a logarithmic scale");
    if (whole && (own->from < 0 || own->from != trunc(own->from)))
        entry_mistake(mistakes, node, "from", "must be a whole number, as the setting is");
    if (whole && own->to != trunc(own->to))
        entry_mistake(mistakes, node, "to", "must be a whole number, as the setting is");
    if (own->points > SPACE_TRIALS_MAX)
        entry_mistake(mistakes, node, "points", "must be at most %d", SPACE_TRIALS_MAX);
    return mistakes_count(mistakes) == before;
}

static void
read_range(struct reader *reader, const struct node *node, const struct setting *setting,
           struct dimension *out)
{
    struct range_object own = {0};
    bool whole = setting->type == SETTING_COUNT;
    if (!whole && setting->type != SETTING_REAL) {
        entry_mistake(reader->mistakes, node, NULL,
                      "a range is of numbers, which \"%s\" is not; give a list of values",
                      setting->name);
        return;
    }
    if (config_from_node(range_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    int scale = entry_choice(reader->mistakes, node, "scale", own.scale, scale_names);
    if (!check_range(reader, node, &own, whole, scale == 1))
        return;
    out->kind = whole ? DIMENSION_COUNT : DIMENSION_REAL;
    out->log = scale == 1;
    out->least = own.from;
    out->most = own.to;
    out->levels = (size_t)own.points;
}

/* One setting: a list and a range become a dimension, all else stays as it is. */
static void
read_setting(struct reader *reader, const struct node *node, const struct setting *setting,
             struct branch *branch, struct dimension *dimension)
{
    const json_t *value = json_object_get(node->value, setting->name);
    struct node member = reader_member(reader, node, setting->name, value);
    struct dimension found = {.name = setting->name};
    if (value == NULL)
        return;
    if (setting->type == SETTING_NODE || (!json_is_array(value) && !json_is_object(value))) {
        check_value(reader, node, setting->name, setting, value);
        return;
    }
    if (branch->dimensions == SPACE_DIMENSIONS_MAX) {
        entry_mistake(reader->mistakes, node, setting->name,
                      "is one too many: %d settings of a learner can be searched",
                      SPACE_DIMENSIONS_MAX);
        return;
    }
    if (json_is_array(value))
        read_choices(reader, &member, setting, &found);
    else
        read_range(reader, &member, setting, &found);
    dimension[branch->dimensions++] = found;
}

/* Names that the learner does not have, with "did you mean". */
static void
check_names(struct reader *reader, const struct node *node, const struct setting *table,
            size_t count)
{
    struct setting *any = reader_alloc(reader, count + 1, sizeof(*any));
    void *out = reader_alloc(reader, count, sizeof(void *));
    for (size_t i = 0; any != NULL && i < count; i++)
        any[i] = (struct setting){.name = table[i].name,
                                  .fallback = "",
                                  .help = table[i].help,
                                  .type = SETTING_NODE,
                                  .at = i * sizeof(void *)};
    if (any == NULL || out == NULL)
        return;
    int read = config_from_node(any, node, NULL, out, reader->mistakes);
    (void)read; /* values are read one by one, whatever the names */
}

static void
read_branch(struct reader *reader, const struct node *space, const struct model_type *learner,
            struct branch *branch)
{
    struct dimension *dimension = reader_alloc(reader, SPACE_DIMENSIONS_MAX, sizeof(*dimension));
    const json_t *value = json_object_get(space->value, learner->name);
    struct node node = reader_member(reader, space, learner->name, value);
    size_t count = 0;
    *branch = (struct branch){.learner = learner, .settings = value, .dimension = dimension};
    if (value == NULL || dimension == NULL)
        return;
    while (learner->table != NULL && learner->table[count].name != NULL)
        count++;
    check_names(reader, &node, learner->table, count);
    for (size_t i = 0; json_is_object(value) && i < count; i++)
        read_setting(reader, &node, &learner->table[i], branch, dimension);
}

/* ---- learners */

static const char *const *
learner_names(struct reader *reader)
{
    size_t count = 0;
    while (model_types[count] != NULL)
        count++;
    const char **names = reader_alloc(reader, count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < count; i++)
        names[i] = model_types[i]->name;
    return names;
}

static bool
has_learner(const struct space *space, const struct model_type *learner)
{
    for (size_t i = 0; i < space->branches; i++)
        if (space->branch[i].learner == learner)
            return true;
    return false;
}

static void
read_learners(struct reader *reader, const struct node *list, const struct node *places)
{
    struct space *space = &reader->pipeline->search.space;
    const char *const *names = learner_names(reader);
    if (names == NULL || !reader_list(reader, list, "learners", 1, SPACE_LEARNERS_MAX))
        return;
    size_t count = json_array_size(list->value);
    struct branch *branch = reader_alloc(reader, count, sizeof(*branch));
    space->branch = branch;
    for (size_t i = 0; branch != NULL && i < count; i++) {
        char key[24];
        snprintf(key, sizeof(key), "%zu", i);
        const char *name = json_string_value(json_array_get(list->value, i));
        if (name == NULL)
            entry_mistake(reader->mistakes, list, key, "must be the name of a learner");
        int found = entry_choice(reader->mistakes, list, key, name, names);
        if (found < 0)
            continue;
        if (has_learner(space, model_types[found]))
            entry_mistake(reader->mistakes, list, key, "\"%s\" is in this list already", name);
        else
            read_branch(reader, places, model_types[found], &branch[space->branches++]);
        reader_check_learner(reader, list, key, model_types[found]);
    }
}

/* A learner in the space that is not among the learners would silently not be tried. */
static void
check_space(struct reader *reader, const struct node *places)
{
    const struct space *space = &reader->pipeline->search.space;
    const char *names[SPACE_LEARNERS_MAX + 1] = {0};
    if (places->value != NULL && !json_is_object(places->value)) {
        entry_mistake(reader->mistakes, places, NULL, "must be an object, a member a learner");
        return;
    }
    for (size_t i = 0; i < space->branches; i++)
        names[i] = space->branch[i].learner->name;
    json_t *object = (json_t *)places->value; /* jansson's iterators want it so */
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at), *near = config_did_you_mean(name, names);
        const struct model_type *learner = model_find(name);
        if (learner != NULL && has_learner(space, learner))
            continue;
        if (near != NULL)
            entry_mistake(reader->mistakes, places, name,
                          "is not among the learners, did you mean \"%s\"?", near);
        else
            entry_mistake(reader->mistakes, places, name, "is not among the learners");
    }
}

/* ---- search */

static void
read_budget(struct reader *reader, const struct node *node)
{
    struct mistakes *mistakes = reader->mistakes;
    struct pipeline_search *search = &reader->pipeline->search;
    struct budget_object own = {.trials = 30};
    /* What cannot be read keeps its default, so the rest is checked all the same. */
    int read = node->value != NULL ? config_from_node(budget_table, node, NULL, &own, mistakes) : 0;
    (void)read;
    if (own.trials < 1 || own.trials > SPACE_TRIALS_MAX)
        entry_mistake(mistakes, node, "trials", "must be 1 to %d", SPACE_TRIALS_MAX);
    if (!(own.minutes >= 0 && own.minutes <= BUDGET_MINUTES_MAX))
        entry_mistake(mistakes, node, "minutes", "must be 0 to %d", BUDGET_MINUTES_MAX);
    if (own.replicas > BUDGET_REPLICAS_MAX)
        entry_mistake(mistakes, node, "replicas", "must be 0 to %d", BUDGET_REPLICAS_MAX);
    search->trials = own.trials;
    search->minutes = own.minutes;
    search->replicas = own.replicas;
}

static void
check_validation(struct reader *reader, const struct node *node, const struct search_object *own)
{
    struct mistakes *mistakes = reader->mistakes;
    bool by_time = reader->pipeline->train.split == SPLIT_TIME;
    if (own->folds == 1 || own->folds > SEARCH_FOLDS_MAX)
        entry_mistake(mistakes, node, "folds", "must be 0 or 2 to %d", SEARCH_FOLDS_MAX);
    if (by_time && own->folds != 0)
        entry_mistake(mistakes, node, "folds",
                      "must be 0 where rows are split by time: folds would learn from what came "
                      "later");
    if (!(own->validation_share > 0 && own->validation_share < 1))
        entry_mistake(mistakes, node, "validation_share", "must be greater than 0 and less than 1");
}

/* Those of the outcome's kind; the first is the default. */
static const char *const *
metrics_of(enum learning_task task)
{
    static const char *const binary[] = {"auc", "log_loss", "brier", "accuracy", "f1", NULL};
    static const char *const several[] = {"log_loss", "accuracy", "f1_macro", NULL};
    static const char *const number[] = {"rmse", "mae", "r2", NULL};
    return task == TASK_REGRESSION ? number : task == TASK_CLASSES ? several : binary;
}

static void
read_method(struct reader *reader, const struct node *node)
{
    struct pipeline_search *search = &reader->pipeline->search;
    struct search_object own = {0};
    void *settings = NULL;
    int found = reader_kind(reader, node, "method", search_kind);
    if (found < 0)
        return;
    const struct kind kind = search_kind((size_t)found);
    if (reader_object(reader, node, search_object_table, sizeof(own), &own, &kind, &settings) != 0)
        return;
    const char *const *metrics = metrics_of(reader->pipeline->label.task);
    const char *asked = own.metric != NULL ? own.metric : metrics[0];
    int metric = entry_choice(reader->mistakes, node, "metric", asked, metrics);
    check_validation(reader, node, &own);
    search->method = search_types[found];
    search->settings = settings;
    search->metric = metric < 0 ? asked : metrics[metric];
    search->folds = own.folds;
    search->validation_share = own.validation_share;
    const struct search whole = {&search->space, (uint64_t)reader->pipeline->train.seed,
                                 (size_t)search->trials};
    if (search->method->check != NULL && search->space.branches > 0 && search->trials > 0)
        search->method->check(settings, node, &whole, reader->mistakes);
}

void
read_search(struct reader *reader, const struct node *node, const struct node *learners)
{
    const json_t *space = json_object_get(node->value, "space");
    const json_t *budget = json_object_get(node->value, "budget");
    struct node places = reader_member(reader, node, "space", space);
    struct node spent = reader_member(reader, node, "budget", budget);
    read_learners(reader, learners, &places);
    check_space(reader, &places);
    read_budget(reader, &spent);
    read_method(reader, node);
}
