/* foreign_xgboost: XGBoost's JSON of versions 1 to 3. A split over numbers sends x < condition to
 * the left, compared as float32; one over categories sends those listed to the right. Where margins
 * begin, base_score, is written as a probability for two classes. Version 3.1 began to write one
 * base_score for each class, as a list in a text.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foreign_private.h"
#include "number.h"

#define VERSION_MAX 3 /* of XGBoost: layouts change with it */

/* ---- members */

static const json_t *
child(const json_t *object, const char *key, json_type type, const char *what, struct error *err)
{
    const json_t *found = json_object_get(object, key);
    if (found != NULL && json_typeof(found) == type)
        return found;
    error_set(err, ERROR_INPUT, "%s has no \"%s\", or one of another kind", what, key);
    return NULL;
}

/* XGBoost writes numbers of its parameters as texts, which may be lists of one or more. Returns how
 * many there were, up to `most`; 0: the text is something else. */
static size_t
numbers_of(const json_t *text, double *out, size_t most)
{
    const char *at = json_string_value(text);
    if (at == NULL)
        return 0;
    const uint8_t *next = (const uint8_t *)at, *end = next + json_string_length(text);
    bool list = next < end && *next == '[';
    size_t count = 0;
    next += list;
    while (count < most) {
        struct number number;
        next = number_read(next, end, &number);
        if (next == NULL)
            return 0;
        out[count++] = number.integral ? (double)number.integer : number.real;
        if (!list || next == end || *next != ',')
            break;
        next++;
    }
    if (list)
        return next + 1 == end && *next == ']' ? count : 0;
    return next == end ? count : 0;
}

/* A whole number in a text. */
static int
read_count(const json_t *object, const char *key, const char *what, size_t most, size_t *out,
           struct error *err)
{
    double number;
    const json_t *text = child(object, key, JSON_STRING, what, err);
    if (text == NULL)
        return -1;
    if (numbers_of(text, &number, 1) != 1 || !(number >= 0 && number <= (double)most) ||
        number != floor(number))
        return error_set(err, ERROR_INPUT, "\"%s\" of %s is \"%.40s\", not 0 to %zu", key, what,
                         json_string_value(text), most);
    *out = (size_t)number;
    return 0;
}

/* ---- a tree */

struct source { /* its lists, of `nodes` elements each */
    const json_t *left, *right, *column, *condition, *missing_left, *kind, *cover;
    size_t nodes;
};

/* Of a tree; NULL where it may be absent and is. */
static int
read_list(const json_t *tree, const char *key, size_t count, bool required, const json_t **out,
          struct error *err)
{
    const json_t *list = json_object_get(tree, key);
    if (list == NULL && !required)
        return 0;
    if (!json_is_array(list) || json_array_size(list) != count)
        return error_set(err, ERROR_INPUT, "\"%s\" is no list of %zu", key, count);
    *out = list;
    return 0;
}

static int
read_lists(const json_t *tree, struct source *out, struct error *err)
{
    const json_t *param = child(tree, "tree_param", JSON_OBJECT, "a tree", err);
    size_t width = 1;
    if (param == NULL ||
        read_count(param, "num_nodes", "tree_param", UINT32_MAX / 2, &out->nodes, err) != 0)
        return -1;
    if (json_object_get(param, "size_leaf_vector") != NULL &&
        read_count(param, "size_leaf_vector", "tree_param", UINT32_MAX, &width, err) != 0)
        return -1;
    if (width > 1)
        return error_set(err, ERROR_INPUT,
                         "leaves of %zu values: train with multi_strategy=one_output_per_tree",
                         width);
    if (out->nodes == 0)
        return error_set(err, ERROR_INPUT, "it has no nodes");
    const struct {
        const char *key;
        const json_t **list;
        bool required;
    } lists[] = {
        {"left_children", &out->left, true},        {"right_children", &out->right, true},
        {"split_indices", &out->column, true},      {"split_conditions", &out->condition, true},
        {"default_left", &out->missing_left, true}, {"split_type", &out->kind, false},
        {"sum_hessian", &out->cover, true},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (read_list(tree, lists[i].key, out->nodes, lists[i].required, lists[i].list, err) != 0)
            return -1;
    return 0;
}

static int
read_whole(const json_t *list, const char *key, size_t i, int64_t *out, struct error *err)
{
    const json_t *at = json_array_get(list, i);
    if (!json_is_integer(at) && !json_is_boolean(at))
        return error_set(err, ERROR_INPUT, "\"%s\" of node %zu is no whole number", key, i);
    *out = json_is_integer(at) ? json_integer_value(at) : json_is_true(at);
    return 0;
}

static int
read_real(const json_t *list, const char *key, size_t i, double *out, struct error *err)
{
    const json_t *at = json_array_get(list, i);
    if (!json_is_number(at))
        return error_set(err, ERROR_INPUT, "\"%s\" of node %zu is no number", key, i);
    *out = json_number_value(at);
    return 0;
}

/* XGBoost compares float32 with float32. */
static double
as_float(double number)
{
    if (fabs(number) > (double)FLT_MAX)
        return number > 0 ? INFINITY : -INFINITY;
    return (double)(float)number;
}

static int
read_node(const struct source *source, size_t i, struct foreign_node *node, struct error *err)
{
    int64_t left, right, column, missing_left, kind = 0;
    double condition = 0, cover;
    if (read_whole(source->left, "left_children", i, &left, err) != 0 ||
        read_whole(source->right, "right_children", i, &right, err) != 0 ||
        read_whole(source->column, "split_indices", i, &column, err) != 0 ||
        read_whole(source->missing_left, "default_left", i, &missing_left, err) != 0 ||
        read_real(source->cover, "sum_hessian", i, &cover, err) != 0 ||
        (source->kind != NULL && read_whole(source->kind, "split_type", i, &kind, err) != 0))
        return -1;
    bool category = left != -1 && kind == 1; /* whose condition is anything, or NaN */
    if (!category && read_real(source->condition, "split_conditions", i, &condition, err) != 0)
        return -1;
    if (!(cover >= 0 && cover <= TREES_VALUE_MAX))
        return error_set(err, ERROR_INPUT, "\"sum_hessian\" of node %zu is %g", i, cover);
    *node = (struct foreign_node){.column = TREE_LEAF, .value = as_float(condition)};
    node->cover = cover + 0.0; /* minus zero is none */
    if (left == -1)
        return 0;
    if (left < 0 || right < 0 || left >= (int64_t)source->nodes ||
        right >= (int64_t)source->nodes || column < 0 || column >= TREE_LEAF || kind < 0 ||
        kind > 1)
        return error_set(err, ERROR_INPUT,
                         "node %zu splits column %lld by kind %lld into %lld and %lld", i,
                         (long long)column, (long long)kind, (long long)left, (long long)right);
    node->column = (uint32_t)column;
    node->left = (uint32_t)left;
    node->right = (uint32_t)right;
    node->missing_left = missing_left != 0;
    node->category = category;
    if (!node->category)
        foreign_split_below(node, as_float(condition));
    return 0;
}

/* The categories of a split: `size` of the tree's list from `begin` on. */
static int
read_codes(const json_t *list, int64_t begin, int64_t size, struct arena *arena,
           struct foreign_node *node, struct error *err)
{
    int64_t count = (int64_t)json_array_size(list);
    if (begin < 0 || size < 0 || begin > count || size > count - begin)
        return error_set(err, ERROR_INPUT, "categories %lld to %lld of %lld", (long long)begin,
                         (long long)begin + (long long)size, (long long)count);
    uint32_t *code = arena_alloc(arena, (size_t)size + 1, sizeof(*code));
    if (code == NULL)
        return error_memory(err, "categories");
    for (size_t i = 0; i < (size_t)size; i++) {
        int64_t number;
        if (read_whole(list, "categories", (size_t)begin + i, &number, err) != 0)
            return -1;
        if (number < 0 || number >= FOREIGN_CATEGORIES_MAX)
            return error_set(err, ERROR_INPUT, "category %lld; codes must be 0 to %d",
                             (long long)number, FOREIGN_CATEGORIES_MAX - 1);
        code[i] = (uint32_t)number;
    }
    node->code = code;
    node->codes = (size_t)size;
    return 0;
}

static int
read_categories(const json_t *json, struct arena *arena, struct foreign_tree *tree,
                struct error *err)
{
    const json_t *node = json_object_get(json, "categories_nodes");
    const json_t *segment = NULL, *size = NULL, *list = json_object_get(json, "categories");
    size_t count = json_array_size(node), named = 0, splits = 0;
    if (read_list(json, "categories_segments", count, count > 0, &segment, err) != 0 ||
        read_list(json, "categories_sizes", count, count > 0, &size, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        int64_t at, begin, length;
        if (read_whole(node, "categories_nodes", i, &at, err) != 0 ||
            read_whole(segment, "categories_segments", i, &begin, err) != 0 ||
            read_whole(size, "categories_sizes", i, &length, err) != 0)
            return -1;
        if (at < 0 || (size_t)at >= tree->nodes || !tree->node[at].category ||
            tree->node[at].code != NULL)
            return error_set(err, ERROR_INPUT, "categories of node %lld, which splits none",
                             (long long)at);
        if (read_codes(list, begin, length, arena, &tree->node[at], err) != 0)
            return -1;
        named++;
    }
    for (size_t i = 0; i < tree->nodes; i++)
        splits += tree->node[i].category;
    if (splits != named)
        return error_set(err, ERROR_INPUT, "%zu splits of categories, %zu lists of them", splits,
                         named);
    return 0;
}

static int
read_tree(const json_t *json, struct arena *arena, struct foreign_tree *tree, struct error *err)
{
    struct source source = {0};
    if (read_lists(json, &source, err) != 0)
        return -1;
    tree->nodes = source.nodes;
    tree->node = arena_alloc(arena, source.nodes, sizeof(*tree->node));
    if (tree->node == NULL)
        return error_memory(err, "trees");
    for (size_t i = 0; i < source.nodes; i++)
        if (read_node(&source, i, &tree->node[i], err) != 0)
            return -1;
    return read_categories(json, arena, tree, err);
}

/* ---- the model */

static int
check_version(const json_t *document, struct arena *arena, struct foreign *out, struct error *err)
{
    const json_t *version = child(document, "version", JSON_ARRAY, "the document", err);
    if (version == NULL)
        return -1;
    int64_t part[3] = {0};
    for (size_t i = 0; i < 3; i++)
        part[i] = json_integer_value(json_array_get(version, i));
    if (part[0] < 1 || part[0] > VERSION_MAX)
        return error_set(err, ERROR_INPUT,
                         "XGBoost %lld.%lld.%lld is not known here, 1 to %d are: save the model "
                         "with one of these",
                         (long long)part[0], (long long)part[1], (long long)part[2], VERSION_MAX);
    out->program = arena_print(arena, "XGBoost %lld.%lld.%lld", (long long)part[0],
                               (long long)part[1], (long long)part[2]);
    return out->program != NULL ? 0 : error_memory(err, "name of a program");
}

static const struct objective_name {
    const char *name;
    enum learning_task task;
} objectives[] = {
    {"binary:logistic", TASK_BINARY},
    {"reg:logistic", TASK_BINARY},
    {"reg:squarederror", TASK_REGRESSION},
    {"reg:linear", TASK_REGRESSION},
    {"reg:absoluteerror", TASK_REGRESSION},
    {"reg:pseudohubererror", TASK_REGRESSION},
    {"reg:squaredlogerror", TASK_REGRESSION},
    {"reg:quantileerror", TASK_REGRESSION},
    {"multi:softprob", TASK_CLASSES},
    {"multi:softmax", TASK_CLASSES},
    {"rank:ndcg", TASK_RANKING},
    {"rank:map", TASK_RANKING},
    {"rank:pairwise", TASK_RANKING},
};

static int
read_task(const json_t *learner, enum learning_task *out, struct error *err)
{
    const json_t *objective = child(learner, "objective", JSON_OBJECT, "learner", err);
    const json_t *name =
        objective != NULL ? child(objective, "name", JSON_STRING, "objective", err) : NULL;
    if (name == NULL)
        return -1;
    for (size_t i = 0; i < sizeof(objectives) / sizeof(objectives[0]); i++)
        if (strcmp(objectives[i].name, json_string_value(name)) == 0) {
            *out = objectives[i].task;
            return 0;
        }
    return error_set(err, ERROR_INPUT,
                     "the objective \"%.60s\" predicts what no learner here does: train with "
                     "binary:logistic, multi:softprob, reg:squarederror or rank:ndcg",
                     json_string_value(name));
}

static double
log_odds(double p)
{
    return log(p / (1 - p));
}

static int
read_bias(const json_t *param, struct arena *arena, struct foreign_trees *trees, struct error *err)
{
    const json_t *text = child(param, "base_score", JSON_STRING, "learner_model_param", err);
    trees->bias = arena_alloc(arena, trees->outputs, sizeof(double));
    if (text == NULL || trees->bias == NULL)
        return text == NULL ? -1 : error_memory(err, "base_score");
    size_t count = numbers_of(text, trees->bias, trees->outputs);
    if (count != 1 && count != trees->outputs)
        return error_set(err, ERROR_INPUT, "\"base_score\" is \"%.60s\", for %zu outputs",
                         json_string_value(text), trees->outputs);
    for (size_t k = 0; k < trees->outputs; k++) {
        double score = as_float(trees->bias[count == 1 ? 0 : k]);
        if (trees->task == TASK_BINARY && !(score > 0 && score < 1))
            return error_set(err, ERROR_INPUT, "\"base_score\" %g is no probability", score);
        trees->bias[k] = score;
    }
    for (size_t k = 0; trees->task == TASK_BINARY && k < trees->outputs; k++)
        trees->bias[k] = log_odds(trees->bias[k]);
    return 0;
}

static int
read_shape(const json_t *learner, struct arena *arena, struct foreign_trees *trees,
           struct error *err)
{
    const json_t *param = child(learner, "learner_model_param", JSON_OBJECT, "learner", err);
    size_t classes, targets = 1;
    if (param == NULL || read_task(learner, &trees->task, err) != 0 ||
        read_count(param, "num_class", "learner_model_param", TREES_OUTPUTS_MAX, &classes, err) !=
            0 ||
        read_count(param, "num_feature", "learner_model_param", TREES_COLUMNS_MAX, &trees->columns,
                   err) != 0)
        return -1;
    if (json_object_get(param, "num_target") != NULL &&
        read_count(param, "num_target", "learner_model_param", UINT32_MAX, &targets, err) != 0)
        return -1;
    if (targets > 1)
        return error_set(err, ERROR_INPUT, "the model has %zu targets, one is taken", targets);
    if ((trees->task == TASK_CLASSES) != (classes > 1) || classes == 2)
        return error_set(err, ERROR_INPUT,
                         "\"num_class\" is %zu: of two classes train with binary:logistic, of "
                         "more with multi:softprob",
                         classes);
    trees->outputs = trees->task == TASK_CLASSES ? classes : 1;
    return read_bias(param, arena, trees, err);
}

static int
read_names(const json_t *learner, struct arena *arena, struct foreign_trees *trees,
           struct error *err)
{
    const json_t *list = json_object_get(learner, "feature_names");
    if (json_array_size(list) == 0)
        return 0;
    const char **name = arena_alloc(arena, trees->columns + 1, sizeof(*name));
    if (name == NULL)
        return error_memory(err, "names of columns");
    if (json_array_size(list) != trees->columns)
        return error_set(err, ERROR_INPUT, "\"feature_names\" has %zu names for %zu columns",
                         json_array_size(list), trees->columns);
    for (size_t j = 0; j < trees->columns; j++) {
        const json_t *text = json_array_get(list, j);
        if (!json_is_string(text))
            return error_set(err, ERROR_INPUT, "\"feature_names\" has something that is no text");
        name[j] = arena_text(arena, bytes_of(json_string_value(text)));
        if (name[j] == NULL)
            return error_memory(err, "names of columns");
    }
    trees->name = name;
    return 0;
}

/* Predictions through scikit-learn's interface would stop at the best round, others would not. */
static int
check_rounds(const json_t *learner, const json_t *model, const struct foreign_trees *trees,
             struct error *err)
{
    const json_t *attributes = json_object_get(learner, "attributes");
    const json_t *param = json_object_get(model, "gbtree_model_param");
    double best, together = 1;
    if (numbers_of(json_object_get(param, "num_parallel_tree"), &together, 1) != 1 || together < 1)
        together = 1;
    double rounds = (double)(trees->count / trees->outputs) / together;
    if (numbers_of(json_object_get(attributes, "best_iteration"), &best, 1) != 1 ||
        best + 1 >= rounds)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "early stopping found round %.0f best and the file has %.0f: save the rounds "
                     "that are meant, booster[: booster.best_iteration + 1].save_model(...)",
                     best, rounds);
}

/* A data frame's categories may be numbered otherwise than ours; codes 0, 1, 2 .. are the same. */
static int
check_recoding(const json_t *model, struct error *err)
{
    const json_t *enc = json_object_get(json_object_get(model, "cats"), "enc");
    for (size_t j = 0; j < json_array_size(enc); j++) {
        const json_t *column = json_array_get(enc, j);
        if (json_array_size(json_object_get(column, "offsets")) > 0 ||
            !foreign_codes_plain(json_object_get(column, "values")))
            return error_set(err, ERROR_INPUT,
                             "the categories of column %zu are not numbered 0, 1, 2 ..: train on "
                             "the codes of the exported rows, all of them",
                             j);
    }
    return 0;
}

/* The part that has "trees", and what each tree counts for; NULL: all 1. */
static const json_t *
find_model(const json_t *learner, const json_t **drop, struct error *err)
{
    const json_t *booster = child(learner, "gradient_booster", JSON_OBJECT, "learner", err);
    const json_t *name =
        booster != NULL ? child(booster, "name", JSON_STRING, "gradient_booster", err) : NULL;
    if (name == NULL)
        return NULL;
    if (strcmp(json_string_value(name), "dart") == 0) {
        *drop = child(booster, "weight_drop", JSON_ARRAY, "gradient_booster", err);
        booster = child(booster, "gbtree", JSON_OBJECT, "gradient_booster", err);
        if (*drop == NULL || booster == NULL)
            return NULL;
    } else if (strcmp(json_string_value(name), "gbtree") != 0) {
        error_set(err, ERROR_INPUT,
                  "the booster \"%.40s\" is not read: train with gbtree or dart, linear models "
                  "with scikit-learn",
                  json_string_value(name));
        return NULL;
    }
    return child(booster, "model", JSON_OBJECT, "gradient_booster", err);
}

static int
read_trees(const json_t *model, const json_t *drop, struct arena *arena,
           struct foreign_trees *trees, struct error *err)
{
    const json_t *list = child(model, "trees", JSON_ARRAY, "model", err);
    const json_t *info = child(model, "tree_info", JSON_ARRAY, "model", err);
    if (list == NULL || info == NULL)
        return -1;
    trees->count = json_array_size(list);
    trees->tree = arena_alloc(arena, trees->count + 1, sizeof(*trees->tree));
    if (trees->tree == NULL)
        return error_memory(err, "trees");
    if (json_array_size(info) != trees->count ||
        (drop != NULL && json_array_size(drop) != trees->count))
        return error_set(err, ERROR_INPUT, "\"tree_info\" or \"weight_drop\" is no list of %zu",
                         trees->count);
    for (size_t t = 0; t < trees->count; t++) {
        int64_t group;
        double scale = 1;
        if (read_whole(info, "tree_info", t, &group, err) != 0 ||
            (drop != NULL && read_real(drop, "weight_drop", t, &scale, err) != 0))
            return -1;
        if (read_tree(json_array_get(list, t), arena, &trees->tree[t], err) != 0)
            return error_wrap(err, "tree %zu", t);
        trees->tree[t].scale = as_float(scale);
        trees->tree[t].group = group >= 0 && group < TREE_LEAF ? (uint32_t)group : TREE_LEAF;
    }
    return 0;
}

int
foreign_read_xgboost(const struct json_t *document, const struct foreign_columns *wanted,
                     struct arena *arena, struct foreign *out, struct error *err)
{
    struct foreign_trees trees = {0};
    const json_t *drop = NULL, *learner = child(document, "learner", JSON_OBJECT, "it", err);
    if (learner == NULL || check_version(document, arena, out, err) != 0)
        return -1;
    const json_t *model = find_model(learner, &drop, err);
    if (model == NULL || read_shape(learner, arena, &trees, err) != 0 ||
        read_names(learner, arena, &trees, err) != 0 || check_recoding(model, err) != 0 ||
        read_trees(model, drop, arena, &trees, err) != 0 ||
        check_rounds(learner, model, &trees, err) != 0 ||
        foreign_grow(&trees, wanted, arena, out, err) != 0)
        return err->kind == ERROR_INPUT ? error_wrap(err, "XGBoost's model") : -1;
    return 0;
}
