/* Every learner there is: the same data, settings and seed give the same model file, by any number
 * of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>
#include <unistd.h>

#include "digest.h"
#include "learning.h"

#define ROWS      300
#define ROWS_MANY 20000 /* more than one thread's piece of any learner's work */
#define COLUMNS   6

static struct arena *arena;

/* What the learner can learn, of the tasks in this order. */
static struct dataset
data_for(const struct model_type *type, size_t rows)
{
    struct dataset data = {.x = {rows, COLUMNS, NULL}};
    struct chance chance = chance_of(5, 0);
    double *y = arena_alloc(arena, rows, sizeof(*y));
    uint32_t tasks = type->ability.tasks;
    bool binary = tasks & TASK_BINARY, number = !binary && tasks & TASK_REGRESSION;
    data.x.at = arena_alloc(arena, rows * COLUMNS, sizeof(float));
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            float cell = (float)chance_below(&chance, 1000) / 100 - 5;
            data.x.at[i * COLUMNS + j] = cell;
            sum += (double)cell * ((double)j - 2);
        }
        sum += (double)chance_below(&chance, 1000) / 50 - 10;
        y[i] = number ? sum : sum > 0;
    }
    if (binary || number)
        data.y = y;
    data.classes = binary ? 2 : 0;
    return data;
}

/* Settings at their defaults but for these. */
static const char *
settings_for(const struct model_type *type)
{
    static const char *const few[][2] = {
        {"perceptron", "{'hidden': '8', 'rounds': 5}"},
        {"forest", "{'trees': 5, 'row_share': 0.7}"},
        {"boosting", "{'rounds': 5, 'row_share': 0.7, 'column_share': 0.7}"},
        {"isolation", "{'trees': 5}"},
        {"k_means", "{'clusters': 3}"},
        {"svm", "{'features': 20}"},
    };
    for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
        if (strcmp(few[i][0], type->name) == 0)
            return few[i][1];
    return "{}";
}

static void
digest_fit(const struct model_type *type, size_t rows, unsigned threads, char out[DIGEST_HEX])
{
    struct dataset data = data_for(type, rows);
    const struct fitting fitting = {.seed = 7, .threads = threads};
    struct model *model = NULL;
    struct error err = {0};
    struct bytes saved;
    ck_assert_msg(type->fit(learning_settings(arena, type, settings_for(type)), &data, &fitting,
                            &model, &err) == 0,
                  "%s: %s", type->name, err.message);
    ck_ok(type->save(model, arena, &saved, &err), err);
    digest_hex(saved, out);
    type->free(&model);
}

/* In a process of its own, whose memory lies elsewhere and was never used. */
static void
digest_elsewhere(const struct model_type *type, unsigned threads, char out[DIGEST_HEX])
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char digest[DIGEST_HEX];
        free(malloc((size_t)getpid() % 4096 * 64)); /* a heap of another shape */
        digest_fit(type, ROWS, threads, digest);
        _exit(write(ends[1], digest, DIGEST_HEX) == DIGEST_HEX ? 0 : 1);
    }
    ck_assert_int_eq(read(ends[0], out, DIGEST_HEX), DIGEST_HEX);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(ends[0]);
    close(ends[1]);
}

static void
check_all(unsigned threads)
{
    arena = credit_arena();
    for (size_t i = 0; model_types[i] != NULL; i++) {
        char here[DIGEST_HEX], again[DIGEST_HEX], elsewhere[DIGEST_HEX];
        digest_fit(model_types[i], ROWS, threads, here);
        digest_fit(model_types[i], ROWS, threads, again);
        digest_elsewhere(model_types[i], threads, elsewhere);
        ck_assert_msg(strcmp(here, again) == 0, "%s: a second fit differs", model_types[i]->name);
        ck_assert_msg(strcmp(here, elsewhere) == 0, "%s: another process differs",
                      model_types[i]->name);
    }
    arena_close(&arena);
}

START_TEST(every_learner_writes_the_same_file_by_one_thread)
{
    check_all(1);
}
END_TEST

START_TEST(every_learner_writes_the_same_file_by_two_threads)
{
    check_all(2);
}
END_TEST

START_TEST(no_learner_s_file_tells_how_many_threads_there_were)
{
    arena = credit_arena();
    for (size_t i = 0; model_types[i] != NULL; i++) {
        char one[DIGEST_HEX], several[DIGEST_HEX];
        digest_fit(model_types[i], ROWS_MANY, 1, one);
        for (unsigned threads = 2; threads < 6; threads += 3) {
            digest_fit(model_types[i], ROWS_MANY, threads, several);
            ck_assert_msg(strcmp(one, several) == 0, "%s: %u threads differ from one",
                          model_types[i]->name, threads);
        }
    }
    arena_close(&arena);
}
END_TEST

/* A test of sameness is worth what it finds: another seed is seen where a learner uses it. */
START_TEST(another_seed_is_another_file)
{
    arena = credit_arena();
    const struct model_type *boosting = model_find("boosting");
    struct dataset data = data_for(boosting, ROWS);
    char one[DIGEST_HEX], other[DIGEST_HEX];
    char *const digest[] = {one, other};
    for (uint64_t seed = 0; seed < 2; seed++) {
        const struct fitting fitting = {.seed = seed};
        struct model *model = NULL;
        struct error err = {0};
        struct bytes saved;
        ck_ok(boosting->fit(learning_settings(arena, boosting, settings_for(boosting)), &data,
                            &fitting, &model, &err),
              err);
        ck_ok(boosting->save(model, arena, &saved, &err), err);
        digest_hex(saved, digest[seed]);
        boosting->free(&model);
    }
    ck_assert_str_ne(one, other);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("same_bits", every_learner_writes_the_same_file_by_one_thread,
          every_learner_writes_the_same_file_by_two_threads,
          no_learner_s_file_tells_how_many_threads_there_were, another_seed_is_another_file)
