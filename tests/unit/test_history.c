/* What history reads out of random tables: of each event what was recorded first, whatever came
 * later, and the outcome known last. SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"
#include "services/training_bench.h"

#define EVENTS  120
#define RECORDS 400

struct entry {
    size_t event;
    int64_t received, offset, age;
    int partition, epoch;
};

static void
put_record(const char *layer, const struct entry *record, const char *columns, const char *values)
{
    run(db, arena_print(arena,
                        "INSERT INTO %s.loan (event_id, kafka_partition, log_epoch, kafka_offset,"
                        " event_time, received_at, schema_version, pipeline_version, %s) VALUES"
                        " ('e%03zu', %d, %d, %lld, to_timestamp(0), to_timestamp(%lld), 1, 1, %s)",
                        layer, columns, record->event, record->partition, record->epoch,
                        (long long)record->offset, (long long)record->received, values));
}

/* Features of an event bear the number of their record as age; nothing else tells them apart. In
 * each partition offsets and receipts rise together, and partitions know nothing of each other. */
static void
draw_records(uint64_t seed, struct entry *record, const char *layer)
{
    struct chance chance = chance_of(seed, (uint64_t)layer[0]);
    int64_t offset[4], received = 1000000;
    for (size_t p = 0; p < 4; p++)
        offset[p] = (int64_t)chance_below(&chance, 100000);
    for (size_t i = 0; i < RECORDS; i++) {
        int partition = (int)chance_below(&chance, 4);
        received += 1 + (int64_t)chance_below(&chance, 1000);
        record[i] = (struct entry){.event = chance_below(&chance, EVENTS),
                                   .received = received,
                                   .offset = offset[partition]++,
                                   .age = (int64_t)i,
                                   .partition = partition,
                                   .epoch = 1 + (i > RECORDS / 2)};
        if (i == RECORDS / 2) /* topics made anew count from 0 */
            memset(offset, 0, sizeof(offset));
    }
}

/* Rows lie in the table in any order. */
static void
insert_records(uint64_t seed, const struct entry *record, size_t count, size_t first,
               const char *layer)
{
    struct chance chance = chance_of(seed, 77);
    size_t order[RECORDS];
    bool features = layer[0] == 'f';
    for (size_t i = 0; i < count; i++)
        order[i] = first + i;
    chance_shuffle(&chance, order, count);
    run(db, "BEGIN");
    for (size_t i = 0; i < count; i++) {
        const struct entry *own = &record[order[i]];
        put_record(layer, own, features ? "age" : "label",
                   arena_print(arena, features ? "%lld" : "'%lld'", (long long)own->age));
    }
    run(db, "COMMIT");
}

/* -1: none has come. */
static int64_t
age_of(const struct entry *record, size_t count, size_t event, bool newest)
{
    int64_t found = -1;
    for (size_t i = 0; i < count; i++)
        if (record[i].event == event && (newest || found < 0))
            found = record[i].age;
    return found;
}

static void
check_history(const struct pipeline *pipeline, const struct entry *feature,
              const struct entry *label, size_t count)
{
    struct history history;
    size_t row = 0;
    arena_reset(task.arena);
    ck_ok(history_read(db, task.arena, pipeline, NULL, &history, &err), err);
    const struct column *age = &history.frame->column[frame_find(history.frame, "age")];
    const struct column *outcome = &history.frame->column[HISTORY_LABEL];
    for (size_t event = 0; event < EVENTS; event++) {
        int64_t first = age_of(feature, count, event, false);
        int64_t newest = age_of(label, count, event, true);
        if (first < 0 || newest < 0)
            continue;
        ck_assert_uint_lt(row, history.frame->rows);
        ck_assert(bytes_equal_text(history.frame->column[HISTORY_EVENT_ID].bytes[row],
                                   arena_print(task.arena, "e%03zu", event)));
        ck_assert_int_eq(age->integer[row], first);
        ck_assert(bytes_equal_text(outcome->bytes[row],
                                   arena_print(task.arena, "%lld", (long long)newest)));
        row++;
    }
    ck_assert_uint_eq(row, history.frame->rows);
    history_free(&history);
}

/* Half of the records, then all of them: features that an event had stay as they were. */
START_TEST(later_records_change_no_feature_and_later_outcomes_count)
{
    static struct entry feature[RECORDS], label[RECORDS];
    struct pipeline *pipeline = set_up();
    make_tables(pipeline);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        run(db, "TRUNCATE feature.loan, label.loan");
        draw_records(seed, feature, "feature");
        draw_records(seed, label, "label");
        for (size_t half = 0; half < 2; half++) {
            insert_records(seed, feature, RECORDS / 2, half * RECORDS / 2, "feature");
            insert_records(seed, label, RECORDS / 2, half * RECORDS / 2, "label");
            check_history(pipeline, feature, label, (half + 1) * RECORDS / 2);
        }
    }
    tear_down();
}
END_TEST

/* ---- samples */

static struct history
sampled(struct pipeline *pipeline, enum sampling how, int64_t most)
{
    struct history history;
    pipeline->train.sample = how;
    pipeline->train.rows_max = most;
    ck_ok(history_read(db, task.arena, pipeline, NULL, &history, &err), err);
    return history;
}

static size_t
count_label(const struct history *history, const char *label)
{
    size_t count = 0;
    for (size_t i = 0; i < history->frame->rows; i++)
        count += bytes_equal_text(history->frame->column[HISTORY_LABEL].bytes[i], label) != 0;
    return count;
}

/* Rows are sorted by id in both. */
static void
check_within(const struct history *less, const struct history *more)
{
    const struct bytes *id = less->frame->column[HISTORY_EVENT_ID].bytes;
    const struct bytes *of = more->frame->column[HISTORY_EVENT_ID].bytes;
    for (size_t i = 0, k = 0; i < less->frame->rows; i++) {
        while (k < more->frame->rows && !bytes_equal(id[i], of[k]))
            k++;
        ck_assert_uint_lt(k, more->frame->rows);
    }
}

START_TEST(a_sample_is_of_so_many_rows_and_within_a_larger_one)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_history();
    struct history less = sampled(pipeline, SAMPLE_HASH, 60);
    struct history more = sampled(pipeline, SAMPLE_HASH, 200);
    struct history all = sampled(pipeline, SAMPLE_HASH, 1000);
    ck_assert_uint_eq(less.frame->rows, 60);
    ck_assert_uint_eq(more.frame->rows, 200);
    ck_assert_uint_eq(all.frame->rows, ROWS);
    check_within(&less, &more);
    check_within(&more, &all);
    pipeline->train.seed++;
    struct history other = sampled(pipeline, SAMPLE_HASH, 60);
    ck_assert(!bytes_equal(less.data, other.data));
    history_free(&other);
    history_free(&less);
    history_free(&more);
    history_free(&all);
    tear_down();
}
END_TEST

START_TEST(a_stratified_sample_keeps_the_shares_of_outcomes)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_history();
    struct history all = sampled(pipeline, SAMPLE_STRATIFIED, 0);
    size_t bad = count_label(&all, "bad"), good = count_label(&all, "good");
    for (size_t most = 30; most <= 270; most += 60) {
        struct history some = sampled(pipeline, SAMPLE_STRATIFIED, (int64_t)most);
        ck_assert_uint_eq(count_label(&some, "bad"), most * bad / (bad + good));
        ck_assert_uint_eq(count_label(&some, "good"), most * good / (bad + good));
        check_within(&some, &all);
        history_free(&some);
    }
    history_free(&all);
    tear_down();
}
END_TEST

START_TEST(a_sample_by_key_has_all_rows_of_a_key_or_none)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)set_up_history();
    size_t rows[128] = {0}, some_rows[128] = {0};
    pipeline->key_field = "age";
    struct history all = sampled(pipeline, SAMPLE_KEY, 0);
    struct history some = sampled(pipeline, SAMPLE_KEY, 120);
    int age = frame_find(all.frame, "age");
    for (size_t i = 0; i < all.frame->rows; i++)
        rows[all.frame->column[age].integer[i]]++;
    for (size_t i = 0; i < some.frame->rows; i++)
        some_rows[some.frame->column[age].integer[i]]++;
    for (size_t i = 0; i < 128; i++)
        ck_assert(some_rows[i] == 0 || some_rows[i] == rows[i]);
    ck_assert(some.frame->rows > 90 && some.frame->rows <= 120);
    history_free(&all);
    history_free(&some);
    tear_down();
}
END_TEST

RUN_POSTGRES_TESTS("history", a_sample_is_of_so_many_rows_and_within_a_larger_one,
                   a_stratified_sample_keeps_the_shares_of_outcomes,
                   a_sample_by_key_has_all_rows_of_a_key_or_none,
                   later_records_change_no_feature_and_later_outcomes_count)
