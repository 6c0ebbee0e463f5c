/* stream_bench: a small service in the stream loop over a broker in memory, and the books that must
 * balance whatever went wrong: each event ends in exactly one committed output or dead letter, and
 * the position records tell the same.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_STREAM_BENCH_H
#define MILLRACE_TESTS_STREAM_BENCH_H

#include <jansson.h>

#include "loop_bench.h"
#include "stream.h"
#include "stream_private.h"

#define GROUP "m.main.cleaning"

/* ---- a service for tests: what becomes of a row stands in its `mark` */
struct wash {
    int64_t model;
};
static void (*during_handle)(void);
static atomic_int handles;

static int
wash_open(const struct pipeline *pipeline, const void *settings, void **self, struct error *err)
{
    (void)pipeline, (void)settings;
    *self = calloc(1, sizeof(struct wash));
    return *self == NULL ? error_memory(err, "wash") : 0;
}

static void
wash_close(void **self)
{
    free(*self);
    *self = NULL;
}

static void
make_huge(struct work *work, struct column *mark, size_t row)
{
    size_t length = STREAM_RECORD_MAX + 1;
    uint8_t *at = arena_alloc(work->arena, length, 1);
    memset(at, 'x', length);
    mark->bytes[row] = (struct bytes){at, length};
}

static int
wash_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
            struct error *err)
{
    const struct wash *wash = self;
    atomic_fetch_add(&handles, 1);
    if (during_handle != NULL)
        during_handle();
    for (size_t row = 0; row < in->rows; row++) {
        struct bytes mark = in->column[0].bytes[row];
        if (bytes_equal_text(mark, "vanish"))
            continue;
        if (bytes_equal_text(mark, "refuse")) {
            refuse(work, row, "test.mark", "/mark", "marked to be refused");
            continue;
        }
        if (bytes_equal_text(mark, "repeat")) {
            refuse(work, row, "duplicate", "", "seen before");
            continue;
        }
        if (frame_copy_row(out[0], in, row, err) != 0)
            return -1;
        if (bytes_equal_text(mark, "huge"))
            make_huge(work, &out[0]->column[0], out[0]->rows - 1);
        if (wash->model > 0)
            out[0]->column[1].integer[out[0]->rows - 1] = wash->model;
    }
    return 0;
}

static const struct service washing = {
    .name = "cleaning",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .open = wash_open,
    .handle = wash_handle,
    .close = wash_close,
};

/* ---- the loop */
static void *
stream_body(void *arg)
{
    struct loop *loop = arg;
    if (loop->fails)
        __lsan_disable();
    loop->result = stream_run(loop->service, &loop->common, NULL, broker, catalog, &loop->stopping,
                              &loop->err);
    atomic_store(&loop->ended, true);
    return NULL;
}

static void
stream_start(struct loop *loop, const struct service *service, const char *instance)
{
    int opened = fake_calls(broker, "consumer_open");
    loop_start(loop, service, instance, stream_body);
    AWAIT(fake_calls(broker, "consumer_open") > opened);
}

/* ---- the books */
static int64_t sequence[BENCH_PARTITIONS]; /* of P.raw, last written */

static void
put(int partition, const char *mark)
{
    bench_put(
        (struct event){.partition = partition, .mark = mark, .sequence = ++sequence[partition]});
}

static void
put_many(int count)
{
    static const char *const marks[] = {"good", "good", "refuse", "good", "repeat", "good", "huge"};
    for (int i = 0; i < count; i++)
        put(i % BENCH_PARTITIONS, marks[(size_t)events % 7]);
}

static bool
all_done(const char *input, const char *group)
{
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++) {
        size_t count = fake_count(broker, input, p);
        if (count > 0 && fake_committed(broker, group, input, p) <=
                             fake_message(broker, input, p, count - 1)->offset)
            return false;
    }
    return true;
}

#define AWAIT_ALL_DONE() AWAIT(all_done("m.loan.raw", GROUP))

static int64_t
recorded(const char *topic, int32_t partition, const char *name)
{
    size_t count = fake_count(broker, topic, partition);
    if (count == 0)
        return 0;
    struct bytes value = fake_message(broker, topic, partition, count - 1)->value;
    json_t *root = json_loadb((const char *)value.at, value.length, 0, NULL);
    ck_assert_ptr_nonnull(root);
    int64_t n = json_integer_value(json_object_get(root, name));
    json_decref(root);
    return n;
}

/* How often an event's id is in the topic. */
static size_t
times(const char *topic, int32_t partition, struct bytes id)
{
    size_t found = 0, count = fake_count(broker, topic, partition);
    for (size_t i = 0; i < count; i++) {
        const struct bytes *other =
            message_header(fake_message(broker, topic, partition, i), "ce_id");
        found += other != NULL && bytes_equal(*other, id);
    }
    return found;
}

static void
expect_dense(const char *topic, int32_t partition, int32_t upstream)
{
    size_t count = fake_count(broker, topic, partition);
    for (size_t i = 0; i < count; i++) {
        char expected[48];
        snprintf(expected, sizeof(expected), "%d:%zu", upstream, i + 1);
        const struct message *message = fake_message(broker, topic, partition, i);
        const struct bytes *found = message_header(message, "millrace_seq");
        ck_assert_ptr_nonnull(found);
        ck_assert_msg(bytes_equal_text(*found, expected), "%s/%d: %.*s instead of %s", topic,
                      partition, (int)found->length, (const char *)found->at, expected);
    }
}

/* The law, looked at from outside: nothing lost, nothing twice, and the records say so. */
static void
expect_books(const char *pipeline)
{
    char raw[64], clean[64], dead[64], state[64];
    snprintf(raw, sizeof(raw), "m.%s.raw", pipeline);
    snprintf(clean, sizeof(clean), "m.%s.clean", pipeline);
    snprintf(dead, sizeof(dead), "m.%s.dead", pipeline);
    snprintf(state, sizeof(state), "m.%s.cleaning-state", pipeline);
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++) {
        size_t in = fake_count(broker, raw, p);
        for (size_t i = 0; i < in; i++) {
            struct bytes id = *message_header(fake_message(broker, raw, p, i), "ce_id");
            size_t fates = times(clean, p, id) + times(dead, p, id);
            ck_assert_msg(fates == 1, "%.*s has %zu fates", (int)id.length, (const char *)id.at,
                          fates);
        }
        expect_dense(clean, p, p);
        ck_assert_int_eq(recorded(state, p, "in"), (int64_t)in);
        ck_assert_int_eq(recorded(state, p, "out"), (int64_t)fake_count(broker, clean, p));
        ck_assert_int_eq(recorded(state, p, "dead") + recorded(state, p, "duplicate"),
                         (int64_t)fake_count(broker, dead, p));
        ck_assert_int_eq(recorded(state, p, "in"), recorded(state, p, "out") +
                                                       recorded(state, p, "dead") +
                                                       recorded(state, p, "duplicate"));
    }
    ck_assert_int_eq(fake_open_transactions(broker), 0);
}

/* The first header of the dead letter that is `i`th in partition 0. */
static inline const char *
dead_header(size_t i, const char *name)
{
    static char text[512];
    ck_assert_uint_lt(i, fake_count(broker, "m.loan.dead", 0));
    const struct bytes *value = message_header(fake_message(broker, "m.loan.dead", 0, i), name);
    snprintf(text, sizeof(text), "%.*s", value == NULL ? 6 : (int)value->length,
             value == NULL ? "(none)" : (const char *)value->at);
    return text;
}

/* 40 events through one instance, with faults of commits. */
static inline void
run_with_commits(const char *script)
{
    struct loop loop = {0};
    bench_open();
    fake_commits(broker, script);
    stream_start(&loop, &washing, "0");
    put_many(40);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
}

#endif
