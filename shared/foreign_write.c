/* foreign_write: a model's trees as XGBoost's JSON, in the layout of version 2, which later ones
 * read. Where margins begin is a tree of one leaf for each output, and base_score such that it adds
 * nothing; so it needs no layout of its own for several outputs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "foreign_private.h"
#include "model/model.h"
#include "text.h"

#define NO_PARENT "2147483647" /* as XGBoost writes it */

struct writing {
    struct text text;
    const struct foreign_columns *columns;
    enum learning_task task;
    size_t outputs;
    const double *bias; /* outputs */
    double share;       /* what leaves are multiplied by */
    struct trees *trees;
};

static void
writing_close(struct writing *writing)
{
    trees_free(&writing->trees);
}

static void
put_separator(struct text *text, size_t i)
{
    if (i > 0)
        text_put(text, ",", 1);
}

static void
put_key(struct text *text, const char *key)
{
    text_puts(text, ",\"");
    text_puts(text, key);
    text_puts(text, "\":");
}

static void
put_count(struct text *text, size_t count)
{
    text_put_int64(text, (int64_t)count);
}

/* A float32, which XGBoost does not take for one where it looks like a whole number. */
static void
put_float(struct text *text, double number)
{
    text_put_real(text, (double)(float)number);
}

/* A number as XGBoost's parameters have it: in a text. */
static void
put_quoted(struct text *text, const char *key, size_t count)
{
    text_puts(text, "\"");
    text_puts(text, key);
    text_puts(text, "\":\"");
    put_count(text, count);
    text_puts(text, "\"");
}

/* ---- a tree */

struct source {
    const struct trees *trees;
    const struct tree_node *node;
    uint32_t count;
    double share;
};

static double
leaf_of(const struct source *tree, const struct tree_node *node)
{
    return tree->trees->value[node->child] * tree->share;
}

/* What a list of a tree has for a node. */
enum list { LEFT, RIGHT, COLUMN, CONDITION, DEFAULT_LEFT, KIND, COVER, WEIGHT, GAIN, LISTS };
static const char *const list_keys[LISTS] = {"left_children",    "right_children", "split_indices",
                                             "split_conditions", "default_left",   "split_type",
                                             "sum_hessian",      "base_weights",   "loss_changes"};

static void
put_element(struct text *text, enum list list, const struct source *tree, uint32_t i)
{
    const struct tree_node *node = &tree->node[i];
    bool leaf = node->column == TREE_LEAF;
    switch (list) {
    case LEFT:
        text_put_int64(text, leaf ? -1 : (int64_t)node->child);
        return;
    case RIGHT:
        text_put_int64(text, leaf ? -1 : (int64_t)node->child + 1);
        return;
    case COLUMN:
        put_count(text, leaf ? 0 : node->column);
        return;
    case CONDITION:
        if (leaf)
            put_float(text, leaf_of(tree, node));
        else
            put_float(text, node->category ? 0 : (double)node->threshold);
        return;
    case DEFAULT_LEFT:
        put_count(text, !leaf && node->missing_left);
        return;
    case KIND:
        put_count(text, !leaf && node->category);
        return;
    case COVER:
        put_float(text, node->cover);
        return;
    case WEIGHT:
        put_float(text, leaf ? leaf_of(tree, node) : 0);
        return;
    default: /* nobody kept what splits gained */
        put_float(text, 0);
    }
}

static void
put_lists(struct text *text, const struct source *tree)
{
    for (enum list list = 0; list < LISTS; list++) {
        put_key(text, list_keys[list]);
        text_puts(text, "[");
        for (uint32_t i = 0; i < tree->count; i++) {
            put_separator(text, i);
            put_element(text, list, tree, i);
        }
        text_puts(text, "]");
    }
}

static int
put_parents(struct text *text, const struct source *tree, struct error *err)
{
    uint32_t *parent = arena_alloc(text->arena, tree->count, sizeof(*parent));
    if (parent == NULL)
        return error_memory(err, "trees");
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->node[i].column != TREE_LEAF)
            parent[tree->node[i].child] = parent[tree->node[i].child + 1] = i;
    text_puts(text, ",\"parents\":[" NO_PARENT);
    for (uint32_t i = 1; i < tree->count; i++) {
        text_puts(text, ",");
        put_count(text, parent[i]);
    }
    text_puts(text, "]");
    return 0;
}

/* Those that go right, which is what XGBoost lists; returns how many. */
static size_t
put_codes(struct text *text, const struct source *tree, const struct tree_node *node, size_t before)
{
    const struct categories *category = &tree->trees->category[node->column];
    const struct tree_set *set = &tree->trees->set[node->set];
    size_t listed = 0;
    for (uint32_t c = 0; c < category->count; c++) {
        uint8_t bin = category->bin[c];
        if (set->bits[bin / 64] >> bin % 64 & 1)
            continue;
        put_separator(text, before + listed++);
        put_count(text, c);
    }
    return listed;
}

/* The lists of all splits one behind the other, and where each begins. */
static void
put_categories(struct text *text, const struct source *tree)
{
    struct text node = {.arena = text->arena}, begin = node, size = node;
    size_t total = 0, splits = 0;
    text_puts(text, ",\"categories\":[");
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->node[i].column == TREE_LEAF || !tree->node[i].category)
            continue;
        size_t listed = put_codes(text, tree, &tree->node[i], total);
        put_separator(&node, splits);
        put_separator(&begin, splits);
        put_separator(&size, splits++);
        put_count(&node, i);
        put_count(&begin, total);
        put_count(&size, listed);
        total += listed;
    }
    const struct {
        const char *key;
        const struct text *list;
    } lists[] = {
        {"categories_nodes", &node}, {"categories_segments", &begin}, {"categories_sizes", &size}};
    text_puts(text, "]");
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        put_key(text, lists[i].key);
        text_puts(text, "[");
        text_put(text, lists[i].list->at, lists[i].list->length);
        text_puts(text, "]");
        text->failed = text->failed || lists[i].list->failed;
    }
}

static int
put_tree(struct writing *writing, size_t id, const struct source *tree, struct error *err)
{
    struct text *text = &writing->text;
    put_separator(text, id);
    text_puts(text, "{\"id\":");
    put_count(text, id);
    text_puts(text, ",\"tree_param\":{\"num_deleted\":\"0\",\"size_leaf_vector\":\"1\",");
    put_quoted(text, "num_feature", writing->columns->count);
    text_puts(text, ",");
    put_quoted(text, "num_nodes", tree->count);
    text_puts(text, "}");
    put_lists(text, tree);
    put_categories(text, tree);
    if (put_parents(text, tree, err) != 0)
        return -1;
    text_puts(text, "}");
    return 0;
}

/* A tree of one leaf for each output, then those of the model. */
static int
put_trees(struct writing *writing, struct error *err)
{
    const struct trees *trees = writing->trees;
    for (size_t k = 0; k < writing->outputs; k++) {
        const struct tree_node leaf = {.column = TREE_LEAF};
        const struct trees one = {.value = (double *)(uintptr_t)&writing->bias[k]};
        if (put_tree(writing, k, &(struct source){&one, &leaf, 1, 1}, err) != 0)
            return -1;
    }
    for (size_t t = 0; t < trees->count; t++) {
        const struct source tree = {trees, &trees->node[trees->root[t]],
                                    trees->root[t + 1] - trees->root[t], writing->share};
        if (put_tree(writing, writing->outputs + t, &tree, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- the model */

static void
put_names(struct writing *writing)
{
    struct text *text = &writing->text;
    text_puts(text, "\"attributes\":{},\"feature_names\":[");
    for (size_t j = 0; j < writing->columns->count; j++) {
        put_separator(text, j);
        text_put_json_string(text, bytes_of(writing->columns->name[j]));
    }
    text_puts(text, "],\"feature_types\":[");
    for (size_t j = 0; j < writing->columns->count; j++) {
        put_separator(text, j);
        text_puts(text, writing->trees->category[j].count > 0 ? "\"c\"" : "\"float\"");
    }
    text_puts(text, "]");
}

static int
put_booster(struct writing *writing, struct error *err)
{
    struct text *text = &writing->text;
    size_t trees = writing->outputs + writing->trees->count;
    text_puts(text, ",\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"gbtree_model_param\":{"
                    "\"num_parallel_tree\":\"1\",");
    put_quoted(text, "num_trees", trees);
    text_puts(text, "},\"iteration_indptr\":[0");
    for (size_t t = writing->outputs; t <= trees; t += writing->outputs) {
        text_puts(text, ",");
        put_count(text, t);
    }
    text_puts(text, "],\"tree_info\":[");
    for (size_t t = 0; t < trees; t++) {
        put_separator(text, t);
        put_count(text, t % writing->outputs);
    }
    text_puts(text, "],\"trees\":[");
    if (put_trees(writing, err) != 0)
        return -1;
    text_puts(text, "]}}");
    return 0;
}

static void
put_objective(struct writing *writing)
{
    struct text *text = &writing->text;
    bool binary = writing->task == TASK_BINARY, several = writing->task == TASK_CLASSES;
    text_puts(text, ",\"learner_model_param\":{\"base_score\":");
    text_puts(text, binary ? "\"5E-1\"" : "\"0E0\""); /* a margin of 0 */
    text_puts(text, ",\"boost_from_average\":\"0\",\"num_target\":\"1\",");
    put_quoted(text, "num_class", several ? writing->outputs : 0);
    text_puts(text, ",");
    put_quoted(text, "num_feature", writing->columns->count);
    text_puts(text, "},\"objective\":{\"name\":");
    if (several) {
        text_puts(text, "\"multi:softprob\",\"softmax_multiclass_param\":{");
        put_quoted(text, "num_class", writing->outputs);
    } else if (writing->task == TASK_RANKING) {
        text_puts(text, "\"rank:ndcg\",\"lambdarank_param\":{");
    } else {
        text_puts(text, binary ? "\"binary:logistic\"" : "\"reg:squarederror\"");
        text_puts(text, ",\"reg_loss_param\":{\"scale_pos_weight\":\"1\"");
    }
    text_puts(text, "}}");
}

/* Of what `boosting` saves: its task, its margins' beginning, its trees. */
static int
open_boosting(struct unpacker *u, struct writing *writing, struct error *err)
{
    struct arena *arena = writing->text.arena;
    writing->task = unpack_u32(u);
    writing->outputs = unpack_u32(u);
    double *bias = arena_alloc(arena, writing->outputs, sizeof(*bias));
    if (bias == NULL)
        return error_memory(err, "trees");
    for (size_t k = 0; k < writing->outputs; k++)
        bias[k] = unpack_real(u);
    writing->bias = bias;
    writing->share = 1;
    return trees_load(u, &writing->trees, err);
}

/* Of what `tree` and `forest` save: their error out of the bag, their trees. */
static int
open_mean(struct unpacker *u, struct writing *writing, struct error *err)
{
    static const double nothing;
    (void)unpack_real(u);
    if (trees_load(u, &writing->trees, err) != 0)
        return -1;
    if (writing->trees->width != 1)
        return error_set(err, ERROR_INPUT,
                         "XGBoost has no leaves of %zu values, as forests of several classes have",
                         writing->trees->width);
    writing->task = TASK_REGRESSION;
    writing->outputs = 1;
    writing->bias = &nothing;
    writing->share = 1 / (double)writing->trees->count;
    return 0;
}

static int
open_model(const struct model_type *learner, const struct model *model, struct writing *writing,
           struct error *err)
{
    struct bytes saved;
    bool mean = strcmp(learner->name, "forest") == 0 || strcmp(learner->name, "tree") == 0;
    if (!mean && strcmp(learner->name, "boosting") != 0)
        return error_set(err, ERROR_INPUT,
                         "XGBoost has no model like one of \"%s\": of boosting, forest and tree it "
                         "has",
                         learner->name);
    if (learner->save(model, writing->text.arena, &saved, err) != 0)
        return -1;
    struct unpacker u = {.rest = saved};
    return mean ? open_mean(&u, writing, err) : open_boosting(&u, writing, err);
}

int
foreign_write(const struct model_type *learner, const struct model *model,
              const struct foreign_columns *columns, struct arena *arena, struct bytes *out,
              struct error *err)
{
    DEFER(writing_close) struct writing writing = {.text = {.arena = arena}, .columns = columns};
    if (open_model(learner, model, &writing, err) != 0)
        return -1;
    if (columns->count != writing.trees->columns)
        return error_set(err, ERROR_INPUT, "%zu names for %zu columns", columns->count,
                         writing.trees->columns);
    text_puts(&writing.text, "{\"learner\":{");
    put_names(&writing);
    if (put_booster(&writing, err) != 0)
        return -1;
    put_objective(&writing);
    text_puts(&writing.text, "},\"version\":[2,0,0]}\n");
    if (writing.text.failed)
        return error_memory(err, "XGBoost's JSON");
    *out = text_bytes(&writing.text);
    return 0;
}
