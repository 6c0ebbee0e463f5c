/* Searches: their trials, by one replica and by several, lost, late, refused and cancelled.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/searching.h"

#include "training_bench.h"
#include "tune/search.h"

extern const struct search_type search_annealing, search_random;
static const struct dimension l2 = {
    .name = "l2", .kind = DIMENSION_REAL, .log = true, .least = 0.001, .most = 1000};
static const struct branch branch = {&model_logistic, NULL, 1, &l2};

static const struct pipeline *
set_up_search(const struct search_type *method, int64_t trials)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_history();
    pipeline->train.learner = NULL;
    pipeline->search = (struct pipeline_search){
        .method = method,
        .settings = method->table != NULL
                        ? credit_defaults(arena, method->table, method->settings_size)
                        : NULL,
        .space = {1, &branch},
        .trials = trials,
        .metric = "auc",
        .folds = 3,
    };
    return pipeline;
}

/* Everything that must not depend on who made the trials. */
static const char *
what_was_found(int64_t job)
{
    return ask(db, arena_print(arena,
                               "SELECT (SELECT md5(string_agg(trial || learner || settings ||"
                               " share || status || score || fold_scores::text, ';' ORDER BY"
                               " trial)) FROM model.trials WHERE job_id = %lld) || ' ' ||"
                               " (SELECT v.digest FROM model.version v JOIN model.run r ON r.id ="
                               " v.run_id WHERE r.job_id = %lld) || ' ' || (SELECT result ->>"
                               " 'search' FROM ops.jobs WHERE id = %lld)",
                               (long long)job, (long long)job, (long long)job));
}

START_TEST(a_search_records_its_trials_and_its_winner)
{
    set_up_search(&search_annealing, 12);
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs WHERE parent IS NULL"), "done");
    ck_assert_str_eq(ask(db, "SELECT count(*) || ' ' || count(DISTINCT settings) FROM model.trials"
                             " WHERE status = 'finished' AND cardinality(fold_scores) = 3"),
                     "12 12");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.trials t, unnest(fold_scores) f GROUP BY"
                             " trial, score HAVING abs(avg(f) - score) > 1e-12"
                             " UNION ALL SELECT 0 LIMIT 1"),
                     "0");
    ck_assert_str_eq(ask(db, "SELECT learner FROM model.run"), "logistic");
    ck_assert_str_eq(ask(db, "SELECT (r.settings -> 'train' -> 'l2' = t.settings -> 'l2') FROM"
                             " model.run r, model.trials t ORDER BY score DESC, trial LIMIT 1"),
                     "t");
    ck_assert_str_eq(ask(db, "SELECT done || ' ' || trials || ' ' || status || ' ' ||"
                             " (best_score = (SELECT max(score) FROM model.trials)) FROM"
                             " api.search"),
                     "12 12 done true");
    ck_assert_str_eq(ask(db, "SELECT string_agg(part || ' ' || n, ',' ORDER BY part) FROM (SELECT"
                             " part, count(*) AS n FROM model.split_row GROUP BY part) p"),
                     "fold 1 82,fold 2 82,fold 3 82,test 54");
    ck_assert_str_eq(ask(db, "SELECT rows_digest = (SELECT rows_digest FROM model.search) FROM"
                             " model.run"),
                     "t");
    ck_assert_uint_eq(announcements, 1);
    ck_assert_uint_eq(news, 12 + 3); /* each trial, and each round of four */
    tear_down();
}
END_TEST

START_TEST(the_winner_is_the_same_with_one_replica_and_with_three)
{
    char alone[512];
    set_up_search(&search_annealing, 10);
    submit("loan", "{}");
    turn();
    snprintf(alone, sizeof(alone), "%s", what_was_found(1));
    ck_assert_str_ne(alone, "(null)");
    submit("loan", "{}");
    const char *second = ask(db, "SELECT max(id) FROM ops.jobs");
    int64_t job = atoll(second);
    turns_of_three();
    ck_assert_str_eq(what_was_found(job), alone);
    tear_down();
}
END_TEST

START_TEST(folds_that_replicas_share_give_the_same_winner)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_search(&search_random, 4);
    submit("loan", "{}");
    turn();
    pipeline->train.replicas = 0;
    pipeline->search.replicas = 2; /* trials at a time: none is shared */
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.fit WHERE way = 'folds'"), "0");
    pipeline->search.replicas = 0;
    submit("loan", "{}");
    const char *last = ask(db, "SELECT max(id) FROM ops.jobs");
    int64_t job = atoll(last);
    turns_of_three();
    ck_assert_str_eq(ask(db, "SELECT count(*) || ' ' || sum(parts) FROM model.fit WHERE way ="
                             " 'folds'"),
                     "4 12");
    ck_assert_str_eq(ask(db, arena_print(arena,
                                         "SELECT string_agg(way || parts, ' ') FROM model.fit"
                                         " WHERE job_id = %lld",
                                         (long long)job)),
                     "rows16");
    /* The winner's weights come from sums over rows now: all else is as it was. */
    ck_assert_str_eq(ask(db, arena_print(arena,
                                         "SELECT count(*) FROM model.trials a JOIN model.trials b"
                                         " USING (trial, settings, share, status, score,"
                                         " fold_scores) WHERE a.job_id = 1 AND b.job_id = %lld",
                                         (long long)job)),
                     "4");
    ck_assert_str_eq(ask(db, "SELECT count(DISTINCT result -> 'search') FROM ops.jobs WHERE kind ="
                             " 'train'"),
                     "1");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.part"), "0");
    tear_down();
}
END_TEST

START_TEST(a_fold_that_cannot_be_judged_fails_its_trial)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_search(&search_random, 2);
    pipeline->train.replicas = 0;
    submit("loan", "{}");
    run(db, "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " NEW.settings = '{\"learner\": \"none\"}'; RETURN NEW; END$$;"
            "CREATE TRIGGER spoil BEFORE INSERT ON model.fit FOR EACH ROW WHEN (NEW.way = 'folds')"
            " EXECUTE FUNCTION public.spoil()");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(DISTINCT status, ',') FROM model.trials"),
                     "failed");
    ck_assert_ptr_nonnull(strstr(ask(db, "SELECT note FROM ops.jobs WHERE parent IS NULL"),
                                 "none of 2 trials gave a model: part 0 of the fit: there is no"
                                 " learner \"none\" here"));
    tear_down();
}
END_TEST

START_TEST(a_lost_replicas_trial_is_made_again_and_recorded_once)
{
    set_up_search(&search_random, 3);
    submit("loan", "{}");
    /* Who took the second trial is lost at once. */
    run(db,
        "CREATE FUNCTION public.steal() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        " IF NEW.kind = 'trial' AND NEW.request ->> 'trial' = '1' THEN NEW.status = 'running';"
        " NEW.worker = 'training-9'; NEW.attempt = 1; NEW.leased_until = now() - interval '1 s';"
        " END IF; RETURN NEW; END$$;"
        "CREATE TRIGGER steal BEFORE INSERT ON ops.jobs FOR EACH ROW EXECUTE FUNCTION"
        " public.steal()");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(trial || ':' || attempt || ':' || worker, ' ' ORDER"
                             " BY trial) FROM model.trials WHERE status = 'finished'"),
                     "0:1:training-0 1:2:training-0 2:1:training-0");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.version"), "1");
    tear_down();
}
END_TEST

START_TEST(trials_after_the_time_are_skipped_and_the_best_so_far_wins)
{
    set_up_search(&search_random, 5);
    submit("loan", "{}");
    run(db, "CREATE FUNCTION public.over() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " UPDATE model.search SET ends_at = now() WHERE NEW.trial = 1; RETURN NULL; END$$;"
            "CREATE TRIGGER over AFTER UPDATE ON model.trials FOR EACH ROW WHEN (NEW.status ="
            " 'finished') EXECUTE FUNCTION public.over()");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(status, ',' ORDER BY trial) FROM model.trials"),
                     "finished,finished,skipped,skipped,skipped");
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs WHERE parent IS NULL"), "done");
    ck_assert_str_eq(ask(db, "SELECT result -> 'search' ->> 'trials' FROM ops.jobs WHERE parent IS"
                             " NULL"),
                     "5");
    tear_down();
}
END_TEST

START_TEST(trials_of_a_cancelled_search_are_skipped_and_nobody_wins)
{
    set_up_search(&search_random, 4);
    submit("loan", "{}");
    run(db, "CREATE FUNCTION public.stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " UPDATE ops.jobs SET status = 'cancelled', note = 'enough' WHERE status <> 'running'"
            " AND status <> 'done' AND NEW.job_id IN (id, parent); RETURN NULL; END$$;"
            "CREATE TRIGGER stop AFTER UPDATE ON model.trials FOR EACH ROW WHEN (NEW.status ="
            " 'finished') EXECUTE FUNCTION public.stop()");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(concat_ws(' ', status, error), ',' ORDER BY trial)"
                             " FROM model.trials"),
                     "finished,skipped enough,skipped enough,skipped enough");
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs WHERE parent IS NULL"), "cancelled");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.version"), "0");
    tear_down();
}
END_TEST

START_TEST(a_search_none_of_whose_trials_gave_a_model_fails)
{
    static const struct dimension none = {
        .name = "tolerance", .kind = DIMENSION_REAL, .least = -2, .most = -1};
    static const struct branch hopeless = {&model_logistic, NULL, 1, &none};
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_search(&search_random, 3);
    pipeline->search.space = (struct space){1, &hopeless};
    submit("loan", "{}");
    turn();
    ck_assert_str_eq(ask(db, "SELECT string_agg(DISTINCT status, ',') FROM model.trials"),
                     "failed");
    ck_assert_ptr_nonnull(strstr(ask(db, "SELECT note FROM ops.jobs WHERE parent IS NULL"),
                                 "none of 3 trials gave a model: tolerance is -"));
    ck_assert_str_eq(ask(db, "SELECT status FROM model.run"), "failed");
    tear_down();
}
END_TEST

START_TEST(a_search_learns_from_the_rows_it_began_with)
{
    set_up_search(&search_random, 3);
    submit("loan", "{}");
    run(db, "CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " UPDATE label.loan SET label = CASE label WHEN 'good' THEN 'bad' ELSE 'good' END;"
            " RETURN NULL; END$$;"
            "CREATE TRIGGER late AFTER INSERT ON model.search FOR EACH ROW EXECUTE FUNCTION"
            " public.late()");
    turn();
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs WHERE parent IS NULL"), "done");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM model.split_row s JOIN label.loan l USING"
                             " (event_id) WHERE s.label = l.label"),
                     "0");
    ck_assert_str_eq(ask(db, "SELECT (SELECT min(score) FROM model.trials) > 0.6"), "t");
    tear_down();
}
END_TEST

START_TEST(a_trial_that_is_on_no_record_fails_its_job)
{
    set_up_search(&search_random, 3);
    int64_t id;
    ck_ok(job_submit(db, "trial", "loan", "{\"trial\":0}", &id, &err), err);
    turn();
    ck_assert_str_eq(ask(db, "SELECT status || ': ' || note FROM ops.jobs"),
                     "failed: job 1 is of no trial that waits");
    tear_down();
}
END_TEST

RUN_POSTGRES_TESTS("searching", a_search_records_its_trials_and_its_winner,
                   the_winner_is_the_same_with_one_replica_and_with_three,
                   folds_that_replicas_share_give_the_same_winner,
                   a_fold_that_cannot_be_judged_fails_its_trial,
                   a_lost_replicas_trial_is_made_again_and_recorded_once,
                   trials_after_the_time_are_skipped_and_the_best_so_far_wins,
                   trials_of_a_cancelled_search_are_skipped_and_nobody_wins,
                   a_search_none_of_whose_trials_gave_a_model_fails,
                   a_search_learns_from_the_rows_it_began_with,
                   a_trial_that_is_on_no_record_fails_its_job)
