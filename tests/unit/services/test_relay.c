/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/relay.h"

#include <string.h>

#include "../check_main.h"

#define NUMBERS ((size_t)3000000)

static struct error err;

struct count {
    size_t seen, calls, limit;
};

/* Numbers must come in their order; past the limit the work fails. */
static int
count(void *self, struct bytes bytes, struct error *error)
{
    struct count *count = self;
    count->calls++;
    for (size_t at = 0; at + sizeof(size_t) <= bytes.length; at += sizeof(size_t)) {
        size_t number;
        memcpy(&number, bytes.at + at, sizeof(number));
        if (number != count->seen++)
            return error_set(error, ERROR_FATAL, "%zu came", number);
        if (number == count->limit)
            return error_set(error, ERROR_INPUT, "the limit");
    }
    return 0;
}

static int
put_all(struct relay *relay)
{
    for (size_t i = 0; i < NUMBERS; i++)
        if (relay_put(relay, (struct bytes){(const uint8_t *)&i, sizeof(i)}, &err) != 0)
            return -1;
    return 0;
}

START_TEST(all_bytes_come_once_and_in_order)
{
    struct count seen = {.limit = SIZE_MAX};
    struct relay *relay = NULL;
    err = (struct error){0};
    ck_ok(relay_open(count, &seen, &relay, &err), err);
    ck_ok(put_all(relay), err);
    ck_ok(relay_end(&relay, &err), err);
    ck_assert_ptr_null(relay);
    ck_assert_uint_eq(seen.seen, NUMBERS);
    ck_assert_uint_eq(seen.calls, (NUMBERS * sizeof(size_t) + RELAY_BYTES - 1) / RELAY_BYTES);
}
END_TEST

START_TEST(nothing_put_is_no_work)
{
    struct count seen = {0};
    struct relay *relay = NULL;
    ck_ok(relay_open(count, &seen, &relay, &err), err);
    ck_ok(relay_put(relay, BYTES_NONE, &err), err);
    ck_ok(relay_end(&relay, &err), err);
    ck_assert_uint_eq(seen.calls, 0);
}
END_TEST

START_TEST(work_that_fails_ends_the_reading)
{
    const size_t limits[] = {0, NUMBERS / 2, NUMBERS - 1};
    for (size_t i = 0; i < 3; i++) {
        struct count seen = {.limit = limits[i]};
        struct relay *relay = NULL;
        err = (struct error){0};
        ck_ok(relay_open(count, &seen, &relay, &err), err);
        int put = put_all(relay);
        ck_assert(i == 2 || put == -1);
        if (put == 0)
            ck_assert_int_eq(relay_end(&relay, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_str_eq(err.message, "the limit");
        ck_assert_uint_eq(seen.seen, limits[i] + 1);
        relay_close(&relay);
    }
}
END_TEST

START_TEST(what_is_given_up_is_dropped)
{
    struct count seen = {.limit = SIZE_MAX};
    struct relay *relay = NULL;
    err = (struct error){0};
    ck_ok(relay_open(count, &seen, &relay, &err), err);
    ck_ok(put_all(relay), err);
    relay_close(&relay);
    ck_assert_uint_lt(seen.seen, NUMBERS); /* its last bytes were still being put together */
    relay_close(&relay);
}
END_TEST

RUN_TESTS("relay", all_bytes_come_once_and_in_order, nothing_put_is_no_work,
          work_that_fails_ends_the_reading, what_is_given_up_is_dropped)
