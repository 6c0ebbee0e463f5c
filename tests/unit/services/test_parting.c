/* Fits that replicas share: the same model by one replica and by several, and what becomes of parts
 * that are lost, refused, cancelled or not understood. SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/parting.h"

#include <math.h>

#include "training_bench.h"

extern const struct model_type model_forest, model_boosting, model_linear_regression;

/* Of the job's model and its figures. */
static const char *
made_by(int64_t job)
{
    return ask(db, arena_print(arena,
                               "SELECT v.digest || ' ' || md5(string_agg(concat_ws(' ', m.split,"
                               " m.name, m.value), ';' ORDER BY m.split, m.name)) FROM model.run r"
                               " JOIN model.version v ON v.run_id = r.id JOIN model.metric m ON"
                               " m.run_id = r.id WHERE r.job_id = %lld GROUP BY v.digest",
                               (long long)job));
}

static int64_t
newest(void)
{
    return atoll(ask(db, "SELECT max(id) FROM ops.jobs WHERE kind = 'train'"));
}

static struct pipeline *
set_up_shared(void)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_history();
    pipeline->train.replicas = 0;
    return pipeline;
}

static struct pipeline *
set_up_forest(int64_t trees)
{
    struct pipeline *pipeline = set_up_shared(), *of = credit_tree_pipeline(arena, &model_forest);
    const struct setting *row = model_forest.table;
    void *own = (void *)(uintptr_t)of->train.settings;
    while (strcmp(row->name, "criterion") != 0)
        row++;
    *(const char **)(void *)((char *)own + row->at) = "gini";
    credit_set_count(own, model_forest.table, "trees", trees);
    pipeline->encoder = of->encoder;
    pipeline->encoders = of->encoders;
    pipeline->train.learner = &model_forest;
    pipeline->train.settings = own;
    return pipeline;
}

/* Its way, parts of a round, rounds, and parts in all. */
static const char *
fit_of_newest(void)
{
    return ask(db, "SELECT f.way || ' ' || f.parts || ' ' || count(DISTINCT j.request ->> 'round')"
                   " || ' ' || count(*) FROM model.fit f JOIN ops.jobs j ON j.parent = f.job_id"
                   " WHERE f.job_id = (SELECT max(job_id) FROM model.fit) AND j.status = 'done'"
                   " GROUP BY f.way, f.parts");
}

START_TEST(a_forest_of_several_replicas_is_that_of_one_fit)
{
    struct pipeline *pipeline = set_up_forest(20);
    char alone[256], whole[256];
    submit("loan", "{}");
    turn();
    snprintf(alone, sizeof(alone), "%s", made_by(newest()));
    ck_assert_str_ne(alone, "(null)");
    ck_assert_str_eq(fit_of_newest(), "trees 16 1 16");
    submit("loan", "{}");
    turns_of_three();
    ck_assert_str_eq(made_by(newest()), alone);
    pipeline->train.replicas = 1;
    submit("loan", "{}");
    turn();
    snprintf(whole, sizeof(whole), "%s", made_by(newest()));
    ck_assert_str_eq(whole, alone);
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.fit"), "2");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.part"), "0");
    tear_down();
}
END_TEST

START_TEST(no_part_of_a_forest_is_without_a_tree)
{
    set_up_forest(5);
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(fit_of_newest(), "trees 5 1 5");
    ck_assert_str_eq(ask(db, "SELECT status FROM model.run"), "finished");
    tear_down();
}
END_TEST

/* By one replica, by three, and not shared at all: the figures are then equal but for rounding. */
static void
check_rows(struct pipeline *pipeline, const char *figure)
{
    char alone[256];
    submit("loan", "{}");
    turn();
    snprintf(alone, sizeof(alone), "%s", made_by(newest()));
    ck_assert_str_ne(alone, "(null)");
    ck_assert(strncmp(fit_of_newest(), "rows 16 ", 8) == 0);
    submit("loan", "{}");
    turns_of_three();
    ck_assert_str_eq(made_by(newest()), alone);
    pipeline->train.replicas = 1;
    submit("loan", "{}");
    turn();
    const char *apart =
        ask(db, arena_print(arena,
                            "SELECT max(value) - min(value) FROM model.metric WHERE split = 'test'"
                            " AND name = '%s' HAVING count(*) = 3",
                            figure));
    ck_assert_double_lt(atof(apart), 1e-7);
    ck_assert_str_ne(apart, "(null)");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.fit"), "2");
    tear_down();
}

START_TEST(a_logistic_regression_of_several_replicas_is_that_of_one)
{
    check_rows(set_up_shared(), "log_loss");
}
END_TEST

START_TEST(a_linear_regression_of_several_replicas_is_that_of_one)
{
    struct pipeline *pipeline = set_up_shared();
    pipeline->label.task = TASK_REGRESSION;
    pipeline->label.positive = NULL;
    pipeline->train.learner = &model_linear_regression;
    pipeline->train.settings = credit_defaults(arena, model_linear_regression.table,
                                               model_linear_regression.settings_size);
    run(db, "UPDATE label.loan SET label = (length(label) * 10 + substr(event_id, 2)::int % 7)"
            "::text");
    check_rows(pipeline, "rmse");
}
END_TEST

START_TEST(what_no_sums_are_known_for_is_fitted_whole)
{
    struct pipeline *pipeline = set_up_shared();
    credit_set_real((void *)(uintptr_t)pipeline->train.settings, model_logistic.table, "l1", 0.1);
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT status FROM model.run"), "finished");
    pipeline->train.learner = &model_boosting;
    pipeline->train.settings =
        credit_defaults(arena, model_boosting.table, model_boosting.settings_size);
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.run"), "2");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.fit"), "0");
    tear_down();
}
END_TEST

START_TEST(no_more_replicas_share_a_fit_than_it_says)
{
    set_up_shared()->train.replicas = 2;
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(DISTINCT together::text, ',') FROM ops.jobs WHERE"
                             " kind = 'part'"),
                     "2");
    tear_down();
}
END_TEST

START_TEST(a_lost_replicas_part_is_made_again_and_counts_once)
{
    char alone[256];
    set_up_shared();
    submit("loan", "{}");
    turn();
    snprintf(alone, sizeof(alone), "%s", made_by(newest()));
    /* Who took the fourth part of the second round is lost at once. */
    run(db,
        "CREATE FUNCTION public.steal() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        " IF NEW.request = '{\"round\": 1, \"part\": 3}' THEN NEW.status = 'running';"
        " NEW.worker = 'training-9'; NEW.attempt = 1; NEW.leased_until = now() - interval '1 s';"
        " END IF; RETURN NEW; END$$;"
        "CREATE TRIGGER steal BEFORE INSERT ON ops.jobs FOR EACH ROW EXECUTE FUNCTION"
        " public.steal()");
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(attempt || worker, ',') FROM ops.jobs WHERE"
                             " attempt > 1 AND kind = 'part'"),
                     "2training-0");
    ck_assert_str_eq(made_by(newest()), alone);
    tear_down();
}
END_TEST

START_TEST(a_leader_lost_between_two_rounds_is_made_up_for)
{
    char alone[256];
    set_up_shared();
    submit("loan", "{}");
    turn();
    snprintf(alone, sizeof(alone), "%s", made_by(newest()));
    submit("loan", "{}");
    /* The job is taken by somebody who is never heard of again, when the third round is done. */
    run(db, "CREATE FUNCTION public.steal() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " IF (SELECT max(round) FROM model.part WHERE job_id = NEW.id) = 2 THEN"
            " NEW.status = 'running'; NEW.worker = 'training-9'; NEW.attempt = NEW.attempt + 1;"
            " NEW.leased_until = now() - interval '1 s'; END IF; RETURN NEW; END$$;"
            "CREATE TRIGGER steal BEFORE UPDATE ON ops.jobs FOR EACH ROW WHEN (OLD.status ="
            " 'waiting' AND NEW.status = 'queued') EXECUTE FUNCTION public.steal()");
    turn();
    ck_assert_str_eq(made_by(newest()), alone);
    tear_down();
}
END_TEST

/* A trigger's body over model.part, before or after a row comes or changes. */
static void
meddle(const char *when, const char *body)
{
    run(db, arena_print(arena,
                        "CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS"
                        " $$BEGIN %s RETURN NEW; END$$; CREATE TRIGGER meddle %s ON model.part FOR"
                        " EACH ROW EXECUTE FUNCTION public.meddle()",
                        body, when));
}

static void
check_failed(const char *why)
{
    submit("loan", "{}");
    turn();
    const char *told = ask(db, "SELECT r.error FROM model.run r JOIN ops.jobs j ON j.id = r.job_id"
                               " AND j.note = r.error WHERE j.status = 'failed'");
    ck_assert_msg(strstr(told, why) != NULL, "%s", told);
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.version"), "0");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM ops.jobs WHERE status IN ('queued', 'running',"
                             " 'waiting')"),
                     "0");
    tear_down();
}

START_TEST(a_part_that_fails_fails_the_run_with_its_reason)
{
    set_up_shared();
    run(db, "CREATE FUNCTION public.mislead() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " IF NEW.request = '{\"round\": 0, \"part\": 2}' THEN NEW.request = '{\"round\": 9,"
            " \"part\": 2}'; END IF; RETURN NEW; END$$;"
            "CREATE TRIGGER mislead BEFORE INSERT ON ops.jobs FOR EACH ROW EXECUTE FUNCTION"
            " public.mislead()");
    check_failed("part 2 of the fit: job 4 is of no part that is waited for");
}
END_TEST

START_TEST(sums_of_other_columns_are_refused)
{
    set_up_shared();
    meddle("BEFORE INSERT", "IF NEW.part = 0 THEN NEW.question = overlay(NEW.question placing "
                            "'\\x07' from 5); END IF;");
    check_failed("over 7 columns are asked of ");
}
END_TEST

START_TEST(results_that_are_no_sums_fail_the_run)
{
    set_up_shared();
    meddle("BEFORE UPDATE", "NEW.result = '\\x00';");
    check_failed("sums over rows");
}
END_TEST

START_TEST(results_that_are_no_trees_fail_the_run)
{
    set_up_forest(20);
    meddle("BEFORE UPDATE", "IF NEW.part = 1 THEN NEW.result = '\\x0300000001'; END IF;");
    check_failed("part 1 of the fit");
}
END_TEST

START_TEST(questions_of_another_fit_are_not_answered_for_this_one)
{
    set_up_shared();
    meddle("BEFORE UPDATE",
           "IF NEW.round = 1 THEN UPDATE model.part SET question = '\\x00' WHERE round = 0 AND"
           " part = 0; END IF;");
    check_failed("it was begun by another version of the program");
}
END_TEST

START_TEST(parts_of_a_cancelled_run_are_not_made)
{
    set_up_shared();
    meddle("AFTER UPDATE", "UPDATE ops.jobs SET status = 'cancelled', note = 'enough' WHERE status"
                           " IN ('waiting', 'queued');");
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(n, ',' ORDER BY n) FROM (SELECT kind || ' ' ||"
                             " status || ' ' || count(*) AS n FROM ops.jobs GROUP BY kind, status)"
                             " j"),
                     "part cancelled 15,part done 1,train cancelled 1");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.version"), "0");
    turn();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.part"), "0");
    tear_down();
}
END_TEST

START_TEST(a_part_nobody_waits_for_fails_its_job)
{
    int64_t id;
    set_up_shared();
    ck_ok(job_submit(db, "part", "loan", "{\"round\":0,\"part\":0}", &id, &err), err);
    turn();
    ck_assert_str_eq(ask(db, "SELECT status || ': ' || note FROM ops.jobs"),
                     "failed: job 1 is of no part that is waited for");
    tear_down();
}
END_TEST

START_TEST(a_shared_fit_learns_from_the_outcomes_it_began_with)
{
    char before[256];
    set_up_shared();
    submit("loan", "{}");
    turn();
    snprintf(before, sizeof(before), "%s", made_by(newest()));
    submit("loan", "{}");
    run(db, "CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " UPDATE label.loan SET label = CASE label WHEN 'good' THEN 'bad' ELSE 'good' END;"
            " RETURN NULL; END$$;"
            "CREATE TRIGGER late AFTER INSERT ON model.fit FOR EACH ROW EXECUTE FUNCTION"
            " public.late()");
    turns_of_three();
    ck_assert_str_eq(made_by(newest()), before);
    run(db, "DROP TRIGGER late ON model.fit");
    submit("loan", "{}");
    turns_of_three();
    ck_assert_str_ne(made_by(newest()), before);
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.split"), "2");
    tear_down();
}
END_TEST

RUN_POSTGRES_TESTS(
    "parting", a_forest_of_several_replicas_is_that_of_one_fit,
    no_part_of_a_forest_is_without_a_tree, a_logistic_regression_of_several_replicas_is_that_of_one,
    a_linear_regression_of_several_replicas_is_that_of_one,
    what_no_sums_are_known_for_is_fitted_whole, no_more_replicas_share_a_fit_than_it_says,
    a_lost_replicas_part_is_made_again_and_counts_once,
    a_leader_lost_between_two_rounds_is_made_up_for,
    a_part_that_fails_fails_the_run_with_its_reason, sums_of_other_columns_are_refused,
    results_that_are_no_sums_fail_the_run, results_that_are_no_trees_fail_the_run,
    questions_of_another_fit_are_not_answered_for_this_one, parts_of_a_cancelled_run_are_not_made,
    a_part_nobody_waits_for_fails_its_job, a_shared_fit_learns_from_the_outcomes_it_began_with)
