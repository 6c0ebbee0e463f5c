/* Tests of state. A `copy` is what the changelog would give back after compaction: it is loaded
 * from the records of each batch, as the loop does after a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "frame.h"

#define HOUR_MS   3600000
#define SECOND_US 1000000ll
#define ROOMY     (64 << 20)

static struct arena *arena;
static struct error err;

static struct state *
fresh(size_t limit)
{
    struct state *state = NULL;
    err = (struct error){0};
    if (arena == NULL)
        ck_assert_int_eq(arena_open(&arena, 512 << 20, &err), 0);
    ck_ok(state_create(limit, &state, &err), err);
    return state;
}

static void
put(struct state *state, const char *key, const char *value, int64_t ttl_ms)
{
    ck_ok(state_put(state, bytes_of(key), bytes_of(value), ttl_ms, &err), err);
}

static bool
has(const struct state *state, const char *key, const char *value)
{
    const struct bytes *found = state_get(state, bytes_of(key));
    return value == NULL ? found == NULL : found != NULL && bytes_equal_text(*found, value);
}

/* Ends the batch as the loop does; the records go to `copy`. Returns how many there were, of them
 * *tombstones. */
static size_t
commit(struct state *state, struct state *copy, size_t *tombstones)
{
    struct bytes key, value;
    size_t at = 0, count = 0, gone = 0;
    while (state_change(state, &at, arena, &key, &value, &err) == 1) {
        count++;
        gone += value.at == NULL;
        if (copy != NULL)
            ck_ok(state_load(copy, key, value, &err), err);
    }
    state_commit(state);
    if (tombstones != NULL)
        *tombstones = gone;
    arena_reset(arena);
    return count;
}

static void
finish(struct state **state)
{
    state_free(state);
    arena_close(&arena);
}

/* ---- get and put */
START_TEST(what_was_put_is_got)
{
    struct state *state = fresh(ROOMY);
    state_advance(state, 0);
    ck_assert(has(state, "a", NULL));
    put(state, "a", "1", HOUR_MS);
    put(state, "b", "", HOUR_MS);
    put(state, "", "none", HOUR_MS);
    ck_assert(has(state, "a", "1") && has(state, "b", "") && has(state, "", "none"));
    put(state, "a", "2", HOUR_MS);
    ck_assert(has(state, "a", "2"));
    ck_assert_uint_eq(state_keys(state), 3);
    finish(&state);
}
END_TEST

START_TEST(a_value_may_grow_and_shrink)
{
    struct state *state = fresh(ROOMY), *copy = fresh(ROOMY);
    static char text[5000];
    for (size_t length = 1; length < sizeof(text); length += 37) {
        memset(text, (int)('a' + length % 26), length);
        put(state, "grows", text, HOUR_MS);
        ck_assert(has(state, "grows", text));
        commit(state, copy, NULL);
        ck_assert(has(copy, "grows", text));
    }
    put(state, "grows", "small", HOUR_MS);
    ck_assert(has(state, "grows", "small"));
    ck_assert_uint_eq(state_keys(state), 1);
    ck_assert_uint_lt(state_bytes(state), 1 << 20);
    state_free(&copy);
    finish(&state);
}
END_TEST

START_TEST(what_is_too_large_is_refused_and_leaves_what_was)
{
    struct state *state = fresh(STATE_LIMIT_MIN);
    char *large = calloc(1, STATE_VALUE_MAX + 2);
    memset(large, 'x', STATE_VALUE_MAX + 1);
    put(state, "a", "1", HOUR_MS);
    ck_assert_int_eq(state_put(state, bytes_of("a"), bytes_of(large), HOUR_MS, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "state.size");
    large[STATE_LIMIT_MIN] = '\0';
    ck_assert_int_eq(state_put(state, bytes_of("a"), bytes_of(large), HOUR_MS, &err), -1);
    ck_assert_str_eq(err.reason, "state.size");
    large[STATE_KEY_MAX + 1] = '\0';
    ck_assert_int_eq(state_put(state, bytes_of(large), bytes_of("1"), HOUR_MS, &err), -1);
    ck_assert_str_eq(err.reason, "state.size");
    ck_assert(has(state, "a", "1"));
    ck_assert_int_eq(state_evicted(state), 0);
    free(large);
    finish(&state);
}
END_TEST

/* ---- time */
START_TEST(a_key_is_there_until_its_time_is_over)
{
    struct state *state = fresh(ROOMY);
    state_advance(state, 1000 * SECOND_US);
    put(state, "a", "1", 5000);
    state_advance(state, 1005 * SECOND_US - 1000);
    ck_assert(has(state, "a", "1"));
    state_advance(state, 1005 * SECOND_US);
    ck_assert(has(state, "a", NULL));
    finish(&state);
}
END_TEST

START_TEST(time_goes_forward_only)
{
    struct state *state = fresh(ROOMY);
    ck_assert_int_eq(state_time(state), STATE_TIME_NONE);
    state_advance(state, -7 * SECOND_US);
    ck_assert_int_eq(state_time(state), -7 * SECOND_US);
    state_advance(state, 100);
    state_advance(state, 50);
    ck_assert_int_eq(state_time(state), 100);
    finish(&state);
}
END_TEST

START_TEST(an_event_from_the_future_expires_nothing)
{
    struct state *state = fresh(ROOMY);
    struct origin origin = {.time_us = 10 * SECOND_US, .received_us = 20 * SECOND_US};
    state_follow(state, &origin);
    put(state, "a", "1", HOUR_MS);
    origin.time_us = INT64_MAX;
    state_follow(state, &origin);
    ck_assert_int_eq(state_time(state), 20 * SECOND_US);
    ck_assert(has(state, "a", "1"));
    finish(&state);
}
END_TEST

START_TEST(expired_keys_give_their_memory_back_and_leave_tombstones)
{
    struct state *state = fresh(ROOMY), *copy = fresh(ROOMY);
    char key[32];
    size_t tombstones, written = 0, gone = 0;
    for (int i = 0; i < 30000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        state_advance(state, i * SECOND_US);
        put(state, key, "1", 100000);
        if (i % 500 != 0)
            continue;
        written += commit(state, copy, &tombstones);
        gone += tombstones;
        ck_assert_uint_le(state_keys(state), 1000);
    }
    written += commit(state, copy, &tombstones);
    gone += tombstones;
    ck_assert_uint_lt(written, 2 * 30000);
    ck_assert_uint_eq(state_keys(state), 30000 - gone);
    ck_assert_uint_eq(state_keys(copy), state_keys(state));
    ck_assert_uint_lt(state_bytes(copy), 1 << 20);
    ck_assert_uint_lt(state_bytes(state), 1 << 20);
    state_free(&copy);
    finish(&state);
}
END_TEST

START_TEST(a_batch_expires_so_many_keys_and_the_next_ones_go_on)
{
    struct state *state = fresh(ROOMY);
    char key[32];
    size_t tombstones;
    for (int i = 0; i < 25000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        put(state, key, "1", 1000);
    }
    commit(state, NULL, NULL);
    for (size_t left = 25000; left > 0; left -= tombstones) {
        state_advance(state, 100 * SECOND_US);
        ck_assert(has(state, "key-24999", NULL));
        commit(state, NULL, &tombstones);
        ck_assert_uint_eq(tombstones, left < STATE_EXPIRIES_MAX ? left : STATE_EXPIRIES_MAX);
    }
    ck_assert_uint_eq(state_keys(state), 0);
    finish(&state);
}
END_TEST

START_TEST(a_key_that_is_put_again_lives_on)
{
    struct state *state = fresh(ROOMY), *copy = fresh(ROOMY);
    for (int i = 0; i < 100; i++) {
        state_advance(state, i * 50 * SECOND_US);
        put(state, "kept", "1", 100000);
        put(state, i % 2 == 0 ? "even" : "odd", "2", 60000);
        commit(state, copy, NULL);
        ck_assert(has(state, "kept", "1") && has(copy, "kept", "1"));
    }
    state_advance(copy, state_time(state));
    ck_assert(has(state, "even", "2") && has(copy, "even", "2"));
    state_advance(state, 10000 * SECOND_US);
    ck_assert(has(state, "kept", NULL));
    size_t tombstones;
    ck_assert_uint_eq(commit(state, copy, &tombstones), 3);
    ck_assert_uint_eq(tombstones, 3);
    ck_assert_uint_eq(state_keys(copy), 0);
    state_free(&copy);
    finish(&state);
}
END_TEST

START_TEST(keys_of_different_lives_expire_in_their_own_time)
{
    struct state *state = fresh(ROOMY);
    static const int64_t lives[] = {1000, 86400000, 2000, 60000, 2592000000, 3000};
    char key[32];
    for (size_t i = 0; i < 6; i++) {
        snprintf(key, sizeof(key), "%zu", i);
        put(state, key, "1", lives[i]);
    }
    for (int64_t ms = 500; ms < 3000000000; ms = ms * 3 / 2) {
        state_advance(state, ms * 1000);
        for (size_t i = 0; i < 6; i++) {
            snprintf(key, sizeof(key), "%zu", i);
            ck_assert(has(state, key, ms < lives[i] ? "1" : NULL));
        }
    }
    finish(&state);
}
END_TEST

/* ---- changes */
START_TEST(a_batch_leaves_each_key_once)
{
    struct state *state = fresh(ROOMY);
    for (int i = 0; i < 10; i++)
        put(state, "a", i % 2 == 0 ? "1" : "2", HOUR_MS);
    put(state, "b", "1", HOUR_MS);
    ck_assert_uint_eq(commit(state, NULL, NULL), 2);
    ck_assert_uint_eq(commit(state, NULL, NULL), 0);
    ck_assert(has(state, "a", "2") && has(state, "b", "1"));
    finish(&state);
}
END_TEST

START_TEST(records_do_not_collide_with_the_position_record)
{
    struct state *state = fresh(ROOMY);
    struct bytes key, value;
    size_t at = 0;
    put(state, "position", "1", HOUR_MS);
    ck_assert_int_eq(state_change(state, &at, arena, &key, &value, &err), 1);
    ck_assert(bytes_equal_text(key, "k:position"));
    ck_assert_uint_eq(value.length, 10);
    ck_ok(state_load(state, bytes_of("position"), bytes_of("{}"), &err), err);
    ck_assert(has(state, "position", "1"));
    finish(&state);
}
END_TEST

START_TEST(a_record_that_is_none_of_a_state_is_refused)
{
    static const char *const bad[] = {"", "12345678",
                                      "\x08"
                                      "12345678x",
                                      "\x0a\x7f"
                                      "1234567x"};
    struct state *state = fresh(ROOMY);
    for (size_t i = 0; i < 4; i++) {
        err = (struct error){0};
        ck_assert_int_eq(state_load(state, bytes_of("k:a"), bytes_of(bad[i]), &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_str_eq(err.reason, "state.record");
    }
    ck_assert_uint_eq(state_keys(state), 0);
    finish(&state);
}
END_TEST

START_TEST(changes_past_the_arenas_limit_are_fatal)
{
    struct state *state = fresh(ROOMY);
    struct arena *tiny = NULL;
    struct bytes key, value;
    static char text[100000];
    size_t at = 0;
    memset(text, 'x', sizeof(text) - 1);
    put(state, "a", text, HOUR_MS);
    ck_assert_int_eq(arena_open(&tiny, 1000, &err), 0);
    ck_assert_int_eq(state_change(state, &at, tiny, &key, &value, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&tiny);
    finish(&state);
}
END_TEST

START_TEST(a_cleared_state_is_as_new)
{
    struct state *state = fresh(ROOMY);
    state_advance(state, 5 * SECOND_US);
    put(state, "a", "1", HOUR_MS);
    state_clear(state);
    ck_assert(has(state, "a", NULL));
    ck_assert_int_eq(state_time(state), STATE_TIME_NONE);
    ck_assert_uint_eq(state_bytes(state), 0);
    ck_assert_uint_eq(commit(state, NULL, NULL), 0);
    put(state, "a", "2", HOUR_MS);
    ck_assert(has(state, "a", "2"));
    finish(&state);
}
END_TEST

/* ---- the bound */
START_TEST(at_the_bound_the_oldest_go_and_leave_tombstones)
{
    struct state *state = fresh(1 << 20), *copy = fresh(ROOMY);
    char key[32];
    size_t tombstones, gone = 0;
    for (int i = 0; i < 50000; i++) {
        snprintf(key, sizeof(key), "key-%08d", i);
        state_advance(state, i * 1000);
        put(state, key, "1", HOUR_MS);
        ck_assert(has(state, key, "1"));
        if (i % 100 == 99) {
            commit(state, copy, &tombstones);
            gone += tombstones;
            ck_assert_uint_le(state_bytes(state), (1 << 20) + (1 << 17));
        }
    }
    ck_assert_int_eq(state_evicted(state), (int64_t)gone);
    ck_assert_uint_eq(state_keys(state), 50000 - gone);
    ck_assert_uint_eq(state_keys(copy), state_keys(state));
    for (size_t i = 0; i < 50000; i += 99) {
        snprintf(key, sizeof(key), "key-%08zu", i);
        ck_assert(has(state, key, i < gone ? NULL : "1"));
    }
    state_free(&copy);
    finish(&state);
}
END_TEST

START_TEST(a_key_that_went_within_its_own_batch_ends_as_a_tombstone)
{
    struct state *state = fresh(STATE_LIMIT_MIN), *copy = fresh(ROOMY);
    char key[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof(key), "key-%08d", i % 10000);
        put(state, key, "1", HOUR_MS);
    }
    commit(state, copy, NULL);
    ck_assert_uint_gt(state_keys(state), 1000);
    ck_assert_uint_lt(state_keys(state), 10000);
    ck_assert_uint_eq(state_keys(copy), state_keys(state));
    state_free(&copy);
    finish(&state);
}
END_TEST

START_TEST(a_changelog_that_exceeds_the_limit_is_cut_as_it_is_loaded)
{
    struct state *state = fresh(ROOMY), *copy = fresh(1 << 20);
    char key[32];
    size_t tombstones;
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        put(state, key, "1", HOUR_MS);
    }
    commit(state, copy, NULL);
    ck_assert(has(copy, "key-99999", "1"));
    ck_assert_uint_lt(state_keys(copy), 30000);
    ck_assert_int_gt(state_evicted(copy), 70000);
    ck_assert_uint_lt(state_bytes(copy), 3 << 20);
    commit(copy, NULL, &tombstones);
    ck_assert_uint_eq(tombstones, STATE_EXPIRIES_MAX);
    state_free(&copy);
    finish(&state);
}
END_TEST

/* Key i of a changelog that is loaded; every one lives equally long. */
static void
load(struct state *state, int i)
{
    static const uint8_t value[] = {16, 0, 0, 0, 0, 0, 0, 0, 1, 'a'};
    char key[32];
    snprintf(key, sizeof(key), "k:key-%08d", i);
    ck_ok(state_load(state, bytes_of(key), (struct bytes){value, sizeof(value)}, &err), err);
}

START_TEST(what_was_cut_gets_its_tombstones_over_the_next_batches)
{
    struct state *state = fresh(8 << 20), *copy = fresh(ROOMY);
    size_t tombstones = 0, batches = 0;
    const int count = 210000;
    for (int i = 0; i < count; i++) {
        load(state, i);
        load(copy, i);
    }
    ck_assert_int_gt(state_evicted(state), 3 * STATE_EXPIRIES_MAX);
    do {
        commit(state, copy, &tombstones);
        ck_assert_uint_le(tombstones, STATE_EXPIRIES_MAX);
    } while (tombstones > 0 && ++batches < 100);
    ck_assert_uint_gt(batches, 3);
    ck_assert_uint_eq(state_keys(copy), state_keys(state));
    state_free(&copy);
    finish(&state);
}
END_TEST

/* A changelog that is not compacted yet has a key more than once. */
START_TEST(a_key_that_was_cut_and_came_again_gets_no_tombstone)
{
    struct state *state = fresh(1 << 20), *copy = fresh(ROOMY);
    for (int i = 0; i < 30000; i++)
        load(state, i);
    ck_assert(has(state, "key-00000000", NULL) && has(state, "key-00000001", NULL));
    load(state, 0);
    put(state, "key-00000001", "b", 1000);
    load(copy, 0);
    load(copy, 1);
    commit(state, copy, NULL);
    ck_assert(has(state, "key-00000000", "a") && has(copy, "key-00000000", "a"));
    ck_assert(has(state, "key-00000001", "b") && has(copy, "key-00000001", "b"));
    state_free(&copy);
    finish(&state);
}
END_TEST

/* ---- against a plain model */
#define MODEL_KEYS 500
START_TEST(anything_done_in_any_order_gives_what_a_plain_table_gives)
{
    struct state *state = fresh(ROOMY), *copy = fresh(ROOMY);
    static struct {
        int64_t expires_ms;
        char value[80];
    } model[MODEL_KEYS];
    unsigned seed = 11;
    int64_t now = 1;
    char key[16];
    memset(model, 0, sizeof(model));
    for (int i = 0; i < 60000; i++) {
        now += rand_r(&seed) % 20 == 0 ? rand_r(&seed) % 5000 : rand_r(&seed) % 20;
        state_advance(state, now * 1000);
        size_t n = (size_t)rand_r(&seed) % MODEL_KEYS;
        int64_t ttl = 1 + rand_r(&seed) % (rand_r(&seed) % 2 == 0 ? 10000 : 300000);
        snprintf(key, sizeof(key), "%zu", n);
        ck_assert(has(state, key, model[n].expires_ms > now ? model[n].value : NULL));
        if (rand_r(&seed) % 3 == 0) {
            snprintf(model[n].value, sizeof(model[n].value), "%0*d", 1 + rand_r(&seed) % 70, i);
            model[n].expires_ms = now + ttl;
            put(state, key, model[n].value, ttl);
        }
        if (rand_r(&seed) % 50 == 0)
            commit(state, copy, NULL);
    }
    commit(state, copy, NULL);
    state_advance(copy, now * 1000);
    for (size_t n = 0; n < MODEL_KEYS; n++) {
        const char *expected = model[n].expires_ms > now ? model[n].value : NULL;
        snprintf(key, sizeof(key), "%zu", n);
        ck_assert(has(state, key, expected) && has(copy, key, expected));
    }
    ck_assert_uint_lt(state_bytes(state), 1 << 20);
    state_free(&copy);
    finish(&state);
}
END_TEST

START_TEST(a_million_keys_are_restored_within_the_memory_the_header_states)
{
    struct state *copy = fresh(ROOMY);
    uint8_t key[18] = "k:", value[10] = {16, 0, 0, 0, 0, 0, 0, 0, 1, 'a'};
    for (uint32_t i = 0; i < 1000000; i++) {
        memcpy(key + 2, &i, sizeof(i));
        ck_ok(state_load(copy, (struct bytes){key, sizeof(key)},
                         (struct bytes){value, sizeof(value)}, &err),
              err);
    }
    ck_assert_uint_eq(state_keys(copy), 1000000);
    ck_assert_int_eq(state_evicted(copy), 0);
    ck_assert_uint_le(state_bytes(copy), 57000000);
    for (uint32_t i = 0; i < 1000000; i += 997) {
        memcpy(key + 2, &i, sizeof(i));
        ck_assert_ptr_nonnull(state_get(copy, (struct bytes){key + 2, 16}));
    }
    finish(&copy);
}
END_TEST

RUN_TESTS("state", what_was_put_is_got, a_value_may_grow_and_shrink,
          what_is_too_large_is_refused_and_leaves_what_was, a_key_is_there_until_its_time_is_over,
          time_goes_forward_only, an_event_from_the_future_expires_nothing,
          expired_keys_give_their_memory_back_and_leave_tombstones,
          a_batch_expires_so_many_keys_and_the_next_ones_go_on, a_key_that_is_put_again_lives_on,
          keys_of_different_lives_expire_in_their_own_time, a_batch_leaves_each_key_once,
          records_do_not_collide_with_the_position_record,
          a_record_that_is_none_of_a_state_is_refused, changes_past_the_arenas_limit_are_fatal,
          a_cleared_state_is_as_new, at_the_bound_the_oldest_go_and_leave_tombstones,
          a_key_that_went_within_its_own_batch_ends_as_a_tombstone,
          a_changelog_that_exceeds_the_limit_is_cut_as_it_is_loaded,
          what_was_cut_gets_its_tombstones_over_the_next_batches,
          a_key_that_was_cut_and_came_again_gets_no_tombstone,
          anything_done_in_any_order_gives_what_a_plain_table_gives,
          a_million_keys_are_restored_within_the_memory_the_header_states)
