/* fits: any learner of the product on a matrix out of a file, for comparing with other libraries'
 * at equal settings.
 *
 *   fits LEARNER SETTINGS THREADS SEED TRAINING TEST SCORES [START SETTINGS]
 *
 * SETTINGS: a JSON object of the learner's own. TRAINING, TEST: three uint64, rows, columns
 * and classes (0: y is a number; 1: nobody looks at it), rows by columns float32, rows float64, as
 * the machine keeps them. SCORES takes what the model says of TEST's rows, float64. With START, a
 * fit with those settings comes first, untimed, its model's bytes go to the file START, and the fit
 * goes on from there. Prints the fit's processor time and time by the clock, the memory of the
 * process and how much of it came with the fit. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model/model.h"

#define NUMBERS_MAX ((size_t)1 << 33) /* in a file */
#define ARENA_BYTES ((size_t)1 << 30)

struct table {
    struct matrix x;
    double *y;
    size_t classes;
};

static _Noreturn void PRINTF(1, 2) die(const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    fputs("fits: ", stderr);
    vfprintf(stderr, fmt, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static void *
room(size_t count, size_t size)
{
    void *at = calloc(count + 1, size);
    if (at == NULL)
        die("no memory for %zu times %zu bytes", count, size);
    return at;
}

static struct table
read_table(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint64_t head[3];
    if (file == NULL || fread(head, sizeof(head), 1, file) != 1)
        die("cannot read %s", path);
    size_t rows = (size_t)head[0], columns = (size_t)head[1], numbers;
    if (__builtin_mul_overflow(rows, columns, &numbers) || numbers > NUMBERS_MAX)
        die("%s is too large", path);
    struct table table = {
        {rows, columns, room(numbers, sizeof(float))}, room(rows, sizeof(double)), (size_t)head[2]};
    if (fread(table.x.at, sizeof(float), numbers, file) != numbers ||
        fread(table.y, sizeof(double), rows, file) != rows)
        die("%s does not hold %zu rows of %zu numbers", path, rows, columns);
    fclose(file);
    return table;
}

static void
write_file(const char *path, const void *at, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(at, 1, size, file) != size || fclose(file) != 0)
        die("cannot write %s", path);
}

static void *
read_settings(const struct model_type *type, const char *text)
{
    json_error_t at;
    json_t *document = json_loads(text, 0, &at);
    struct mistakes *mistakes = mistakes_create();
    const struct node node = {document, ""};
    void *settings = room(1, type->settings_size);
    if (document == NULL || config_from_node(type->table, &node, NULL, settings, mistakes) != 0)
        die("the settings %s are mistaken", text);
    mistakes_free(&mistakes);
    return settings;
}

static double
seconds_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static long
peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

static struct model *
fit(const struct model_type *type, const char *settings, const struct dataset *data,
    const struct fitting *fitting)
{
    struct model *model = NULL;
    struct error err = {0};
    if (type->fit(read_settings(type, settings), data, fitting, &model, &err) != 0)
        die("%s", err.message);
    return model;
}

/* The model that the timed fit goes on from. */
static struct model *
begin(const struct model_type *type, const char *settings, const struct dataset *data,
      const struct fitting *fitting, const char *path)
{
    struct model *model = fit(type, settings, data, fitting);
    struct arena *arena = NULL;
    struct bytes saved;
    struct error err = {0};
    if (arena_open(&arena, ARENA_BYTES, &err) != 0 || type->save(model, arena, &saved, &err) != 0)
        die("%s", err.message);
    write_file(path, saved.at, saved.length);
    arena_close(&arena);
    return model;
}

int
main(int argc, char **argv)
{
    const struct model_type *type = argc == 8 || argc == 10 ? model_find(argv[1]) : NULL;
    if (type == NULL)
        die("usage: fits LEARNER SETTINGS THREADS SEED TRAINING TEST SCORES [START SETTINGS]");
    struct table training = read_table(argv[5]), test = read_table(argv[6]);
    const struct dataset data = {.x = training.x,
                                 .y = training.classes == 1 ? NULL : training.y,
                                 .classes = training.classes == 1 ? 0 : training.classes};
    struct fitting fitting = {.seed = strtoull(argv[4], NULL, 10),
                              .threads = (unsigned)atoi(argv[3])};
    if (argc == 10)
        fitting.start = begin(type, argv[9], &data, &fitting, argv[8]);
    long before_mb = peak_mb();
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), seconds = seconds_of(CLOCK_MONOTONIC);
    struct model *model = fit(type, argv[2], &data, &fitting);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    seconds = seconds_of(CLOCK_MONOTONIC) - seconds;
    long mb = peak_mb();
    size_t outputs = type->outputs(model);
    double *score = room(test.x.rows * outputs, sizeof(*score));
    type->predict(model, &test.x, score);
    write_file(argv[7], score, test.x.rows * outputs * sizeof(*score));
    printf("cpu_seconds=%.4f seconds=%.4f mb=%ld fit_mb=%ld\n", cpu, seconds, mb, mb - before_mb);
    return 0;
}
