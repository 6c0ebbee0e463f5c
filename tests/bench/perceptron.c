/* perceptron: the product's perceptron fitted to a matrix out of a file.
 *
 *   perceptron FILE HIDDEN ROUNDS
 *
 * FILE: two uint64, rows and columns, then rows by columns float32, the last column the class, as
 * the machine keeps them. Rows whose number is divisible by 5 are held out. Prints the seconds of
 * the fit by the clock and of the processor, the memory, and the AUC of the rows held out.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "evaluate.h"
#include "model/model.h"

#define ROWS_MAX    10000000
#define COLUMNS_MAX 10000

extern const struct model_type model_perceptron;

static struct split {
    struct dataset fitted, held;
} split;

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "perceptron: %s\n", what);
    exit(1);
}

static struct dataset
room_for(size_t rows, size_t columns)
{
    struct dataset data = {.classes = 2};
    data.x = (struct matrix){0, columns, calloc(rows * columns, sizeof(float))};
    data.y = calloc(rows, sizeof(double));
    if (data.x.at == NULL || data.y == NULL)
        die("out of memory");
    return data;
}

static void
read_split(const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t size[2];
    if (file == NULL || fread(size, sizeof(size), 1, file) != 1)
        die(path);
    size_t rows = (size_t)size[0], columns = (size_t)size[1] - 1;
    if (rows > ROWS_MAX || columns > COLUMNS_MAX)
        die("the matrix is too large");
    split.fitted = room_for(rows, columns);
    split.held = room_for(rows / 5 + 1, columns);
    for (size_t i = 0; i < rows; i++) {
        struct dataset *to = i % 5 == 0 ? &split.held : &split.fitted;
        float label;
        if (fread(to->x.at + to->x.rows * columns, sizeof(float), columns, file) != columns ||
            fread(&label, sizeof(label), 1, file) != 1)
            die("the file is too short");
        ((double *)(uintptr_t)to->y)[to->x.rows++] = (double)label;
    }
    fclose(file);
}

/* scikit-learn divides its penalty by the rows of a batch. */
static void *
read_settings(json_t *document)
{
    const struct node node = {document, ""};
    struct mistakes *mistakes = mistakes_create();
    void *settings = calloc(1, model_perceptron.settings_size);
    if (settings == NULL || document == NULL ||
        config_from_node(model_perceptron.table, &node, NULL, settings, mistakes) != 0)
        die("the settings are mistaken");
    mistakes_free(&mistakes);
    return settings;
}

static double
rate(const struct model *model)
{
    struct evaluation found;
    struct error err = {0};
    double *p = calloc(split.held.x.rows, sizeof(*p));
    if (p == NULL)
        die("out of memory");
    model_perceptron.predict(model, &split.held.x, p);
    if (evaluate(split.held.y, p, split.held.x.rows, 0.5, &found, &err) != 0)
        die(err.message);
    free(p);
    return found.auc;
}

/* Of the whole process, threads included. */
static double
cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
    if (argc != 4)
        die("usage: perceptron FILE HIDDEN ROUNDS");
    read_split(argv[1]);
    json_t *document = json_pack("{s:s s:i s:f s:i}", "hidden", argv[2], "rounds", atoi(argv[3]),
                                 "weight_decay", 5e-7, "patience", 0);
    void *settings = read_settings(document);
    struct model *model = NULL;
    struct error err = {0};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    int64_t began_ms = clock_monotonic_ms();
    if (model_perceptron.fit(settings, &split.fitted, &(struct fitting){.seed = 1}, &model, &err) !=
        0)
        die(err.message);
    int64_t took_ms = clock_monotonic_ms() - began_ms;
    getrusage(RUSAGE_SELF, &after);
    printf("seconds=%.3f cpu_seconds=%.3f resident_mb=%.0f auc=%.5f\n", (double)took_ms / 1000,
           cpu_seconds(&after) - cpu_seconds(&before), (double)after.ru_maxrss / 1024, rate(model));
    return 0;
}
