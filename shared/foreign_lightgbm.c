/* foreign_lightgbm: LightGBM's text of formats v3 and v4: lines key=value, first of the model, then
 * of each tree. Splits are numbered from 0, leaves are ~0, ~1 .. as children. x <= threshold goes
 * to the left, compared as doubles. decision_type is of bits: 1 categories, 2 the missing go left,
 * and 4 zeros are missing, or 8 NaN is; where neither is, NaN is taken for 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foreign_private.h"
#include "number.h"

#define CATEGORY     1
#define DEFAULT_LEFT 2
#define MISSING_ZERO 4
#define MISSING_NAN  8
#define ZERO         ((double)1e-35f) /* LightGBM takes what is no further from 0 for 0 */
#define LEAVES_MAX   ((size_t)1 << 24)

/* ---- lines */

struct lines {
    const uint8_t *at, *end;
    size_t number; /* of the line that was read last */
};

/* The next line without its end; false: there is none. */
static bool
next_line(struct lines *lines, struct bytes *line)
{
    if (lines->at == lines->end)
        return false;
    const uint8_t *stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    if (stop == NULL)
        stop = lines->end;
    *line = (struct bytes){lines->at, (size_t)(stop - lines->at)};
    if (line->length > 0 && line->at[line->length - 1] == '\r')
        line->length--;
    lines->at = stop < lines->end ? stop + 1 : stop;
    lines->number++;
    return true;
}

/* Keys that are known by their place in a table; what stands after "=", at NULL where it is absent.
 */
struct field {
    const char *key;
    struct bytes value;
};

static bool
begins(struct bytes line, const char *with)
{
    size_t length = strlen(with);
    return line.length >= length && memcmp(line.at, with, length) == 0;
}

static struct field *
find_field(struct field *field, size_t fields, struct bytes line)
{
    for (size_t i = 0; i < fields; i++) {
        size_t length = strlen(field[i].key);
        if (begins(line, field[i].key) && line.length > length && line.at[length] == '=')
            return &field[i];
    }
    return NULL;
}

/* Reads lines into the fields up to an empty one. */
static int
read_fields(struct lines *lines, struct field *field, size_t fields, struct error *err)
{
    struct bytes line;
    while (next_line(lines, &line) && line.length > 0) {
        struct field *found = find_field(field, fields, line);
        if (found == NULL)
            continue;
        if (found->value.at != NULL)
            return error_set(err, ERROR_INPUT, "line %zu has \"%s\" a second time", lines->number,
                             found->key);
        size_t skipped = strlen(found->key) + 1;
        found->value = (struct bytes){line.at + skipped, line.length - skipped};
    }
    return 0;
}

/* "inf" or "-inf", which thresholds are where all numbers go left; NULL: neither. */
static const uint8_t *
read_infinity(const uint8_t *at, const uint8_t *end, double *out)
{
    static const char word[] = "-inf";
    bool negative = at < end && *at == '-';
    size_t skipped = negative ? 0 : 1, length = sizeof(word) - 1 - skipped;
    if ((size_t)(end - at) < length || memcmp(at, word + skipped, length) != 0)
        return NULL;
    *out = negative ? -INFINITY : INFINITY;
    return at + length;
}

/* The next number of a list parted by blanks. */
static bool
next_number(struct bytes *list, double *out)
{
    const uint8_t *end = list->at + list->length, *at = list->at;
    struct number number;
    while (at < end && *at == ' ')
        at++;
    const uint8_t *after = number_read(at, end, &number);
    if (after != NULL)
        *out = number.integral ? (double)number.integer : number.real;
    else
        after = read_infinity(at, end, out);
    if (after == NULL || (after < end && *after != ' '))
        return false;
    *list = (struct bytes){after, (size_t)(end - after)};
    return true;
}

static int
read_numbers(const struct field *field, size_t count, struct arena *arena, double **out,
             struct error *err)
{
    struct bytes list = field->value;
    if (list.at == NULL || count > (list.length + 1) / 2) /* a digit and a blank each */
        return error_set(err, ERROR_INPUT, "\"%s\" does not have %zu numbers", field->key, count);
    double *number = arena_alloc(arena, count + 1, sizeof(*number));
    if (number == NULL)
        return error_memory(err, "trees");
    for (size_t i = 0; i < count; i++)
        if (!next_number(&list, &number[i]))
            return error_set(err, ERROR_INPUT, "\"%s\" has no number at place %zu of %zu",
                             field->key, i, count);
    for (size_t i = 0; i < list.length; i++)
        if (list.at[i] != ' ')
            return error_set(err, ERROR_INPUT, "\"%s\" has more than %zu numbers", field->key,
                             count);
    *out = number;
    return 0;
}

static int
read_count(const struct field *field, size_t least, size_t most, size_t *out, struct error *err)
{
    struct bytes list = field->value;
    double number;
    if (list.at == NULL || !next_number(&list, &number) || list.length > 0 ||
        !(number >= (double)least && number <= (double)most) || number != floor(number))
        return error_set(err, ERROR_INPUT, "\"%s\" is \"%.*s\", not a whole number of %zu to %zu",
                         field->key, (int)(field->value.length < 40 ? field->value.length : 40),
                         field->value.at != NULL ? (const char *)field->value.at : "", least, most);
    *out = (size_t)number;
    return 0;
}

/* ---- a tree */

enum {
    LEAVES,
    CATEGORIES,
    COLUMN,
    THRESHOLD,
    DECISION,
    LEFT,
    RIGHT,
    VALUE,
    LEAF_COUNT,
    COUNT,
    BOUNDARY,
    LIST,
    LINEAR,
    TREE_FIELDS
};
static const char *const tree_keys[TREE_FIELDS] = {
    "num_leaves",     "num_cat",       "split_feature", "threshold",  "decision_type",
    "left_child",     "right_child",   "leaf_value",    "leaf_count", "internal_count",
    "cat_boundaries", "cat_threshold", "is_linear"};

struct reading {
    struct arena *arena;
    struct foreign_tree *tree;
    bool nan_is_zero; /* in splits of categories: so it was before format v4 */
    size_t splits, leaves, sets, words;
    double *column, *threshold, *decision, *left, *right, *value, *leaf_count, *count, *boundary,
        *list;
};

static int
read_lists(struct reading *reading, const struct field *field, struct error *err)
{
    struct arena *arena = reading->arena;
    size_t splits = reading->splits;
    if (read_numbers(&field[VALUE], reading->leaves, arena, &reading->value, err) != 0)
        return -1;
    if (splits == 0)
        return 0;
    return read_numbers(&field[COLUMN], splits, arena, &reading->column, err) != 0 ||
                   read_numbers(&field[THRESHOLD], splits, arena, &reading->threshold, err) != 0 ||
                   read_numbers(&field[DECISION], splits, arena, &reading->decision, err) != 0 ||
                   read_numbers(&field[LEFT], splits, arena, &reading->left, err) != 0 ||
                   read_numbers(&field[RIGHT], splits, arena, &reading->right, err) != 0 ||
                   read_numbers(&field[LEAF_COUNT], reading->leaves, arena, &reading->leaf_count,
                                err) != 0 ||
                   read_numbers(&field[COUNT], splits, arena, &reading->count, err) != 0
               ? -1
               : 0;
}

/* Where each set of categories begins among the words of bits. */
static int
read_sets(struct reading *reading, const struct field *field, struct error *err)
{
    if (reading->sets == 0)
        return 0;
    if (read_numbers(&field[BOUNDARY], reading->sets + 1, reading->arena, &reading->boundary,
                     err) != 0)
        return -1;
    double before = 0;
    for (size_t i = 0; i <= reading->sets; i++) {
        double at = reading->boundary[i];
        if (!(at >= before && at <= FOREIGN_BYTES_MAX) || at != floor(at))
            return error_set(err, ERROR_INPUT, "\"cat_boundaries\" has %g after %g", at, before);
        before = at;
    }
    reading->words = (size_t)before;
    return read_numbers(&field[LIST], reading->words, reading->arena, &reading->list, err);
}

/* A child's node; UINT32_MAX: none, which is found later. Leaves stand behind the splits. */
static uint32_t
node_of(const struct reading *reading, double child)
{
    if (child >= 0 && child < (double)reading->splits)
        return (uint32_t)child;
    if (child < 0 && -child <= (double)reading->leaves)
        return (uint32_t)(reading->splits + (size_t)-child - 1);
    return UINT32_MAX;
}

static int
read_codes(struct reading *reading, size_t i, struct foreign_node *node, struct error *err)
{
    double set = reading->threshold[i];
    if (!(set >= 0 && set < (double)reading->sets) || set != floor(set))
        return error_set(err, ERROR_INPUT, "\"threshold\" %g of split %zu is none of %zu sets", set,
                         i, reading->sets);
    size_t begin = (size_t)reading->boundary[(size_t)set];
    size_t end = (size_t)reading->boundary[(size_t)set + 1];
    if (end - begin > FOREIGN_CATEGORIES_MAX / 32 + 1)
        return error_set(err, ERROR_INPUT, "the categories of split %zu go beyond %d", i,
                         FOREIGN_CATEGORIES_MAX);
    uint32_t *code = arena_alloc(reading->arena, 32 * (end - begin) + 1, sizeof(*code));
    if (code == NULL)
        return error_memory(err, "categories");
    for (size_t w = begin; w < end; w++) {
        double word = reading->list[w];
        if (!(word >= 0 && word <= UINT32_MAX) || word != floor(word))
            return error_set(err, ERROR_INPUT, "\"cat_threshold\" has %g", word);
        for (uint32_t bit = 0; bit < 32; bit++)
            if ((uint32_t)word >> bit & 1)
                code[node->codes++] = (uint32_t)(w - begin) * 32 + bit;
    }
    node->code = code;
    node->listed_left = true;
    if (reading->nan_is_zero && node->codes > 0 && code[0] == 0 &&
        ((int)reading->decision[i] & MISSING_NAN) == 0)
        return error_set(err, ERROR_INPUT,
                         "split %zu takes the missing for category 0, as format v3 did where "
                         "training had none missing: train it anew with LightGBM 4",
                         i);
    return 0;
}

/* Zeros that are missing must go where their neighbours on one side go. */
static int
split_numbers(const struct reading *reading, size_t i, struct foreign_node *node, struct error *err)
{
    int decision = (int)reading->decision[i];
    double threshold = reading->threshold[i];
    bool zero_missing = decision & MISSING_ZERO;
    node->missing_left = decision & DEFAULT_LEFT;
    if ((decision & (MISSING_NAN | MISSING_ZERO)) == 0)
        node->missing_left = threshold >= 0;
    if (!zero_missing || (node->missing_left ? threshold >= ZERO : threshold < -ZERO)) {
        foreign_split_up_to(node, threshold);
        return 0;
    }
    if (!node->missing_left && threshold == -ZERO) { /* which is a zero itself */
        foreign_split_below(node, threshold);
        return 0;
    }
    return error_set(err, ERROR_INPUT,
                     "split %zu sends zeros elsewhere than their neighbours: train without "
                     "zero_as_missing, with gaps as NaN",
                     i);
}

static int
read_split(struct reading *reading, size_t i, struct foreign_node *node, struct error *err)
{
    double column = reading->column[i], decision = reading->decision[i];
    int most = CATEGORY | DEFAULT_LEFT | MISSING_ZERO | MISSING_NAN;
    if (!(column >= 0 && column < TREES_COLUMNS_MAX) || !(decision >= 0 && decision <= most) ||
        column != floor(column) || decision != floor(decision) ||
        ((int)decision & (MISSING_ZERO | MISSING_NAN)) == (MISSING_ZERO | MISSING_NAN))
        return error_set(err, ERROR_INPUT, "split %zu has column %g and decision_type %g", i,
                         column, decision);
    *node = (struct foreign_node){.column = (uint32_t)column, .cover = reading->count[i]};
    node->left = node_of(reading, reading->left[i]);
    node->right = node_of(reading, reading->right[i]);
    node->category = (int)decision & CATEGORY;
    if (node->category)
        return read_codes(reading, i, node, err);
    return split_numbers(reading, i, node, err);
}

static int
check_covers(const struct foreign_tree *tree, struct error *err)
{
    for (size_t i = 0; i < tree->nodes; i++)
        if (!(tree->node[i].cover >= 0 && tree->node[i].cover <= TREES_VALUE_MAX))
            return error_set(err, ERROR_INPUT, "a node has counted %g rows", tree->node[i].cover);
    return 0;
}

static int
read_tree(struct lines *lines, struct reading *reading, struct error *err)
{
    struct field field[TREE_FIELDS];
    size_t linear = 0;
    for (size_t i = 0; i < TREE_FIELDS; i++)
        field[i] = (struct field){.key = tree_keys[i]};
    if (read_fields(lines, field, TREE_FIELDS, err) != 0 ||
        read_count(&field[LEAVES], 1, LEAVES_MAX, &reading->leaves, err) != 0 ||
        read_count(&field[CATEGORIES], 0, LEAVES_MAX, &reading->sets, err) != 0 ||
        (field[LINEAR].value.at != NULL && read_count(&field[LINEAR], 0, 1, &linear, err) != 0))
        return -1;
    if (linear != 0)
        return error_set(err, ERROR_INPUT, "its leaves are linear: train without linear_tree");
    reading->splits = reading->leaves - 1;
    if (read_lists(reading, field, err) != 0 || read_sets(reading, field, err) != 0)
        return -1;
    struct foreign_tree *tree = reading->tree;
    tree->nodes = reading->splits + reading->leaves;
    tree->node = arena_alloc(reading->arena, tree->nodes, sizeof(*tree->node));
    if (tree->node == NULL)
        return error_memory(err, "trees");
    for (size_t i = 0; i < reading->splits; i++)
        if (read_split(reading, i, &tree->node[i], err) != 0)
            return -1;
    for (size_t i = 0; i < reading->leaves; i++)
        tree->node[reading->splits + i] =
            (struct foreign_node){.column = TREE_LEAF,
                                  .value = reading->value[i],
                                  .cover = reading->splits > 0 ? reading->leaf_count[i] + 0.0 : 0};
    return check_covers(tree, err);
}

/* ---- the model */

enum { VERSION, CLASSES, PER_ROUND, LAST_COLUMN, OBJECTIVE, NAMES, MODEL_FIELDS };
static const char *const model_keys[MODEL_FIELDS] = {
    "version",         "num_class", "num_tree_per_iteration",
    "max_feature_idx", "objective", "feature_names"};

static const struct objective_name {
    const char *name;
    enum learning_task task;
} objectives[] = {
    {"binary", TASK_BINARY},         {"cross_entropy", TASK_BINARY},
    {"regression", TASK_REGRESSION}, {"regression_l1", TASK_REGRESSION},
    {"huber", TASK_REGRESSION},      {"fair", TASK_REGRESSION},
    {"quantile", TASK_REGRESSION},   {"mape", TASK_REGRESSION},
    {"multiclass", TASK_CLASSES},    {"lambdarank", TASK_RANKING},
    {"rank_xendcg", TASK_RANKING},
};

struct model_text {
    struct foreign_trees trees;
    double scale; /* of all values: the sigmoid's */
    bool average; /* of the rounds, not their sum */
    bool v3;
};

/* The next word of a line. */
static bool
next_word(struct bytes *rest, struct bytes *word)
{
    size_t skipped = 0, length = 0;
    while (skipped < rest->length && rest->at[skipped] == ' ')
        skipped++;
    while (skipped + length < rest->length && rest->at[skipped + length] != ' ')
        length++;
    *word = (struct bytes){rest->at + skipped, length};
    *rest = (struct bytes){rest->at + skipped + length, rest->length - skipped - length};
    return length > 0;
}

static int
refuse_objective(struct bytes given, struct error *err)
{
    return error_set(err, ERROR_INPUT,
                     "the objective \"%.*s\" predicts what no learner here does: train with "
                     "binary, multiclass, regression or lambdarank",
                     (int)(given.length < 60 ? given.length : 60),
                     given.at != NULL ? (const char *)given.at : "");
}

/* "binary sigmoid:1", "multiclass num_class:3", "regression"; "regression sqrt" is another link. */
static int
read_objective(struct bytes given, struct model_text *text, struct error *err)
{
    struct bytes rest = given, word;
    if (given.at == NULL || !next_word(&rest, &word))
        return refuse_objective(given, err);
    size_t i = 0, count = sizeof(objectives) / sizeof(objectives[0]);
    while (i < count && !bytes_equal_text(word, objectives[i].name))
        i++;
    if (i == count)
        return refuse_objective(given, err);
    text->trees.task = objectives[i].task;
    text->scale = 1;
    while (next_word(&rest, &word)) {
        bool sigmoid = text->trees.task == TASK_BINARY && begins(word, "sigmoid:");
        struct bytes number = {word.at + 8, sigmoid ? word.length - 8 : 0};
        if (sigmoid &&
            !(next_number(&number, &text->scale) && text->scale > 0 && number.length == 0))
            return refuse_objective(given, err);
        if (bytes_equal_text(word, "sqrt"))
            return refuse_objective(given, err);
    }
    return 0;
}

/* Names that LightGBM made up are none. */
static int
read_names(struct bytes list, struct arena *arena, struct foreign_trees *trees, struct error *err)
{
    const char **name = arena_alloc(arena, trees->columns + 1, sizeof(*name));
    bool made_up = true;
    struct bytes word;
    size_t j = 0;
    if (name == NULL)
        return error_memory(err, "names of columns");
    for (; list.at != NULL && j < trees->columns && next_word(&list, &word); j++) {
        char own[32];
        snprintf(own, sizeof(own), "Column_%zu", j);
        made_up = made_up && bytes_equal_text(word, own);
        if ((name[j] = arena_text(arena, word)) == NULL)
            return error_memory(err, "names of columns");
    }
    if (j < trees->columns || next_word(&list, &word))
        return error_set(err, ERROR_INPUT, "\"feature_names\" does not have %zu names",
                         trees->columns);
    trees->name = made_up ? NULL : name;
    return 0;
}

static int
read_head(struct lines *lines, struct arena *arena, struct model_text *text, struct foreign *out,
          struct error *err)
{
    struct field field[MODEL_FIELDS];
    size_t classes, last;
    for (size_t i = 0; i < MODEL_FIELDS; i++)
        field[i] = (struct field){.key = model_keys[i]};
    if (read_fields(lines, field, MODEL_FIELDS, err) != 0)
        return -1;
    text->v3 = bytes_equal_text(field[VERSION].value, "v3");
    if (!text->v3 && !bytes_equal_text(field[VERSION].value, "v4"))
        return error_set(err, ERROR_INPUT,
                         "\"version\" is neither v3 nor v4, as LightGBM 3 and 4 write: save the "
                         "model with one of these");
    out->program = text->v3 ? "LightGBM v3" : "LightGBM v4";
    if (read_objective(field[OBJECTIVE].value, text, err) != 0 ||
        read_count(&field[CLASSES], 1, TREES_OUTPUTS_MAX, &classes, err) != 0 ||
        read_count(&field[PER_ROUND], 1, TREES_OUTPUTS_MAX, &text->trees.outputs, err) != 0 ||
        read_count(&field[LAST_COLUMN], 0, TREES_COLUMNS_MAX - 1, &last, err) != 0)
        return -1;
    if (classes != text->trees.outputs || (text->trees.task == TASK_CLASSES) != (classes > 1) ||
        classes == 2)
        return error_set(err, ERROR_INPUT,
                         "\"num_class\" is %zu with %zu trees a round: of two classes train with "
                         "objective=binary, of more with multiclass",
                         classes, text->trees.outputs);
    text->trees.columns = last + 1;
    text->trees.bias = arena_alloc(arena, classes, sizeof(double));
    if (text->trees.bias == NULL)
        return error_memory(err, "trees");
    return read_names(field[NAMES].value, arena, &text->trees, err);
}

/* The lines from the first tree on; "end of trees" shows that nothing is cut off. */
static int
count_trees(struct lines lines, size_t *out, struct error *err)
{
    struct bytes line;
    size_t count = 0;
    while (next_line(&lines, &line)) {
        count += begins(line, "Tree=");
        if (bytes_equal_text(line, "end of trees")) {
            *out = count;
            return 0;
        }
    }
    return error_set(err, ERROR_INPUT, "the file is cut off: it has no \"end of trees\"");
}

static int
read_trees(struct lines *lines, struct arena *arena, struct model_text *text, struct error *err)
{
    struct bytes line;
    struct foreign_trees *trees = &text->trees;
    if (count_trees(*lines, &trees->count, err) != 0)
        return -1;
    trees->tree = arena_alloc(arena, trees->count + 1, sizeof(*trees->tree));
    if (trees->tree == NULL)
        return error_memory(err, "trees");
    double scale = text->scale;
    if (text->average && trees->count > 0)
        scale /= (double)(trees->count / trees->outputs);
    for (size_t t = 0; t < trees->count;) {
        if (!next_line(lines, &line) || !begins(line, "Tree="))
            continue;
        struct foreign_tree *tree = &trees->tree[t];
        *tree = (struct foreign_tree){.group = (uint32_t)(t % trees->outputs), .scale = scale};
        struct reading reading = {.arena = arena, .tree = tree, .nan_is_zero = text->v3};
        if (read_tree(lines, &reading, err) != 0)
            return error_wrap(err, "tree %zu", t);
        t++;
    }
    return 0;
}

static int
check_recoding(struct bytes list, struct error *err)
{
    json_t *all = json_loadb((const char *)list.at, list.length, JSON_REJECT_DUPLICATES, NULL);
    bool same = json_is_array(all);
    for (size_t j = 0; same && j < json_array_size(all); j++)
        same = foreign_codes_plain(json_array_get(all, j));
    json_decref(all);
    if (same)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "\"pandas_categorical\" numbers a column's categories otherwise than 0, 1, 2 "
                     "..: train on the codes of the exported rows, all of them");
}

/* What stands about the model as a whole: "average_output" in its head, and at its end the
 * categories of a data frame. */
static int
read_marks(struct lines lines, struct model_text *text, struct error *err)
{
    static const char categories[] = "pandas_categorical:";
    size_t skipped = sizeof(categories) - 1;
    struct bytes line;
    while (next_line(&lines, &line)) {
        text->average = text->average || bytes_equal_text(line, "average_output");
        if (!begins(line, categories))
            continue;
        struct bytes list = {line.at + skipped, line.length - skipped};
        if (!bytes_equal_text(list, "null") && check_recoding(list, err) != 0)
            return -1;
    }
    return 0;
}

int
foreign_read_lightgbm(struct bytes bytes, const struct foreign_columns *wanted, struct arena *arena,
                      struct foreign *out, struct error *err)
{
    struct lines lines = {bytes.at, bytes.at + bytes.length, 0};
    struct model_text text = {.scale = 1};
    if (read_marks(lines, &text, err) != 0 || read_head(&lines, arena, &text, out, err) != 0 ||
        read_trees(&lines, arena, &text, err) != 0 ||
        foreign_grow(&text.trees, wanted, arena, out, err) != 0)
        return err->kind == ERROR_INPUT ? error_wrap(err, "LightGBM's model") : -1;
    return 0;
}
