/* Tests of the thread in which the sink's transactions run, with a transaction of the test's own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>

#include "check_main.h"
#include "sink_private.h"

static sem_t gate; /* a transaction ends when it may pass */
static int runs;

void
transaction_run(struct transaction *transaction)
{
    sem_wait(&gate);
    transaction->outcome = ++runs;
}

static struct sink_writer *
opened(void)
{
    struct error err = {0};
    struct sink_writer *writer = NULL;
    ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
    ck_ok(sink_writer_open(&writer, &err), err);
    return writer;
}

START_TEST(a_new_writer_has_nothing_to_be_waited_for)
{
    struct sink_writer *writer = opened();
    ck_assert(sink_writer_done(writer));
    ck_assert(sink_writer_wait(writer, -1));
    ck_assert(sink_writer_wait(writer, 0));
    sink_writer_close(&writer);
    ck_assert_ptr_null(writer);
    sink_writer_close(&writer);
}
END_TEST

START_TEST(a_writer_is_done_when_the_transaction_is)
{
    struct sink_writer *writer = opened();
    struct transaction transaction = {0};
    sink_writer_give(writer, &transaction);
    ck_assert(!sink_writer_done(writer));
    ck_assert(!sink_writer_wait(writer, 0));
    ck_assert(!sink_writer_wait(writer, 20));
    sem_post(&gate);
    ck_assert(sink_writer_wait(writer, -1));
    ck_assert(sink_writer_done(writer));
    ck_assert_int_eq(transaction.outcome, 1);
    sink_writer_close(&writer);
}
END_TEST

START_TEST(transactions_follow_one_another)
{
    struct sink_writer *writer = opened();
    for (int i = 1; i <= 100; i++) {
        struct transaction transaction = {0};
        sem_post(&gate);
        sink_writer_give(writer, &transaction);
        ck_assert(sink_writer_wait(writer, 60000));
        ck_assert_int_eq(transaction.outcome, i);
    }
    sink_writer_close(&writer);
}
END_TEST

START_TEST(a_writer_ends_after_what_it_has_in_hand)
{
    struct sink_writer *writer = opened();
    struct transaction transaction = {0};
    sink_writer_give(writer, &transaction);
    sem_post(&gate);
    sink_writer_close(&writer);
    ck_assert_int_eq(transaction.outcome, 1);
}
END_TEST

RUN_TESTS("sink_writer", a_new_writer_has_nothing_to_be_waited_for,
          a_writer_is_done_when_the_transaction_is, transactions_follow_one_another,
          a_writer_ends_after_what_it_has_in_hand)
