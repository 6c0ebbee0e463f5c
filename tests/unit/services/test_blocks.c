/* Training from more rows than memory holds, on a real PostgreSQL, against training in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/blocks.h"

#include <math.h>

#include "outcome.h"
#include "training_bench.h"

extern const struct model_type model_boosting, model_forest;

#define MANY   66 /* copies of the rows, for a history that is too long */
#define MEMORY ((size_t)12 << 20)

/* Numbers and categories as they are, for trees. */
static struct pipeline *
of_trees(const struct model_type *learner)
{
    struct pipeline *made = credit_tree_pipeline(arena, learner);
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)known;
    pipeline->encoder = made->encoder;
    pipeline->encoders = made->encoders;
    pipeline->train.learner = learner;
    pipeline->train.settings = made->train.settings;
    if (learner == &model_boosting)
        credit_set_count((void *)(uintptr_t)made->train.settings, learner->table, "rounds", 10);
    return pipeline;
}

struct learnt_in_memory {
    struct history history;
    struct split split;
    struct training training;
};

static struct learnt_in_memory
learn_in_memory(const struct pipeline *pipeline)
{
    struct learnt_in_memory made;
    ck_ok(history_read(db, task.arena, pipeline, NULL, &made.history, &err), err);
    ck_ok(split_make(pipeline, made.history.frame, &made.split, &err), err);
    ck_ok(train_fit(pipeline, made.history.frame, &made.split, 2, &made.training, &err), err);
    return made;
}

static struct blocks
read_blocks(const struct pipeline *pipeline, size_t sample, struct training *training)
{
    const struct blocks_source source = {db, task.arena, pipeline, "/tmp", sample, 1};
    struct blocks blocks;
    ck_ok(blocks_read(&source, &blocks, &err), err);
    ck_ok(blocks_fit(&source, &blocks, training, &err), err);
    return blocks;
}

static void
check_equal(const struct pipeline *pipeline)
{
    struct training training;
    struct learnt_in_memory whole = learn_in_memory(pipeline);
    struct blocks blocks = read_blocks(pipeline, 1000, &training);
    struct bytes parts;
    ck_assert_str_eq(training.digest, whole.training.digest);
    ck_assert(bytes_equal(training.artefact, whole.training.artefact));
    ck_assert_uint_eq(blocks.all.train_rows, whole.split.train_rows);
    ck_assert_uint_eq(blocks.all.test_rows, whole.split.test_rows);
    ck_assert_str_eq(blocks.all.digest, whole.split.digest);
    ck_ok(split_copy(&whole.split, whole.history.frame, task.arena, &parts, &err), err);
    ck_assert(bytes_equal(blocks.parts, parts));
    train_free(&training);
    train_free(&whole.training);
    blocks_free(&blocks);
    history_free(&whole.history);
}

START_TEST(of_a_history_that_the_sample_holds_the_model_is_that_of_memory)
{
    set_up_history();
    struct pipeline *pipeline = of_trees(&model_boosting);
    check_equal(pipeline);
    pipeline->train.split = SPLIT_TIME;
    check_equal(pipeline);
    pipeline->train.rows_max = 200;
    pipeline->train.sample = SAMPLE_STRATIFIED;
    check_equal(pipeline);
    tear_down();
}
END_TEST

/* No row that is tested on is learnt from, whichever rows were in the sample. */
static void
check_sides(struct pipeline *pipeline, double tolerance)
{
    struct training training;
    struct blocks blocks = read_blocks(pipeline, 150, &training);
    struct learnt_in_memory whole = learn_in_memory(pipeline);
    ck_assert_uint_eq(blocks.history.frame->rows, 150);
    ck_assert_uint_eq(blocks.all.train_rows + blocks.all.test_rows, ROWS);
    ck_assert_uint_eq(blocks.binned->rows, blocks.all.train_rows);
    ck_assert(fabs((double)blocks.all.test_rows - (double)whole.split.test_rows) <=
              tolerance * ROWS);
    double positives = 0, expected = 0;
    for (size_t i = 0; i < blocks.all.train_rows; i++)
        positives += blocks.y[i];
    for (size_t i = 0; i < whole.split.train_rows; i++)
        expected += whole.split.train_y[i];
    ck_assert(fabs(positives - expected) <= tolerance * ROWS);
    train_free(&training);
    train_free(&whole.training);
    blocks_free(&blocks);
    history_free(&whole.history);
}

START_TEST(a_sample_of_some_rows_leaves_all_on_their_sides)
{
    set_up_history();
    struct pipeline *pipeline = of_trees(&model_boosting);
    check_sides(pipeline, 0);
    pipeline->train.split = SPLIT_TIME;
    check_sides(pipeline, 0.1);
    tear_down();
}
END_TEST

/* ---- a job */

static void
lengthen_history(void)
{
    static const char *const layers[] = {"feature", "label"};
    for (size_t i = 0; i < 2; i++)
        run(db, arena_print(arena,
                            "CREATE TEMP TABLE more AS SELECT f.*, n FROM %s.loan f,"
                            " generate_series(1, %d) n;"
                            " UPDATE more SET event_id = event_id || '-' || n, kafka_offset ="
                            " kafka_offset + 1000 * n; ALTER TABLE more DROP n;"
                            " INSERT INTO %s.loan SELECT * FROM more; DROP TABLE more",
                            layers[i], MANY, layers[i]));
}

static void
little_memory(void)
{
    arena_close(&task.arena);
    ck_ok(arena_open(&task.arena, MEMORY, &err), err);
}

START_TEST(a_job_of_more_rows_than_memory_holds_is_done)
{
    set_up_history();
    lengthen_history();
    struct pipeline *pipeline = of_trees(&model_boosting);
    bool wanted;
    size_t sample;
    little_memory();
    ck_ok(blocks_wanted(db, task.arena, pipeline, &wanted, &sample, &err), err);
    ck_assert(wanted);
    ck_assert(sample >= BLOCKS_SAMPLE_MIN && sample < ROWS * MANY / 2);
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "done");
    ck_assert_str_eq(ask(db, arena_print(arena, "SELECT train_rows + test_rows = %d FROM model.run",
                                         ROWS * (MANY + 1))),
                     "t");
    ck_assert_str_eq(ask(db, "SELECT count(*) = max(r.train_rows + r.test_rows) AND"
                             " count(*) FILTER (WHERE part = 'test') = max(r.test_rows) AND"
                             " count(*) FILTER (WHERE l.label = s.label) = count(*)"
                             " FROM model.run r JOIN model.split_row s USING (rows_digest)"
                             " JOIN label.loan l USING (event_id)"),
                     "t");
    ck_assert_str_eq(
        ask(db,
            "SELECT s.rows_digest = encode(sha256(string_agg(convert_to(event_id, 'UTF8') || "
            "'\\x00'"
            " || convert_to(part, 'UTF8') || '\\x00' || convert_to(label, 'UTF8') || '\\x00', ''"
            " ORDER BY event_id COLLATE \"C\")), 'hex') FROM model.split_row s"
            " GROUP BY s.rows_digest"),
        "t");
    ck_assert_str_eq(ask(db, "SELECT value > 0.75 FROM model.metric WHERE name = 'auc' AND"
                             " split = 'test'"),
                     "t");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.importance WHERE figure = 'gain'"), "13");
    tear_down();
}
END_TEST

START_TEST(a_learner_that_takes_no_bins_finds_too_little_memory)
{
    set_up_history();
    lengthen_history();
    of_trees(&model_forest);
    little_memory();
    submit("loan", "{}");
    int turned = train_task(&task, &err);
    ck_assert(turned != 0 || strcmp(ask(db, "SELECT status FROM ops.jobs"), "failed") == 0);
    tear_down();
}
END_TEST

/* ---- what is not for blocks, or wrong */

START_TEST(what_fits_stays_in_memory)
{
    set_up_history();
    struct pipeline *pipeline = of_trees(&model_boosting);
    bool wanted = true;
    size_t sample;
    ck_ok(blocks_wanted(db, task.arena, pipeline, &wanted, &sample, &err), err);
    ck_assert(!wanted);
    run(db, "DROP TABLE label.loan CASCADE"); /* for whoever reads it to explain */
    ck_ok(blocks_wanted(db, task.arena, pipeline, &wanted, &sample, &err), err);
    ck_assert(!wanted);
    tear_down();
}
END_TEST

static void
check_refused(const char *folder, enum error_kind kind, const char *says)
{
    struct blocks blocks;
    const struct blocks_source source = {db, task.arena, known, folder, 200, 1};
    err = (struct error){0};
    ck_assert_int_eq(blocks_read(&source, &blocks, &err), -1);
    ck_assert_int_eq(err.kind, kind);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    err = (struct error){0};
    ck_ok(warehouse_ping(db, &err), err);
}

START_TEST(what_cannot_be_read_is_refused_with_its_reason)
{
    set_up_history();
    struct pipeline *pipeline = of_trees(&model_boosting);
    check_refused("/proc/none", ERROR_TRANSIENT, "/proc/none/spool");
    pipeline->label.task = TASK_CLASSES; /* "good", the other, is none */
    static const char *const names[] = {"bad", "worse", "worst"};
    pipeline->label.class_name = names;
    pipeline->label.classes = 3;
    check_refused("/tmp", ERROR_INPUT, "is none of the 3 in /label/classes");
    pipeline->label.task = TASK_BINARY;
    pipeline->label.positive = "never";
    pipeline->label.classes = 0;
    check_refused("/tmp", ERROR_INPUT, "one class only");
    run(db, "TRUNCATE label.loan");
    check_refused("/tmp", ERROR_INPUT, "0 labelled rows");
    tear_down();
}
END_TEST

/* The row of the greatest hash is in no sample, so it is met by the thread that makes bins. */
START_TEST(what_only_one_row_out_of_the_sample_lacks_is_told)
{
    set_up_history();
    struct pipeline *pipeline = of_trees(&model_boosting);
    pipeline->label.task = TASK_REGRESSION;
    pipeline->label.positive = NULL;
    run(db, "UPDATE label.loan SET label = kafka_offset::text");
    run(db, "UPDATE label.loan SET label = 'hard' WHERE event_id = (SELECT event_id FROM label.loan"
            " ORDER BY sha256(convert_to('1.' || event_id, 'UTF8')) DESC LIMIT 1)");
    check_refused("/tmp", ERROR_INPUT, "the outcome \"hard\" of event");
    run(db, "UPDATE label.loan SET label = '3' WHERE label = 'hard'");
    struct training training;
    struct blocks blocks = read_blocks(pipeline, 200, &training);
    ck_assert_uint_eq(blocks.all.train_rows + blocks.all.test_rows, ROWS);
    train_free(&training);
    blocks_free(&blocks);
    tear_down();
}
END_TEST

RUN_POSTGRES_TESTS("blocks", of_a_history_that_the_sample_holds_the_model_is_that_of_memory,
                   a_sample_of_some_rows_leaves_all_on_their_sides,
                   a_job_of_more_rows_than_memory_holds_is_done,
                   a_learner_that_takes_no_bins_finds_too_little_memory, what_fits_stays_in_memory,
                   what_cannot_be_read_is_refused_with_its_reason,
                   what_only_one_row_out_of_the_sample_lacks_is_told)
