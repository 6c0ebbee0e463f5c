/* The training task on a real PostgreSQL, with a catalog that is made up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/task.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "scorer.h"
#include "training_bench.h"

static bool is_slow;

START_TEST(a_job_becomes_a_recorded_and_announced_challenger)
{
    set_up_history();
    submit("loan", "{\"version\":1}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "done");
    ck_assert_str_eq(ask(db, "SELECT status FROM model.run"), "finished");
    ck_assert_str_eq(ask(db, "SELECT train_rows + test_rows FROM model.run"), "300");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.metric"), "24");
    ck_assert_str_eq(ask(db, "SELECT alias || version FROM model.alias"), "challenger1");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.alias_history h JOIN model.alias a"
                             " USING (revision, pipeline, alias, version)"),
                     "1");
    ck_assert_str_eq(ask(db, "SELECT bool_and(digest = encode(sha256(artefact), 'hex') AND"
                             " bytes = length(artefact)) FROM model.artefact"),
                     "t");
    ck_assert_str_eq(ask(db, "SELECT (j.result ->> 'version') || ' ' ||"
                             " ((j.result -> 'metrics' -> 'test' ->> 'auc')::float8 = m.value)"
                             " FROM ops.jobs j, model.metric m"
                             " WHERE m.split = 'test' AND m.name = 'auc'"),
                     "1 true");
    ck_assert_str_eq(ask(db, "SELECT settings -> 'train' ->> 'learner' FROM model.run"),
                     "logistic");
    ck_assert_uint_eq(announcements, 1);
    ck_assert_str_eq(announced[0].alias, "challenger");
    ck_assert_int_eq(announced[0].version, 1);
    ck_assert_str_eq(announced[0].digest, ask(db, "SELECT digest FROM model.version"));
    tear_down();
}
END_TEST

START_TEST(the_whole_evaluation_is_recorded)
{
    static const char *const whole[] = {
        "SELECT count(*) = 9 AND bool_and(low <= value AND value <= high) FROM model.metric"
        " WHERE low IS NOT NULL AND split = 'test'",
        "SELECT count(*) <= 4 AND sum(c.rows) = max(r.test_rows) FROM model.confusion c JOIN "
        "model.run"
        " r ON r.id = c.run_id",
        "SELECT sum(c.rows) FILTER (WHERE label = 'bad') = (SELECT value FROM model.metric WHERE "
        "name"
        " = 'positives' AND split = 'test') FROM model.confusion c",
        "SELECT count(*) > 10 AND max(true_positive_rate) = 1 AND max(false_positive_rate) = 1 FROM"
        " model.curve",
        "SELECT count(*) = 10 AND sum(c.rows) = max(r.test_rows) FROM model.calibration c JOIN"
        " model.run r ON r.id = c.run_id",
        "SELECT bool_and(n = test_rows) FROM (SELECT sum(s.rows) AS n, max(r.test_rows) AS "
        "test_rows"
        " FROM model.segment s JOIN model.run r ON r.id = s.run_id GROUP BY s.feature) f",
        "SELECT count(*) = 13 AND bool_and(figure = 'auc') FROM model.importance",
        "SELECT count(*) = 0 FROM model.learning", /* of 240 rows: too few for a curve */
        "SELECT test_figure = 'auc' AND test_value = test_auc FROM api.model",
        "SELECT count(*) = 300 FROM model.split_row JOIN model.run USING (rows_digest)",
    };
    set_up_history();
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "done");
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        ck_assert_msg(strcmp(ask(db, whole[i]), "t") == 0, "%s", whole[i]);
    tear_down();
}
END_TEST

START_TEST(the_same_history_again_is_a_new_version_of_the_same_artefact)
{
    set_up_history();
    submit("loan", "{}");
    submit("loan", "{}");
    turn();
    turn();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.artefact"), "1");
    ck_assert_str_eq(ask(db, "SELECT string_agg(version::text, ',' ORDER BY version)"
                             " FROM model.version"),
                     "1,2");
    ck_assert_str_eq(ask(db, "SELECT version FROM model.alias"), "2");
    ck_assert_str_eq(ask(db, "SELECT count(DISTINCT revision) FROM model.alias_history"), "2");
    ck_assert_str_eq(ask(db, "SELECT count(DISTINCT rows_digest) FROM model.run"), "1");
    tear_down();
}
END_TEST

START_TEST(the_recorded_artefact_scores)
{
    set_up_history();
    submit("loan", "{}");
    turn();
    struct bytes file;
    struct scorer *scorer = NULL;
    ck_ok(warehouse_fetch_bytes(db, "SELECT artefact FROM model.artefact", NULL, 0, &file, &err),
          err);
    ck_ok(scorer_load(file, &scorer, &err), err);
    ck_ok(scorer_check(scorer, &known->features, &err), err);
    scorer_free(&scorer);
    free((void *)(uintptr_t)file.at);
    tear_down();
}
END_TEST

START_TEST(of_repeated_events_the_first_counts_and_of_labels_the_newest)
{
    const struct pipeline *pipeline = set_up_history();
    const struct frame *rows = credit_read(arena, 2);
    insert("feature", "e00001", 5000, rows, 0, 2, 15);
    insert("label", "e00001", 5000, rows, 0, 1, 2);
    insert("feature", "unlabelled", 5001, rows, 0, 2, 15);
    insert("label", "unscored", 5001, rows, 0, 1, 2);
    struct history history;
    ck_ok(history_read(db, task.arena, pipeline, NULL, &history, &err), err);
    ck_assert_uint_eq(history.frame->rows, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(
            bytes_equal_text(history.frame->column[0].bytes[i], arena_print(arena, "e%05zu", i)));
    ck_assert(history.frame->column[2].integer[1] == rows->column[2].integer[1]);
    ck_assert(bytes_equal(history.frame->column[1].bytes[1], rows->column[1].bytes[0]));
    history_free(&history);
    tear_down();
}
END_TEST

static void
check_failed(const char *why)
{
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "failed");
    ck_assert_str_eq(ask(db, "SELECT status FROM model.run"), "failed");
    const char *told = ask(db, "SELECT r.error FROM model.run r JOIN ops.jobs j"
                               " ON j.id = r.job_id AND j.note = r.error");
    ck_assert_msg(strstr(told, why) != NULL, "%s", told);
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.version"), "0");
    ck_assert_uint_eq(announcements, 0);
    tear_down();
}

START_TEST(an_unknown_pipeline_fails_the_job)
{
    set_up();
    submit("shop", "{}");
    turn();
    check_failed("there is no pipeline \"shop\"");
}
END_TEST

START_TEST(an_unknown_version_fails_the_job)
{
    set_up_history();
    submit("loan", "{\"version\":9}");
    turn();
    check_failed("there is no version 9 of a pipeline \"loan\"");
}
END_TEST

START_TEST(a_request_that_is_none_fails_the_job)
{
    set_up_history();
    submit("loan", "{\"version\":\"newest\"}");
    turn();
    check_failed("request");
}
END_TEST

START_TEST(a_pipeline_without_tables_fails_the_job)
{
    known = set_up();
    submit("loan", "{}");
    turn();
    check_failed("no tables for version 1 of \"loan\" yet");
}
END_TEST

START_TEST(too_little_history_fails_the_job)
{
    struct pipeline *pipeline = set_up();
    make_tables(pipeline);
    known = pipeline;
    submit("loan", "{}");
    turn();
    check_failed("0 labelled rows, at least 50 are needed");
}
END_TEST

START_TEST(one_class_only_fails_the_job)
{
    set_up_history();
    run(db, "UPDATE label.loan SET label = 'good'");
    submit("loan", "{}");
    turn();
    check_failed("one class only");
}
END_TEST

START_TEST(a_pipeline_on_record_that_is_not_announced_yet_waits)
{
    set_up();
    run(db, "INSERT INTO ops.pipelines (name, version, digest, definition, log_epoch, cluster_id)"
            " VALUES ('loan', 1, 'd', '{}', 1, 'c')");
    submit("loan", "{}");
    ck_assert_int_eq(train_task(&task, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "running");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.run"), "0");
    tear_down();
}
END_TEST

START_TEST(a_lost_lease_records_nothing)
{
    const struct pipeline *pipeline = set_up_history();
    submit("loan", "{}");
    struct job job = {0};
    bool found;
    struct history history;
    struct split split;
    struct training training;
    struct announcement challenger;
    ck_ok(job_lease(db, &(struct job_queue){"train", "main", "training-0", 15000}, &found, &job,
                    &err),
          err);
    run(db, "UPDATE ops.jobs SET worker = 'training-1'");
    ck_ok(history_read(db, task.arena, pipeline, NULL, &history, &err), err);
    ck_ok(split_make(pipeline, history.frame, &split, &err), err);
    ck_ok(train_fit(pipeline, history.frame, &split, 1, &training, &err), err);
    ck_ok(train_evaluate(pipeline, history.frame, &split, &training, &err), err);
    const struct run lost = {
        .job = &job, .worker = "training-0", .pipeline = pipeline, .rows = history.frame};
    ck_assert_int_eq(record_finished(db, task.arena, &lost, &split, &training, &challenger, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERROR_FENCED);
    ck_assert_int_eq(record_failed(db, task.arena, &lost, "why", &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FENCED);
    ck_assert_str_eq(ask(db, "SELECT (SELECT count(*) FROM model.run) +"
                             " (SELECT count(*) FROM model.artefact)"),
                     "0");
    train_free(&training);
    history_free(&history);
    job_free(&job);
    tear_down();
}
END_TEST

/* ---- a fit that takes its time */
static atomic_bool fit_begun, fit_may_end;
int __real_train_fit(const struct pipeline *, const struct frame *, const struct split *, unsigned,
                     struct training *, struct error *);

int
__wrap_train_fit(const struct pipeline *pipeline, const struct frame *rows,
                 const struct split *split, unsigned threads, struct training *out,
                 struct error *error)
{
    const struct timespec wait = {.tv_nsec = 2000000};
    atomic_store(&fit_begun, true);
    while (is_slow && !atomic_load(&fit_may_end))
        nanosleep(&wait, NULL);
    return __real_train_fit(pipeline, rows, split, threads, out, error);
}

static void *
turn_body(void *unused)
{
    turn();
    return unused;
}

static void
await_true(const char *sql)
{
    int polls = 0;
    for (struct warehouse *other = opened();; polls++) {
        const struct timespec wait = {.tv_nsec = 10000000};
        if (strcmp(ask(other, sql), "t") == 0) {
            warehouse_close(&other);
            return;
        }
        nanosleep(&wait, NULL);
        ck_assert_int_lt(polls, 3000);
    }
}

START_TEST(a_fit_longer_than_the_lease_keeps_it)
{
    set_up_history();
    submit("loan", "{}");
    settings.lease_ms = 1500;
    is_slow = true;
    pthread_t trainer;
    ck_assert_int_eq(pthread_create(&trainer, NULL, turn_body, NULL), 0);
    struct warehouse *other = opened();
    struct job job = {0};
    bool found = false;
    while (!atomic_load(&fit_begun))
        sched_yield();
    run(other, "CREATE TABLE public.fit AS SELECT leased_until AS first FROM ops.jobs");
    await_true("SELECT now() > first + interval '1500 milliseconds' FROM public.fit");
    ck_ok(job_lease(other, &(struct job_queue){"train", "main", "training-1", 1500}, &found, &job,
                    &err),
          err);
    ck_assert(!found);
    atomic_store(&fit_may_end, true);
    pthread_join(trainer, NULL);
    ck_assert_str_eq(ask(other, "SELECT status || ' ' || worker || ' ' || attempt FROM ops.jobs"),
                     "done training-0 1");
    warehouse_close(&other);
    tear_down();
}
END_TEST

START_TEST(an_announcement_that_fails_is_made_good_later)
{
    set_up_history();
    turn();
    submit("loan", "{}");
    kafka_is_down = true;
    ck_assert_int_eq(train_task(&task, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "done");
    kafka_is_down = false;
    turn();
    ck_assert_uint_eq(announcements, 1);
    turn();
    ck_assert_uint_eq(announcements, 1);
    tear_down();
}
END_TEST

START_TEST(no_job_is_no_misfortune)
{
    set_up();
    turn();
    ck_assert_uint_eq(announcements, 0);
    tear_down();
}
END_TEST

RUN_POSTGRES_TESTS("train_task", a_job_becomes_a_recorded_and_announced_challenger,
                   the_whole_evaluation_is_recorded,
                   the_same_history_again_is_a_new_version_of_the_same_artefact,
                   the_recorded_artefact_scores,
                   of_repeated_events_the_first_counts_and_of_labels_the_newest,
                   an_unknown_pipeline_fails_the_job, an_unknown_version_fails_the_job,
                   a_request_that_is_none_fails_the_job, a_pipeline_without_tables_fails_the_job,
                   too_little_history_fails_the_job, one_class_only_fails_the_job,
                   a_pipeline_on_record_that_is_not_announced_yet_waits,
                   a_lost_lease_records_nothing, a_fit_longer_than_the_lease_keeps_it,
                   an_announcement_that_fails_is_made_good_later, no_job_is_no_misfortune)
