/* From a dead letter back to the record it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/cli/letters.h"

#include <string.h>

#include "check_main.h"
#include "envelope.h"

static struct arena *arena;
static struct error err;
static struct message original; /* as it was read, before it died */
static struct header headers[8];
static struct message letter;

static void
setup(void)
{
    ck_ok(arena_open(&arena, 1 << 20, &err), err);
    original = (struct message){.topic = "m.loan.raw",
                                .partition = 2,
                                .offset = 41,
                                .time_us = 1700000000000000,
                                .key = bytes_of("k"),
                                .value = bytes_of("{\"a\":1}"),
                                .header = headers};
}

static void
add(const char *name, const char *value)
{
    headers[original.headers++] = (struct header){name, bytes_of(value)};
}

/* Dies, and lies at offset 7 of the topic of dead letters. */
static void
die(void)
{
    const struct letter why = {.service = "cleaning",
                               .instance = "0",
                               .stage = "clean",
                               .reason = "rule.range",
                               .where = "/age",
                               .message = "too old",
                               .id = bytes_of("e1"),
                               .version = 3,
                               .received_us = 1700000000000000};
    struct header *all = NULL;
    size_t count = 0;
    ck_ok(envelope_write_dead(arena, &original, &why, &all, &count, &err), err);
    letter = original;
    letter.topic = "m.loan.dead";
    letter.offset = 7;
    letter.header = all;
    letter.headers = count;
}

static struct record
replay(bool door)
{
    struct record record;
    ck_ok(letter_replay(arena, &letter, "m.loan.raw", 2, door, 5, &record, &err), err);
    return record;
}

static void
expect(const struct record *record, size_t i, const char *name, const char *value)
{
    ck_assert_uint_lt(i, record->headers);
    ck_assert_str_eq(record->header[i].name, name);
    ck_assert(bytes_equal_text(record->header[i].value, value));
}

START_TEST(key_value_time_and_headers_are_the_original_ones)
{
    setup();
    add("ce_id", "e1");
    add("mine", "\xff");
    add("mine", "again");
    add("millrace_received_at", "2026-01-01T00:00:00Z");
    die();
    struct record record = replay(false);
    ck_assert_str_eq(record.topic, "m.loan.raw");
    ck_assert_int_eq(record.partition, 2);
    ck_assert_int_eq(record.time_us, 1700000000000000);
    ck_assert(bytes_equal_text(record.key, "k"));
    ck_assert(bytes_equal_text(record.value, "{\"a\":1}"));
    expect(&record, 0, "ce_id", "e1");
    expect(&record, 1, "mine", "\xff");
    expect(&record, 2, "mine", "again");
    expect(&record, 3, "millrace_received_at", "2026-01-01T00:00:00Z");
    arena_close(&arena);
}
END_TEST

START_TEST(it_names_its_letter_counts_attempts_and_bears_the_newest_version)
{
    setup();
    add("millrace_seq", "2:9");
    add("millrace_pipeline_version", "3");
    die();
    struct record record = replay(false);
    ck_assert_uint_eq(record.headers, 3);
    expect(&record, 0, "millrace_pipeline_version", "5");
    expect(&record, 1, "millrace_replay_of", "m.loan.dead:2:7");
    expect(&record, 2, "millrace_attempt", "2");
    arena_close(&arena);
}
END_TEST

START_TEST(a_replay_that_died_again_is_replayed_once_more)
{
    setup();
    add("ce_id", "e1");
    die();
    struct record first = replay(false);
    original.header = first.header;
    original.headers = first.headers;
    die();
    letter.offset = 12;
    struct record second = replay(false);
    ck_assert_uint_eq(second.headers, 4);
    expect(&second, 2, "millrace_replay_of", "m.loan.dead:2:12");
    expect(&second, 3, "millrace_attempt", "3");
    arena_close(&arena);
}
END_TEST

START_TEST(a_letter_whose_original_was_a_letter_keeps_its_headers)
{
    setup();
    add("__connect.errors.topic", "elsewhere");
    die();
    struct record record = replay(false);
    expect(&record, 0, "__connect.errors.topic", "elsewhere");
    ck_assert_uint_eq(record.headers, 4);
    arena_close(&arena);
}
END_TEST

START_TEST(at_the_door_an_event_without_an_id_keeps_the_one_it_died_with)
{
    setup();
    die();
    struct record record = replay(true);
    expect(&record, 0, "ce_id", "e1");
    expect(&record, 1, "millrace_replay_of", "m.loan.dead:2:7");
    arena_close(&arena);
}
END_TEST

START_TEST(at_the_door_an_event_keeps_its_own_id_wherever_it_stands)
{
    setup();
    add("content-type", "application/cloudevents+json; charset=UTF-8");
    die();
    ck_assert_uint_eq(replay(true).headers, 3);
    add("ce_id", "mine");
    die();
    struct record record = replay(true);
    ck_assert_uint_eq(record.headers, 4);
    expect(&record, 1, "ce_id", "mine");
    arena_close(&arena);
}
END_TEST

START_TEST(a_tombstone_stays_one)
{
    setup();
    original.key = original.value = BYTES_NONE;
    die();
    struct record record = replay(true);
    ck_assert_ptr_null(record.key.at);
    ck_assert_ptr_null(record.value.at);
    arena_close(&arena);
}
END_TEST

START_TEST(what_is_no_letter_is_refused)
{
    struct record record;
    setup();
    add("ce_id", "e1");
    letter = original;
    ck_assert_int_eq(letter_replay(arena, &letter, "m.loan.raw", 2, false, 5, &record, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    arena_close(&arena);
}
END_TEST

START_TEST(an_arena_that_is_full_is_fatal)
{
    struct record record;
    setup();
    die();
    while (arena_alloc(arena, 16, 1) != NULL)
        continue;
    ck_assert_int_eq(letter_replay(arena, &letter, "m.loan.raw", 2, false, 5, &record, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("cli_letters", key_value_time_and_headers_are_the_original_ones,
          it_names_its_letter_counts_attempts_and_bears_the_newest_version,
          a_replay_that_died_again_is_replayed_once_more,
          a_letter_whose_original_was_a_letter_keeps_its_headers,
          at_the_door_an_event_without_an_id_keeps_the_one_it_died_with,
          at_the_door_an_event_keeps_its_own_id_wherever_it_stands, a_tombstone_stays_one,
          what_is_no_letter_is_refused, an_arena_that_is_full_is_fatal)
