/* Tests of the commit's error ladder against librdkafka's mock cluster, which serves error paths
 * only: it shows aborted records to read_committed readers, so it can prove nothing about
 * exactly-once. SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "clock.h"

enum api_key {
    PRODUCE = 0,
    OFFSET_FETCH = 9,
    INIT_PRODUCER_ID = 22,
    ADD_PARTITIONS = 24,
    ADD_OFFSETS = 25,
    END_TXN = 26,
    TXN_OFFSET_COMMIT = 28
};

static rd_kafka_t *host; /* the client that carries the mock cluster */
static rd_kafka_mock_cluster_t *cluster;
static struct broker *broker;
static struct consumer *consumer;
static struct producer *producer;
static struct error err;

static void
open_broker(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    ck_assert_ptr_nonnull(host);
    cluster = rd_kafka_mock_cluster_new(host, 1);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "in", 2, 1), 0);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "out", 2, 1), 0);
    struct mistakes *mistakes = mistakes_create();
    const struct broker_settings settings = {rd_kafka_mock_cluster_bootstraps(cluster), "test",
                                             10000};
    ck_assert_int_eq(broker_open(&settings, &broker, mistakes), 0);
    mistakes_free(&mistakes);
}

static void
close_broker(void)
{
    consumer_close(&consumer);
    producer_destroy(&producer);
    broker_close(&broker);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
}

static void
join_group(void)
{
    const struct consumer_options options = {"test.group", "test-0", .patient = false};
    const char *const topics[] = {"in"};
    enum consumer_event event = CONSUMER_NOTHING;
    struct message *message = NULL;
    ck_ok(consumer_open(broker, &options, &consumer, &err), err);
    ck_ok(consumer_subscribe(consumer, topics, 1, &err), err);
    for (int i = 0; i < 600 && event != CONSUMER_ASSIGNED; i++)
        ck_ok(consumer_poll(consumer, 100, &event, &message, &err), err);
    ck_assert_int_eq(event, CONSUMER_ASSIGNED);
}

static void
open_producer(void)
{
    ck_ok(producer_open_transactional(broker, "test.id", &producer, &err), err);
    ck_ok(producer_init(producer, 10000, &err), err);
}

static void
open_all(void)
{
    open_broker();
    join_group();
    open_producer();
}

static void
fail_next(int16_t api, rd_kafka_resp_err_t code, int times)
{
    for (int i = 0; i < times; i++)
        rd_kafka_mock_push_request_errors(cluster, api, 1, code);
}

/* One transaction with one record and one offset. */
static int
commit_one(void)
{
    const struct record record = {.topic = "out", .partition = 0, .value = bytes_of("{}")};
    const struct position end = {.topic = "in", .partition = 0, .offset = 1};
    memset(&err, 0, sizeof(err));
    if (producer_begin(producer, &err) != 0 || producer_send(producer, &record, &err) != 0)
        return -1;
    return producer_commit(producer, consumer, &end, 1, &err);
}

START_TEST(a_calm_commit_succeeds)
{
    open_all();
    ck_ok(commit_one(), err);
    ck_ok(commit_one(), err);
    struct position at = {.topic = "in", .partition = 1};
    ck_ok(consumer_committed(consumer, &at, 1, 5000, &err), err);
    ck_assert_int_eq(at.offset, -1);
    close_broker();
}
END_TEST

START_TEST(what_can_be_tried_again_is_tried_again)
{
    const int16_t apis[] = {ADD_PARTITIONS, ADD_OFFSETS, TXN_OFFSET_COMMIT, END_TXN};
    open_all();
    for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
        fail_next(apis[i], RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 2);
        ck_ok(commit_one(), err);
    }
    close_broker();
}
END_TEST

static int
begin_with(int64_t offset)
{
    const struct position first = {.topic = "in", .partition = 0, .offset = offset};
    ck_ok(producer_begin(producer, &err), err);
    return producer_await(producer, consumer, &first, 1, &err);
}

static int
end_with(int64_t offset)
{
    const struct record record = {.topic = "out", .partition = 0, .value = bytes_of("{}")};
    const struct position end = {.topic = "in", .partition = 0, .offset = offset};
    ck_ok(producer_send(producer, &record, &err), err);
    return producer_commit(producer, consumer, &end, 1, &err);
}

START_TEST(a_transaction_that_follows_another_begins_with_its_offsets)
{
    open_all();
    fail_next(ADD_OFFSETS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    ck_ok(begin_with(2), err); /* asks nothing: no transaction came before */
    ck_assert_int_eq(end_with(2), -1);
    producer_destroy(&producer);
    open_producer();
    ck_ok(commit_one(), err);

    fail_next(ADD_OFFSETS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 3);
    ck_ok(begin_with(5), err);
    fail_next(TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, 1);
    ck_ok(end_with(5), err); /* they are sent already, so nothing is refused */
    ck_assert_int_eq(begin_with(7), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    producer_destroy(&producer);
    open_producer();
    ck_ok(commit_one(), err);

    ck_ok(begin_with(9), err);
    fail_next(TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, 1);
    ck_assert_int_eq(end_with(10), -1); /* other ones are sent anew */
    close_broker();
}
END_TEST

START_TEST(calm_commits_leave_a_producer_clean)
{
    open_all();
    for (int i = 0; i < 20; i++) {
        ck_ok(commit_one(), err);
        ck_assert(!producer_tainted(producer));
    }
    fail_next(END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 2);
    ck_ok(commit_one(), err);
    ck_assert(!producer_tainted(producer));
    close_broker();
}
END_TEST

/* The connection is cut in place of an answer: the request is sent again unseen. */
START_TEST(a_commit_whose_answer_is_cut_off_taints_the_producer)
{
    const int16_t apis[] = {ADD_PARTITIONS, ADD_OFFSETS, TXN_OFFSET_COMMIT, END_TXN};
    open_all();
    for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
        fail_next(apis[i], RD_KAFKA_RESP_ERR__TRANSPORT, 1);
        ck_ok(commit_one(), err);
        ck_assert_msg(producer_tainted(producer), "request %d", apis[i]);
        producer_destroy(&producer);
        open_producer();
        ck_ok(commit_one(), err);
        ck_assert(!producer_tainted(producer));
    }
    close_broker();
}
END_TEST

START_TEST(a_commit_whose_answer_comes_too_late_taints_the_producer)
{
    setenv("MILLRACE_KAFKA_SOCKET_TIMEOUT_MS", "1000", 1);
    open_all();
    rd_kafka_mock_broker_push_request_error_rtts(cluster, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                                 3000);
    ck_ok(commit_one(), err);
    ck_assert(producer_tainted(producer));
    close_broker();
}
END_TEST

/* Refused offsets, refused partitions, a refused end: the batch is undone, the process lives. */
START_TEST(an_abortable_error_undoes_the_batch_and_a_new_producer_goes_on)
{
    const struct {
        int16_t api;
        rd_kafka_resp_err_t code;
    } cases[] = {
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
        {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION},
        {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID},
        {PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
    };
    open_all();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fail_next(cases[i].api, cases[i].code, 1);
        ck_assert_int_eq(commit_one(), -1);
        ck_assert_msg(err.kind == ERROR_TRANSIENT, "case %zu: %s: %s", i, error_kind_name(err.kind),
                      err.message);
        producer_destroy(&producer);
        open_producer();
        ck_ok(commit_one(), err);
    }
    close_broker();
}
END_TEST

START_TEST(a_fenced_identity_ends_the_process)
{
    const struct {
        int16_t api;
        rd_kafka_resp_err_t code;
    } cases[] = {
        {END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED},
        {END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH},
        {ADD_OFFSETS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED},
        {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID},
    };
    open_all();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fail_next(cases[i].api, cases[i].code, 1);
        ck_assert_int_eq(commit_one(), -1);
        ck_assert_msg(err.kind == ERROR_FENCED, "case %zu: %s: %s", i, error_kind_name(err.kind),
                      err.message);
        producer_destroy(&producer);
        open_producer();
    }
    close_broker();
}
END_TEST

START_TEST(a_broker_that_is_away_is_waited_for)
{
    open_broker();
    rd_kafka_mock_broker_set_down(cluster, 1);
    ck_ok(producer_open_transactional(broker, "test.id", &producer, &err), err);
    ck_assert_int_eq(producer_init(producer, 500, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    rd_kafka_mock_broker_set_up(cluster, 1);
    int failed = -1;
    for (int i = 0; i < 60 && failed != 0; i++)
        failed = producer_init(producer, 1000, &err);
    ck_assert_int_eq(failed, 0);
    close_broker();
}
END_TEST

START_TEST(a_commit_after_a_revoked_assignment_is_refused)
{
    open_all();
    const char *const none[] = {"elsewhere"};
    enum consumer_event event = CONSUMER_NOTHING;
    struct message *message = NULL;
    rd_kafka_mock_topic_create(cluster, "elsewhere", 1, 1);
    ck_ok(consumer_subscribe(consumer, none, 1, &err), err);
    for (int i = 0; i < 300 && event != CONSUMER_REVOKED; i++)
        ck_ok(consumer_poll(consumer, 100, &event, &message, &err), err);
    ck_assert_int_eq(event, CONSUMER_REVOKED);
    ck_assert_int_eq(commit_one(), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    close_broker();
}
END_TEST

/* Offset fetches that meet pending offsets are TRANSIENT for the caller, who asks again. */
START_TEST(unstable_offsets_are_asked_for_again)
{
    open_all();
    struct position at = {.topic = "in", .partition = 0};
    fail_next(OFFSET_FETCH, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 1);
    ck_assert_int_eq(consumer_committed(consumer, &at, 1, 2000, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_ok(consumer_committed(consumer, &at, 1, 5000, &err), err);
    close_broker();
}
END_TEST

START_TEST(nothing_is_fetched_before_it_is_told_where)
{
    open_broker();
    ck_ok(producer_open_plain(broker, &producer, &err), err);
    for (int i = 0; i < 10; i++) {
        const struct record record = {.topic = "in", .partition = 0, .value = bytes_of("x")};
        ck_ok(producer_send(producer, &record, &err), err);
    }
    ck_ok(producer_flush(producer, 10000, &err), err);
    ck_assert_int_eq(producer_delivered(producer), 10);
    join_group();
    enum consumer_event event = CONSUMER_NOTHING;
    struct message *message = NULL;
    ck_ok(consumer_poll(consumer, 500, &event, &message, &err), err);
    ck_assert_int_eq(event, CONSUMER_NOTHING);
    const struct position start = {.topic = "in", .partition = 0, .offset = 7};
    ck_ok(consumer_start(consumer, &start, 1, &err), err);
    for (int i = 0; i < 100 && event != CONSUMER_MESSAGE; i++)
        ck_ok(consumer_poll(consumer, 100, &event, &message, &err), err);
    ck_assert_int_eq(event, CONSUMER_MESSAGE);
    ck_assert_int_eq(message->offset, 7);
    message_free(&message);
    close_broker();
}
END_TEST

START_TEST(headers_travel_and_the_last_one_of_a_name_counts)
{
    open_broker();
    ck_ok(producer_open_plain(broker, &producer, &err), err);
    const struct header headers[] = {{"a", bytes_of("1")}, {"b", BYTES_NONE}, {"a", bytes_of("2")}};
    const struct record record = {
        .topic = "in", .partition = 1, .key = bytes_of("k"), .header = headers, .headers = 3};
    ck_ok(producer_send(producer, &record, &err), err);
    ck_ok(producer_flush(producer, 10000, &err), err);
    struct position all = {.topic = "in", .partition = -1, .offset = -1};
    struct reader *reader = NULL;
    struct message *message = NULL;
    ck_ok(reader_open(broker, READ_BEGINNING, &all, 1, &reader, &err), err);
    for (int i = 0; i < 100 && message == NULL; i++)
        ck_ok(reader_poll(reader, 100, &message, &err), err);
    ck_assert_ptr_nonnull(message);
    ck_assert_ptr_null(message->value.at);
    ck_assert(bytes_equal_text(message->key, "k"));
    ck_assert(bytes_equal_text(*message_header(message, "a"), "2"));
    ck_assert_ptr_null(message_header(message, "b")->at);
    ck_assert_ptr_null(message_header(message, "c"));
    message_free(&message);
    for (int i = 0; i < 100 && !reader_at_end(reader); i++)
        ck_ok(reader_poll(reader, 100, &message, &err), err);
    ck_assert(reader_at_end(reader));
    ck_assert(reader_partition_at_end(reader, "in", 0));
    reader_close(&reader);
    close_broker();
}
END_TEST

START_TEST(whoever_asks_for_it_lets_messages_wait_as_long_as_told)
{
    setenv("MILLRACE_KAFKA_MESSAGE_TIMEOUT_MS", "1000", 1);
    open_broker();
    unsetenv("MILLRACE_KAFKA_MESSAGE_TIMEOUT_MS");
    rd_kafka_mock_broker_set_down(cluster, 1);
    ck_ok(producer_open_plain(broker, &producer, &err), err);
    const struct record record = {.topic = "in", .partition = 1, .value = bytes_of("v")};
    ck_ok(producer_send(producer, &record, &err), err);
    ck_assert_int_eq(producer_flush(producer, 15000, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "Message timed out"));
    close_broker();
}
END_TEST

START_TEST(the_ends_of_a_log_are_asked_for_in_time)
{
    int64_t low = -1, high = -1;
    open_broker();
    ck_ok(producer_open_plain(broker, &producer, &err), err);
    const struct record record = {.topic = "in", .partition = 0, .value = bytes_of("v")};
    ck_ok(producer_send(producer, &record, &err), err);
    ck_ok(producer_flush(producer, 10000, &err), err);
    ck_ok(broker_watermarks(broker, "in", 0, &low, &high, &err), err);
    ck_assert_int_eq(low, 0);
    ck_assert_int_eq(high, 1);
    rd_kafka_mock_broker_set_down(cluster, 1);
    ck_assert_int_eq(broker_watermarks(broker, "in", 0, &low, &high, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    close_broker();
}
END_TEST

START_TEST(properties_that_carry_the_protocol_are_refused_by_name)
{
    const struct broker_settings settings = {"127.0.0.1:1", "test", 10000};
    struct mistakes *mistakes = mistakes_create();
    setenv("MILLRACE_KAFKA_ISOLATION_LEVEL", "read_uncommitted", 1);
    setenv("MILLRACE_KAFKA_NO_SUCH_THING", "1", 1);
    setenv("MILLRACE_KAFKA_FETCH_WAIT_MAX_MS", "50", 1);
    ck_assert_int_eq(broker_open(&settings, &broker, mistakes), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert(strstr(mistakes_where(mistakes, i), "ISOLATION_LEVEL") != NULL ||
                  strstr(mistakes_where(mistakes, i), "NO_SUCH_THING") != NULL);
    unsetenv("MILLRACE_KAFKA_ISOLATION_LEVEL");
    unsetenv("MILLRACE_KAFKA_NO_SUCH_THING");
    mistakes_free(&mistakes);
    mistakes = mistakes_create();
    ck_assert_int_eq(broker_open(&settings, &broker, mistakes), 0);
    broker_close(&broker);
    mistakes_free(&mistakes);
}
END_TEST

RUN_TESTS("broker", a_calm_commit_succeeds,
          a_transaction_that_follows_another_begins_with_its_offsets,
          calm_commits_leave_a_producer_clean, a_commit_whose_answer_is_cut_off_taints_the_producer,
          a_commit_whose_answer_comes_too_late_taints_the_producer,
          what_can_be_tried_again_is_tried_again,
          an_abortable_error_undoes_the_batch_and_a_new_producer_goes_on,
          a_fenced_identity_ends_the_process, a_broker_that_is_away_is_waited_for,
          a_commit_after_a_revoked_assignment_is_refused, unstable_offsets_are_asked_for_again,
          nothing_is_fetched_before_it_is_told_where,
          headers_travel_and_the_last_one_of_a_name_counts,
          whoever_asks_for_it_lets_messages_wait_as_long_as_told,
          the_ends_of_a_log_are_asked_for_in_time,
          properties_that_carry_the_protocol_are_refused_by_name)
