/* Tests of jobs on a real server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"

#include "migrate.h"
#include "warehouse_help.h"

static struct warehouse *
migrated(void)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    return db;
}

static int64_t
submit(struct warehouse *db, const char *pipeline)
{
    int64_t id = 0;
    ck_ok(job_submit(db, "train", pipeline, "{\"rows\": 7}", &id, &err), err);
    return id;
}

static bool
lease(struct warehouse *db, const char *worker, struct job *job)
{
    bool found = false;
    const struct job_queue queue = {"train", "main", worker, 15000};
    ck_ok(job_lease(db, &queue, &found, job, &err), err);
    return found;
}

static struct job
leased(struct warehouse *db, const char *worker)
{
    struct job job = {0};
    ck_assert(lease(db, worker, &job));
    return job;
}

static void
let_leases_run_out(struct warehouse *db)
{
    run(db, "UPDATE ops.jobs SET leased_until = now() - interval '1 second'");
}

static void
fenced(int result)
{
    ck_assert_int_eq(result, -1);
    ck_assert_msg(err.kind == ERROR_FENCED, "%s", err.message);
}

START_TEST(nothing_submitted_is_nothing_found)
{
    struct warehouse *db = migrated();
    struct job job = {0};
    ck_assert(!lease(db, "w1", &job));
    warehouse_close(&db);
}
END_TEST

START_TEST(a_leased_job_is_as_submitted)
{
    struct warehouse *db = migrated();
    int64_t id = submit(db, "loan");
    struct job job = leased(db, "w1");
    ck_assert_int_eq(job.id, id);
    ck_assert_str_eq(job.kind, "train");
    ck_assert_str_eq(job.pipeline, "loan");
    ck_assert_str_eq(job.request, "{\"rows\": 7}");
    ck_assert_int_eq(job.attempt, 1);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

/* The newest version of the pipeline tells; an unknown pipeline's job is the lane main's. */
START_TEST(a_worker_takes_the_jobs_of_its_lane_alone)
{
    struct warehouse *db = migrated();
    struct job job = {0};
    bool found = true;
    run(db, "INSERT INTO ops.pipelines (name, version, digest, definition, log_epoch, cluster_id)"
            " VALUES ('loan', 1, 'd', '{\"lane\": \"main\"}', 1, 'c'),"
            " ('loan', 2, 'e', '{\"lane\": \"slow\"}', 1, 'c'), ('churn', 1, 'd', '{}', 1, 'c')");
    submit(db, "loan");
    ck_assert(!lease(db, "w1", &job));
    const struct job_queue slow = {"train", "slow", "w2", 15000};
    int64_t id = submit(db, "churn"), unknown = submit(db, "nobody");
    ck_ok(job_lease(db, &slow, &found, &job, &err), err);
    ck_assert(found);
    ck_assert_str_eq(job.pipeline, "loan");
    job_free(&job);
    ck_ok(job_lease(db, &slow, &found, &job, &err), err);
    ck_assert(!found);
    const int64_t mine[] = {id, unknown};
    for (size_t i = 0; i < 2; i++) {
        job = leased(db, "w1");
        ck_assert_int_eq(job.id, mine[i]);
        job_free(&job);
    }
    warehouse_close(&db);
}
END_TEST

START_TEST(a_job_goes_to_one_of_two_workers)
{
    struct warehouse *db = migrated(), *other = opened();
    struct job first, second = {0};
    submit(db, "loan");
    first = leased(db, "w1");
    ck_assert(!lease(other, "w2", &second));
    job_free(&first);
    warehouse_close(&other);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_job_being_leased_is_passed_over)
{
    struct warehouse *db = migrated(), *other = opened();
    submit(db, "loan");
    int64_t later = submit(db, "churn");
    run(db, "BEGIN; SELECT FROM ops.jobs WHERE pipeline = 'loan' FOR UPDATE");
    struct job second = leased(other, "w2");
    ck_assert_int_eq(second.id, later);
    job_free(&second);
    warehouse_close(&other);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_job_of_another_kind_is_not_leased)
{
    struct warehouse *db = migrated();
    struct job job = {0};
    bool found = true;
    submit(db, "loan");
    ck_ok(job_lease(db, &(struct job_queue){"trial", "main", "w1", 15000}, &found, &job, &err),
          err);
    ck_assert(!found);
    warehouse_close(&db);
}
END_TEST

START_TEST(the_highest_priority_goes_first)
{
    struct warehouse *db = migrated();
    submit(db, "loan");
    int64_t urgent = submit(db, "churn");
    run(db, "UPDATE ops.jobs SET priority = 5 WHERE pipeline = 'churn'");
    struct job job = leased(db, "w1");
    ck_assert_int_eq(job.id, urgent);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_lease_that_ran_out_is_taken_over_and_the_old_worker_fenced)
{
    struct warehouse *db = migrated();
    submit(db, "loan");
    struct job old = leased(db, "w1");
    let_leases_run_out(db);
    struct job new = leased(db, "w2");
    ck_assert_int_eq(new.id, old.id);
    ck_assert_int_eq(new.attempt, 2);
    fenced(job_heartbeat(db, &old, "w1", 0.5, "late", &err));
    fenced(job_finish(db, &old, "w1", "{}", &err));
    fenced(job_fail(db, &old, "w1", "late", &err));
    ck_ok(job_finish(db, &new, "w2", "{}", &err), err);
    job_free(&old);
    job_free(&new);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_worker_that_came_back_does_not_hold_its_old_lease)
{
    struct warehouse *db = migrated();
    submit(db, "loan");
    struct job old = leased(db, "w1");
    let_leases_run_out(db);
    struct job new = leased(db, "w1");
    fenced(job_heartbeat(db, &old, "w1", 0.5, "late", &err));
    ck_ok(job_heartbeat(db, &new, "w1", 0.5, "here", &err), err);
    job_free(&old);
    job_free(&new);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_heartbeat_keeps_a_lease)
{
    struct warehouse *db = migrated();
    struct job other = {0};
    submit(db, "loan");
    struct job job = leased(db, "w1");
    let_leases_run_out(db);
    ck_ok(job_heartbeat(db, &job, "w1", 0.25, "fitting \xFF", &err), err);
    ck_assert(!lease(db, "w2", &other));
    ck_assert_str_eq(ask(db, "SELECT progress || ' ' || note FROM ops.jobs"),
                     "0.25 fitting \uFFFD");
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_finished_job_has_its_result_and_is_not_leased_again)
{
    struct warehouse *db = migrated();
    struct job other = {0};
    submit(db, "loan");
    struct job job = leased(db, "w1");
    ck_ok(job_finish(db, &job, "w1", "{\"run\": 1}", &err), err);
    let_leases_run_out(db);
    ck_assert(!lease(db, "w2", &other));
    ck_assert_str_eq(ask(db, "SELECT concat_ws(' ', status, result, finished_at IS NOT NULL) "
                             "FROM ops.jobs"),
                     "done {\"run\": 1} t");
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_failed_job_says_why_and_is_not_leased_again)
{
    struct warehouse *db = migrated();
    struct job other = {0};
    submit(db, "loan");
    struct job job = leased(db, "w1");
    ck_ok(job_fail(db, &job, "w1", "too few rows", &err), err);
    let_leases_run_out(db);
    ck_assert(!lease(db, "w2", &other));
    ck_assert_str_eq(ask(db, "SELECT status || ' ' || note FROM ops.jobs"), "failed too few rows");
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_finish_is_undone_with_the_callers_transaction)
{
    struct warehouse *db = migrated();
    submit(db, "loan");
    struct job job = leased(db, "w1");
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(job_finish(db, &job, "w1", "{}", &err), err);
    warehouse_rollback(db);
    ck_assert_str_eq(ask(db, "SELECT status FROM ops.jobs"), "running");
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_job_that_lost_too_many_workers_is_given_up)
{
    struct warehouse *db = migrated();
    struct job job = {0};
    submit(db, "loan");
    for (int i = 0; i < JOB_ATTEMPTS_MAX; i++) {
        ck_assert(lease(db, "w1", &job));
        job_free(&job);
        let_leases_run_out(db);
    }
    ck_assert(!lease(db, "w1", &job));
    ck_assert_str_eq(ask(db, "SELECT status || ' ' || note FROM ops.jobs"),
                     "failed given up after 20 workers were lost");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_request_that_is_no_json_is_input)
{
    struct warehouse *db = migrated();
    int64_t id = 0;
    ck_assert_int_eq(job_submit(db, "train", "loan", "{", &id, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_kind_too_long_is_input)
{
    struct warehouse *db = opened();
    int64_t id = 0;
    const char *kind = "a kind of job that has far too many letters";
    ck_assert_int_eq(job_submit(db, kind, "loan", "{}", &id, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_transient)
{
    setenv("PGHOST", "/nonexistent", 1);
    struct warehouse *db = opened();
    struct job job = {0};
    bool found = false;
    ck_assert_int_eq(
        job_lease(db, &(struct job_queue){"train", "main", "w1", 15000}, &found, &job, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    warehouse_close(&db);
}
END_TEST

/* ---- parts */

#define REQUESTS "[{\"n\": 0}, {\"n\": 1}, {\"n\": 2}]"

static bool
lease_part(struct warehouse *db, const char *worker, struct job *job)
{
    bool found = false;
    job_free(job);
    ck_ok(job_lease(db, &(struct job_queue){"trial", "main", worker, 15000}, &found, job, &err),
          err);
    return found;
}

/* A job that waits for three parts. */
static struct job
waiting(struct warehouse *db, int64_t together)
{
    submit(db, "loan");
    struct job job = leased(db, "w1");
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(job_submit_parts(db, &job, "trial", REQUESTS, together, &err), err);
    ck_ok(job_wait(db, &job, "w1", &err), err);
    ck_ok(warehouse_commit(db, &err), err);
    return job;
}

START_TEST(parts_are_leased_in_their_order)
{
    struct warehouse *db = migrated();
    struct job job = waiting(db, 0), part = {0};
    for (int i = 0; i < 3; i++) {
        char request[32];
        snprintf(request, sizeof(request), "{\"n\": %d}", i);
        ck_assert(lease_part(db, "w2", &part));
        ck_assert_str_eq(part.request, request);
        ck_assert_str_eq(part.pipeline, "loan");
        ck_assert_int_eq(part.parent, job.id);
    }
    ck_assert(!lease_part(db, "w2", &part));
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_job_waits_until_the_last_of_its_parts_has_ended)
{
    struct warehouse *db = migrated();
    struct job job = waiting(db, 0), part = {0}, again = {0};
    for (int i = 0; i < 3; i++) {
        ck_ok(jobs_wake(db, &err), err);
        ck_assert(!lease(db, "w1", &again));
        ck_assert(lease_part(db, "w2", &part));
        ck_ok(i == 1 ? job_fail(db, &part, "w2", "bad luck", &err)
                     : job_finish(db, &part, "w2", "{}", &err),
              err);
    }
    ck_assert(!lease(db, "w1", &again));
    ck_ok(jobs_wake(db, &err), err);
    ck_assert(lease(db, "w1", &again));
    ck_assert_int_eq(again.id, job.id);
    ck_assert_int_eq(again.attempt, 2);
    job_free(&again);
    job_free(&part);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(no_more_parts_run_together_than_may)
{
    struct warehouse *db = migrated();
    struct job job = waiting(db, 2), one = {0}, two = {0}, three = {0};
    ck_assert(lease_part(db, "w1", &one));
    ck_assert(lease_part(db, "w2", &two));
    ck_assert(!lease_part(db, "w3", &three));
    ck_ok(job_finish(db, &one, "w1", "{}", &err), err);
    ck_assert(lease_part(db, "w3", &three));
    run(db, "UPDATE ops.jobs SET leased_until = now() - interval '1 second' WHERE worker = 'w2'");
    ck_assert(lease_part(db, "w4", &one)); /* what a lost worker held is free */
    job_free(&one);
    job_free(&two);
    job_free(&three);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(rounds_that_went_well_are_not_held_against_a_job)
{
    struct warehouse *db = migrated();
    struct job job = {0};
    submit(db, "loan");
    for (int i = 0; i < 2 * JOB_ATTEMPTS_MAX; i++) {
        job_free(&job);
        ck_assert(lease(db, "w1", &job));
        ck_ok(job_wait(db, &job, "w1", &err), err);
        ck_ok(jobs_wake(db, &err), err);
    }
    job_free(&job);
    ck_assert(lease(db, "w1", &job));
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_cancelled_job_ends_with_its_parts)
{
    struct warehouse *db = migrated();
    struct job job = waiting(db, 0), part = {0}, none = {0};
    bool found = false;
    ck_assert(lease_part(db, "w2", &part));
    ck_ok(job_cancel(db, job.id, "by me", &found, &err), err);
    ck_assert(found);
    ck_assert_str_eq(
        ask(db, "SELECT string_agg(DISTINCT status || ' ' || note, ',') FROM ops.jobs"),
        "cancelled by me");
    fenced(job_finish(db, &part, "w2", "{}", &err));
    ck_assert(!lease_part(db, "w3", &none));
    ck_ok(jobs_wake(db, &err), err);
    ck_assert(!lease(db, "w1", &none));
    ck_ok(job_cancel(db, job.id, "again", &found, &err), err);
    ck_assert(!found);
    job_free(&part);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

/* A job, of which a part waits for parts of its own. */
static struct job
waiting_twice(struct warehouse *db, struct job *part)
{
    struct job job = waiting(db, 1);
    ck_assert(lease_part(db, "w2", part));
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(job_submit_parts(db, part, "fold", REQUESTS, 0, &err), err);
    ck_ok(job_wait(db, part, "w2", &err), err);
    ck_ok(warehouse_commit(db, &err), err);
    return job;
}

START_TEST(a_part_that_waits_for_its_parts_has_not_ended)
{
    struct warehouse *db = migrated();
    struct job part = {0}, none = {0}, job = waiting_twice(db, &part);
    ck_ok(jobs_wake(db, &err), err);
    ck_assert(!lease(db, "w1", &none));
    ck_assert(!lease_part(db, "w3", &none)); /* one at a time: that which waits */
    run(db, "UPDATE ops.jobs SET status = 'done' WHERE kind = 'fold'");
    ck_ok(jobs_wake(db, &err), err);
    ck_assert(!lease(db, "w1", &none));
    ck_assert(lease_part(db, "w3", &none));
    ck_assert_int_eq(none.id, part.id);
    job_free(&none);
    job_free(&part);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_cancelled_job_ends_with_the_parts_of_its_parts)
{
    struct warehouse *db = migrated();
    struct job part = {0}, job = waiting_twice(db, &part);
    bool found = false;
    ck_ok(job_cancel(db, job.id, "by me", &found, &err), err);
    ck_assert(found);
    ck_assert_str_eq(ask(db, "SELECT string_agg(DISTINCT status || ' ' || note, ',') || ' ' ||"
                             " count(*) FROM ops.jobs"),
                     "cancelled by me 7");
    job_free(&part);
    job_free(&job);
    warehouse_close(&db);
}
END_TEST

RUN_POSTGRES_TESTS(
    "jobs", nothing_submitted_is_nothing_found, a_leased_job_is_as_submitted,
    a_job_goes_to_one_of_two_workers, a_worker_takes_the_jobs_of_its_lane_alone,
    a_job_being_leased_is_passed_over, a_job_of_another_kind_is_not_leased,
    the_highest_priority_goes_first, a_lease_that_ran_out_is_taken_over_and_the_old_worker_fenced,
    a_worker_that_came_back_does_not_hold_its_old_lease, a_heartbeat_keeps_a_lease,
    a_finished_job_has_its_result_and_is_not_leased_again,
    a_failed_job_says_why_and_is_not_leased_again, a_finish_is_undone_with_the_callers_transaction,
    a_job_that_lost_too_many_workers_is_given_up, a_request_that_is_no_json_is_input,
    a_kind_too_long_is_input, a_server_that_is_not_there_is_transient,
    parts_are_leased_in_their_order, a_job_waits_until_the_last_of_its_parts_has_ended,
    no_more_parts_run_together_than_may, rounds_that_went_well_are_not_held_against_a_job,
    a_cancelled_job_ends_with_its_parts, a_part_that_waits_for_its_parts_has_not_ended,
    a_cancelled_job_ends_with_the_parts_of_its_parts)
