/* trees: the product's trees with the very splits and leaves of an XGBoost model, for comparing
 * prediction and explanation. Rows lie in a file as gbdt.c writes it; ROWS of them are used.
 *
 *   trees batch MODEL.json ROWS FILE OUT ROUNDS     margins, float64
 *   trees row MODEL.json ROWS FILE OUT ROUNDS       the same, each row by itself
 *   trees explain MODEL.json ROWS FILE OUT ROUNDS   rows by columns + 1, base value last, float64
 *   trees xgboost-row LIBRARY MODEL ROWS FILE OUT ROUNDS
 *   trees lightgbm-row LIBRARY MODEL ROWS FILE OUT ROUNDS    the peers, a row a call, in C as ours
 *
 * Prints cpu_us, the processor time a row, and mb.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "trees.h"

#define COLUMNS 28

static _Noreturn void PRINTF(1, 2) die(const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    fputs("trees: ", stderr);
    vfprintf(stderr, fmt, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static void
must(int answer, const struct error *err)
{
    if (answer != 0)
        die("%s", err->message);
}

/* ---- an XGBoost model: one tree a round, no categories */
struct source {
    json_t *left, *right, *column, *threshold, *missing_left, *cover;
};

static double
number_at(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}
static bool
flag_at(const json_t *array, size_t i)
{
    const json_t *value = json_array_get(array, i);
    return json_is_true(value) || json_number_value(value) > 0;
}

/* Node `from` of theirs as leaf `to` of ours, and all below it. */
static void
copy_node(const struct source *source, size_t from, struct trees *trees, uint32_t to)
{
    double left = number_at(source->left, from), right = number_at(source->right, from);
    struct error err = {0};
    uint32_t child;
    if (left < 0) {
        *trees_leaf(trees, to) = (double)(float)number_at(source->threshold, from);
        return;
    }
    const struct tree_split split = {
        .column = (uint32_t)number_at(source->column, from),
        .threshold = (float)number_at(source->threshold, from),
        .missing_left = flag_at(source->missing_left, from),
        .cover = {number_at(source->cover, (size_t)left), number_at(source->cover, (size_t)right)}};
    must(trees_split(trees, to, &split, &child, &err), &err);
    copy_node(source, (size_t)left, trees, child);
    copy_node(source, (size_t)right, trees, child + 1);
}

static struct trees *
read_trees(const char *path)
{
    json_error_t at;
    json_t *document = json_load_file(path, 0, &at), *list = NULL, *tree;
    struct trees *trees = NULL;
    struct error err = {0};
    size_t t;
    if (document == NULL || json_unpack(document, "{s:{s:{s:{s:o}}}}", "learner",
                                        "gradient_booster", "model", "trees", &list) != 0)
        die("%s is no model of XGBoost's", path);
    must(trees_create(COLUMNS, 1, 1, &trees, &err), &err);
    json_array_foreach(list, t, tree)
    {
        struct source source;
        if (json_unpack(tree, "{s:o s:o s:o s:o s:o s:o}", "left_children", &source.left,
                        "right_children", &source.right, "split_indices", &source.column,
                        "split_conditions", &source.threshold, "default_left", &source.missing_left,
                        "sum_hessian", &source.cover) != 0)
            die("tree %zu of %s lacks something", t, path);
        must(trees_begin(trees, number_at(source.cover, 0), &err), &err);
        copy_node(&source, 0, trees, 0);
    }
    json_decref(document);
    must(trees_prepare(trees, &err), &err);
    return trees;
}

static struct matrix
read_rows(size_t rows, const char *path)
{
    struct matrix x = {rows, COLUMNS, calloc(rows * COLUMNS, sizeof(float))};
    FILE *file = fopen(path, "rb");
    if (x.at == NULL || file == NULL ||
        fread(x.at, sizeof(float), rows * COLUMNS, file) != rows * COLUMNS)
        die("%s does not hold %zu rows", path, rows);
    fclose(file);
    return x;
}

/* ---- what is measured: all rows into `out`, which begins at 0 */
struct side {
    void *self;
    size_t width; /* of out, a row */
    void (*run)(void *self, const struct matrix *x, double *out);
};

static void
predict_batch(void *trees, const struct matrix *x, double *out)
{
    trees_add(trees, x, out);
}
static void
predict_rows(void *trees, const struct matrix *x, double *out)
{
    for (size_t i = 0; i < x->rows; i++)
        trees_add(trees, &(struct matrix){1, COLUMNS, x->at + i * COLUMNS}, &out[i]);
}
static void
explain(void *trees, const struct matrix *x, double *out)
{
    static const uint32_t output[TREES_EXPLAIN_ROWS];
    for (size_t i = 0; i < x->rows; i += TREES_EXPLAIN_ROWS) {
        size_t left = x->rows - i;
        const struct matrix some = {left < TREES_EXPLAIN_ROWS ? left : TREES_EXPLAIN_ROWS, COLUMNS,
                                    x->at + i * COLUMNS};
        trees_explain(trees, &some, output, &out[i * (COLUMNS + 1)]);
    }
}

/* ---- peers, by their C interfaces */
struct peer {
    void *handle;
    int (*xgboost_predict)(void *, const char *values, const char *config, void *none,
                           const uint64_t **shape, uint64_t *dimensions, const float **out);
    void *fast; /* LightGBM's settings for single rows */
    int (*lightgbm_predict)(void *fast, const void *row, int64_t *length, double *out);
    float row[COLUMNS]; /* where XGBoost reads */
    char values[200];
};

static void *
symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL)
        die("%s is not there", name);
    return found;
}

static void
xgboost_rows(void *self, const struct matrix *x, double *out)
{
    struct peer *peer = self;
    const uint64_t *shape;
    const float *margin;
    uint64_t dimensions;
    for (size_t i = 0; i < x->rows; i++) {
        memcpy(peer->row, x->at + i * COLUMNS, sizeof(peer->row));
        if (peer->xgboost_predict(peer->handle, peer->values,
                                  "{\"type\": 1, \"iteration_begin\": 0, \"iteration_end\": 0, "
                                  "\"strict_shape\": false, \"missing\": NaN, \"cache_id\": 0}",
                                  NULL, &shape, &dimensions, &margin) != 0)
            die("XGBoost cannot predict");
        out[i] = (double)margin[0];
    }
}
static struct side
open_xgboost(void *library, const char *path)
{
    static struct peer peer;
    int (*create)(const void *const *, uint64_t, void **) = symbol(library, "XGBoosterCreate");
    int (*load)(void *, const char *) = symbol(library, "XGBoosterLoadModel");
    int (*set)(void *, const char *, const char *) = symbol(library, "XGBoosterSetParam");
    peer.xgboost_predict = symbol(library, "XGBoosterPredictFromDense");
    if (create(NULL, 0, &peer.handle) != 0 || load(peer.handle, path) != 0 ||
        set(peer.handle, "nthread", "1") != 0)
        die("XGBoost cannot read %s", path);
    snprintf(peer.values, sizeof(peer.values),
             "{\"data\": [%zu, true], \"shape\": [1, %d], \"typestr\": \"<f4\", \"version\": 3}",
             (size_t)(uintptr_t)peer.row, COLUMNS);
    return (struct side){&peer, 1, xgboost_rows};
}

static void
lightgbm_rows(void *self, const struct matrix *x, double *out)
{
    const struct peer *peer = self;
    int64_t length;
    for (size_t i = 0; i < x->rows; i++)
        if (peer->lightgbm_predict(peer->fast, x->at + i * COLUMNS, &length, &out[i]) != 0)
            die("LightGBM cannot predict");
}
static struct side
open_lightgbm(void *library, const char *path)
{
    enum { FLOAT32 = 0, RAW_SCORE = 1 };
    static struct peer peer;
    int rounds;
    int (*create)(const char *, int *, void **) =
        symbol(library, "LGBM_BoosterCreateFromModelfile");
    int (*fast)(void *, int, int, int, int, int, const char *, void **) =
        symbol(library, "LGBM_BoosterPredictForMatSingleRowFastInit");
    peer.lightgbm_predict = symbol(library, "LGBM_BoosterPredictForMatSingleRowFast");
    if (create(path, &rounds, &peer.handle) != 0 ||
        fast(peer.handle, RAW_SCORE, 0, 0, FLOAT32, COLUMNS, "num_threads=1", &peer.fast) != 0)
        die("LightGBM cannot read %s", path);
    return (struct side){&peer, 1, lightgbm_rows};
}

static struct side
open_peer(const char *which, const char *library, const char *model)
{
    void *loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (loaded == NULL)
        die("%s cannot be loaded", library);
    if (strcmp(which, "xgboost-row") == 0)
        return open_xgboost(loaded, model);
    if (strcmp(which, "lightgbm-row") == 0)
        return open_lightgbm(loaded, model);
    die("there is no %s", which);
}

static struct side
open_ours(const char *which, const char *model)
{
    struct trees *trees = read_trees(model);
    if (strcmp(which, "batch") == 0)
        return (struct side){trees, 1, predict_batch};
    if (strcmp(which, "row") == 0)
        return (struct side){trees, 1, predict_rows};
    if (strcmp(which, "explain") == 0)
        return (struct side){trees, COLUMNS + 1, explain};
    die("there is no %s", which);
}

static double
cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
measure(const struct side *side, const struct matrix *x, size_t rounds, const char *path)
{
    size_t count = x->rows * side->width;
    double *out = calloc(count, sizeof(*out)), cpu = 0;
    struct rusage usage;
    if (out == NULL)
        die("out of memory");
    for (size_t i = 0; i <= rounds; i++) { /* the first one is not counted */
        memset(out, 0, count * sizeof(*out));
        double began = cpu_seconds();
        side->run(side->self, x, out);
        cpu += i > 0 ? cpu_seconds() - began : 0;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(out, sizeof(*out), count, file) != count || fclose(file) != 0)
        die("cannot write %s", path);
    getrusage(RUSAGE_SELF, &usage);
    printf("cpu_us=%.4f mb=%ld\n", cpu / (double)(rounds * x->rows) * 1e6, usage.ru_maxrss / 1024);
    free(out);
}

int
main(int argc, char **argv)
{
    if (argc != 7 && argc != 8)
        die("usage: trees batch|row|explain MODEL ROWS FILE OUT ROUNDS | trees xgboost-row|"
            "lightgbm-row LIBRARY MODEL ROWS FILE OUT ROUNDS");
    struct side side =
        argc == 8 ? open_peer(argv[1], argv[2], argv[3]) : open_ours(argv[1], argv[2]);
    char **rest = &argv[argc - 4];
    const struct matrix x = read_rows(strtoul(rest[0], NULL, 10), rest[1]);
    measure(&side, &x, strtoul(rest[3], NULL, 10), rest[2]);
    return 0;
}
