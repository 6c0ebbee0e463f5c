/* Tests of what users pass through to librdkafka, and of passwords that change while clients live.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker_private.h"
#include "check_main.h"

static const struct broker_settings settings = {"127.0.0.1:1", "test", 10000};
static char path[] = "/tmp/millrace-passed-XXXXXX";
static struct broker *broker;
static struct error err;

static void
write_password(const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* SASL by a user from a variable and a password from a file. */
static void
open_broker(const char *password)
{
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    write_password(password);
    setenv("MILLRACE_KAFKA_SECURITY_PROTOCOL", "sasl_plaintext", 1);
    setenv("MILLRACE_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", 1);
    setenv("MILLRACE_KAFKA_SASL_USERNAME", "alice", 1);
    setenv("MILLRACE_KAFKA_SASL_PASSWORD_FILE", path, 1);
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(broker_open(&settings, &broker, mistakes), 0);
    mistakes_free(&mistakes);
}

static void
close_broker(void)
{
    broker_close(&broker);
    unlink(path);
}

static const char *
value_of(const rd_kafka_conf_t *conf, const char *name)
{
    static char value[256];
    size_t size = sizeof(value);
    ck_assert_int_eq(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    return value;
}

static rd_kafka_t *
open_client(void)
{
    rd_kafka_conf_t *conf = broker_conf(broker, CLIENT_PRODUCER, NULL, NULL, &err);
    ck_assert_ptr_nonnull(conf);
    rd_kafka_t *client = broker_client(conf, CLIENT_PRODUCER, &err);
    ck_assert_ptr_nonnull(client);
    return client;
}

START_TEST(a_value_may_lie_in_a_file_whose_last_line_ends)
{
    open_broker("first\n");
    rd_kafka_conf_t *conf = broker_conf(broker, CLIENT_PRODUCER, NULL, NULL, &err);
    ck_assert_ptr_nonnull(conf);
    ck_assert_str_eq(value_of(conf, "sasl.username"), "alice");
    ck_assert_str_eq(value_of(conf, "sasl.password"), "first");
    rd_kafka_conf_destroy(conf);
    close_broker();
}
END_TEST

START_TEST(a_new_client_takes_what_the_file_holds_now)
{
    open_broker("first");
    write_password("second");
    rd_kafka_t *client = open_client();
    ck_assert_str_eq(value_of(rd_kafka_conf(client), "sasl.password"), "second");
    rd_kafka_destroy(client);
    close_broker();
}
END_TEST

START_TEST(a_file_that_is_away_for_a_moment_leaves_the_value_of_the_start)
{
    open_broker("first");
    unlink(path);
    rd_kafka_t *client = open_client();
    ck_assert_str_eq(value_of(rd_kafka_conf(client), "sasl.password"), "first");
    rd_kafka_destroy(client);
    close_broker();
}
END_TEST

START_TEST(a_client_that_is_refused_takes_the_password_anew)
{
    struct problem problem = {.lock = PTHREAD_MUTEX_INITIALIZER};
    open_broker("first");
    rd_kafka_t *client = open_client();
    write_password("second");
    client_error(broker, client, RD_KAFKA_RESP_ERR__TRANSPORT, "broker is away", &problem);
    ck_assert_str_eq(value_of(rd_kafka_conf(client), "sasl.password"), "first");
    client_error(broker, client, RD_KAFKA_RESP_ERR__AUTHENTICATION, "refused", &problem);
    ck_assert_str_eq(value_of(rd_kafka_conf(client), "sasl.password"), "second");
    ck_assert_str_eq(problem_read(&problem), "refused");
    rd_kafka_destroy(client);
    close_broker();
}
END_TEST

START_TEST(a_file_that_cannot_be_read_at_start_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    setenv("MILLRACE_KAFKA_SASL_PASSWORD_FILE", "/nonexistent/password", 1);
    ck_assert_int_eq(broker_open(&settings, &broker, mistakes), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), "MILLRACE_KAFKA_SASL_PASSWORD_FILE");
    mistakes_free(&mistakes);
}
END_TEST

RUN_TESTS("broker_passed", a_value_may_lie_in_a_file_whose_last_line_ends,
          a_new_client_takes_what_the_file_holds_now,
          a_file_that_is_away_for_a_moment_leaves_the_value_of_the_start,
          a_client_that_is_refused_takes_the_password_anew,
          a_file_that_cannot_be_read_at_start_is_a_mistake)
