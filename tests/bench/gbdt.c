/* gbdt: boosting on rows of chance, for comparing with other libraries' at equal settings. Rows lie
 * in a file of float32, COLUMNS numbers each, and then a label each. gbdt draw ROWS FILE writes
 * such a file gbdt fit ROWS FILE THREADS TEST SCORES     fits, scores the rows of TEST, which is as
 * long as a quarter; prints cpu_seconds, seconds and mb gbdt rate ROWS TEST SCORES prints the area
 * under the curve of such scores SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "chance.h"
#include "evaluate.h"
#include "model/model.h"

#define COLUMNS 28

struct table {
    struct matrix x;
    double *y;
};

static _Noreturn void PRINTF(1, 2) die(const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    fputs("gbdt: ", stderr);
    vfprintf(stderr, fmt, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static void *
room(size_t count, size_t size)
{
    void *at = calloc(count, size);
    if (at == NULL)
        die("no memory for %zu times %zu bytes", count, size);
    return at;
}

static size_t
number(const char *text)
{
    long value = atol(text);
    if (value < 1)
        die("\"%s\" is no number from 1 up", text);
    return (size_t)value;
}

/* Sums of uniform numbers, some of which matter by themselves, some together, some not at all. */
static void
draw_row(uint64_t seed, float *row, float *label)
{
    uint64_t draws = 0;
    for (size_t j = 0; j < COLUMNS; j++) {
        double sum = 0;
        for (size_t k = 0; k < 4; k++)
            sum += chance_draw_unit(chance_draw(seed, draws++)) - 0.5;
        row[j] = (float)(sum * 1.7);
    }
    double margin = (double)row[0] + 0.5 * (double)(row[1] * row[2]) + sin(2 * (double)row[3]);
    for (size_t j = 4; j < 10; j++)
        margin += 0.3 * (double)row[j];
    double chance = chance_draw_unit(chance_draw(seed, draws));
    *label = chance < 1 / (1 + exp(-1.5 * margin)) ? 1 : 0;
}

static void
draw_rows(size_t rows, const char *path)
{
    float *x = room(rows * COLUMNS, sizeof(*x)), *y = room(rows, sizeof(*y));
    for (size_t i = 0; i < rows; i++)
        draw_row(chance_draw(rows, i), &x[i * COLUMNS], &y[i]);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(x, sizeof(*x), rows * COLUMNS, file) != rows * COLUMNS ||
        fwrite(y, sizeof(*y), rows, file) != rows || fclose(file) != 0)
        die("cannot write %s", path);
    free(x);
    free(y);
}

static struct table
read_rows(size_t rows, const char *path)
{
    struct table table = {{rows, COLUMNS, room(rows * COLUMNS, sizeof(float))},
                          room(rows, sizeof(double))};
    float *y = room(rows, sizeof(*y));
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(table.x.at, sizeof(float), rows * COLUMNS, file) != rows * COLUMNS ||
        fread(y, sizeof(*y), rows, file) != rows)
        die("%s does not hold %zu rows", path, rows);
    fclose(file);
    for (size_t i = 0; i < rows; i++)
        table.y[i] = (double)y[i];
    free(y);
    return table;
}

static double
clock_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The defaults are what gbdt.py gives its peers. */
static void *
defaults(const struct model_type *type)
{
    char *settings = room(1, type->settings_size);
    for (const struct setting *row = type->table; row->name != NULL; row++) {
        if (row->type == SETTING_COUNT)
            *(int64_t *)(void *)(settings + row->at) = atoll(row->fallback);
        else if (row->type == SETTING_REAL)
            *(double *)(void *)(settings + row->at) = atof(row->fallback);
    }
    return settings;
}

static void
write_scores(const double *score, size_t rows, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(score, sizeof(*score), rows, file) != rows || fclose(file) != 0)
        die("cannot write %s", path);
}

static void
fit(size_t rows, const char *path, size_t threads, const char *test_path, const char *scores_path)
{
    const struct model_type *type = model_find("boosting");
    struct table training = read_rows(rows, path), test = read_rows(rows / 4, test_path);
    struct dataset data = {.x = training.x, .y = training.y, .classes = 2};
    const struct fitting fitting = {.seed = 1, .threads = (unsigned)threads};
    struct model *model = NULL;
    struct error err = {0};
    void *settings = defaults(type);
    double *score = room(test.x.rows, sizeof(*score));
    double cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID), seconds = clock_of(CLOCK_MONOTONIC);
    if (type->fit(settings, &data, &fitting, &model, &err) != 0)
        die("%s", err.message);
    cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    seconds = clock_of(CLOCK_MONOTONIC) - seconds;
    type->predict(model, &test.x, score);
    write_scores(score, test.x.rows, scores_path);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("cpu_seconds=%.4f seconds=%.4f mb=%ld\n", cpu, seconds, usage.ru_maxrss / 1024);
    type->free(&model);
}

static void
rate(size_t rows, const char *test_path, const char *scores_path)
{
    struct table test = read_rows(rows, test_path);
    double *score = room(rows, sizeof(*score));
    struct evaluation evaluation;
    struct error err = {0};
    FILE *file = fopen(scores_path, "rb");
    if (file == NULL || fread(score, sizeof(*score), rows, file) != rows)
        die("%s does not hold %zu scores", scores_path, rows);
    fclose(file);
    if (evaluate(test.y, score, rows, 0.5, &evaluation, &err) != 0)
        die("%s", err.message);
    printf("auc=%.5f\n", evaluation.auc);
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "draw") == 0)
        draw_rows(number(argv[2]), argv[3]);
    else if (argc == 7 && strcmp(argv[1], "fit") == 0)
        fit(number(argv[2]), argv[3], number(argv[4]), argv[5], argv[6]);
    else if (argc == 5 && strcmp(argv[1], "rate") == 0)
        rate(number(argv[2]), argv[3], argv[4]);
    else
        die("usage: gbdt draw ROWS FILE | fit ROWS FILE THREADS TEST SCORES | rate ROWS TEST "
            "SCORES");
    return 0;
}
