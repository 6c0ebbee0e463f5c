/* fake_group: consumer groups of the fake broker. Eager rebalances: once somebody joins, each
 * member lets go at its next poll, and when all have, the partitions are given out anew by range.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_broker_private.h"

struct consumer {
    struct broker *broker;
    struct group *group;
    char instance[128];
    char topic[FAKE_MAX][256]; /* subscribed */
    size_t topics;
    struct position assigned[FAKE_MAX], started[FAKE_MAX];
    size_t assignments, starts, turn;
    int generation;
    bool owner;        /* of what was assigned */
    bool joined, told; /* waits for the others; knows its assignment */
    bool evicted, fenced;
    void (*before_rebalance)(void *self);
    void *self;
};

/* ---- waiting */
struct timespec
fake_deadline(int timeout_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + (int64_t)timeout_ms * 1000000;
    return (struct timespec){at.tv_sec + ns / 1000000000, ns % 1000000000};
}

bool
fake_wait(struct broker *broker, const struct timespec *until)
{
    return pthread_cond_timedwait(&broker->changed, &broker->lock, until) != ETIMEDOUT;
}

/* ---- groups */
static struct group *
find_group(struct broker *broker, const char *name)
{
    size_t i = 0;
    while (i < broker->groups && strcmp(broker->group[i].name, name) != 0)
        i++;
    if (i == FAKE_MAX)
        abort();
    if (i == broker->groups)
        snprintf(broker->group[broker->groups++].name, sizeof(broker->group[i].name), "%s", name);
    return &broker->group[i];
}

struct group *
fake_group_of(const struct consumer *consumer)
{
    return consumer->group;
}

bool
fake_generation_holds(const struct consumer *consumer)
{
    return consumer->owner && !consumer->evicted && !consumer->fenced &&
           consumer->generation == consumer->group->generation;
}

static bool
subscribed(const struct consumer *member, const char *topic)
{
    for (size_t i = 0; i < member->topics; i++)
        if (strcmp(member->topic[i], topic) == 0)
            return !member->evicted;
    return false;
}

static int
by_instance(const void *a, const void *b)
{
    const struct consumer *const *x = a, *const *y = b;
    return strcmp((*x)->instance, (*y)->instance);
}

static int
partitions_of(const struct broker *broker, const char *topic)
{
    int count = 0;
    for (size_t i = 0; i < broker->partitions; i++)
        count += strcmp(broker->partition[i].topic, topic) == 0;
    return count;
}

static struct consumer *
owner_of(const struct broker *broker, const struct group *group, const struct partition *partition)
{
    struct consumer *interested[FAKE_MAX];
    int count = 0, all = partitions_of(broker, partition->topic);
    for (size_t i = 0; i < group->members; i++)
        if (subscribed(group->member[i], partition->topic))
            interested[count++] = group->member[i];
    for (int i = 0, first = 0; i < count; i++) {
        first += all / count + (i < all % count ? 1 : 0);
        if (partition->number < first)
            return interested[i];
    }
    return NULL;
}

static void
give_out(struct broker *broker, struct group *group)
{
    group->generation++;
    group->joining = false;
    qsort(group->member, group->members, sizeof(struct consumer *), by_instance);
    for (size_t i = 0; i < group->members; i++) {
        struct consumer *member = group->member[i];
        if (member->evicted)
            continue;
        member->joined = member->told = false;
        member->assignments = member->starts = 0;
        member->owner = true;
        member->generation = group->generation;
    }
    for (size_t i = 0; i < broker->partitions; i++) {
        const struct partition *partition = &broker->partition[i];
        struct consumer *owner = owner_of(broker, group, partition);
        if (owner == NULL)
            continue;
        struct position *at = &owner->assigned[owner->assignments++];
        *at = (struct position){.partition = partition->number, .offset = -1};
        snprintf(at->topic, sizeof(at->topic), "%s", partition->topic);
    }
}

static void
give_out_when_all_joined(struct broker *broker, struct group *group)
{
    for (size_t i = 0; i < group->members; i++)
        if (!group->member[i]->joined && !group->member[i]->evicted)
            return;
    give_out(broker, group);
}

static void
leave_group(struct consumer *consumer)
{
    struct group *group = consumer->group;
    size_t kept = 0;
    for (size_t i = 0; i < group->members; i++)
        if (group->member[i] != consumer)
            group->member[kept++] = group->member[i];
    group->members = kept;
    group->joining = true;
}

void
fake_rebalance(struct broker *broker, const char *group)
{
    pthread_mutex_lock(&broker->lock);
    find_group(broker, group)->joining = true;
    fake_leave(broker, 0);
}

void
fake_evict(struct broker *broker, const char *name, const char *instance)
{
    pthread_mutex_lock(&broker->lock);
    struct group *group = find_group(broker, name);
    for (size_t i = 0; i < group->members; i++)
        if (strcmp(group->member[i]->instance, instance) == 0)
            group->member[i]->evicted = true;
    group->generation++;
    group->joining = true;
    fake_leave(broker, 0);
}

int
fake_members(struct broker *broker, const char *name)
{
    int count = 0;
    pthread_mutex_lock(&broker->lock);
    const struct group *group = find_group(broker, name);
    for (size_t i = 0; i < group->members; i++)
        count += fake_generation_holds(group->member[i]) && group->member[i]->told &&
                 group->member[i]->assignments > 0;
    pthread_mutex_unlock(&broker->lock);
    return count;
}

/* ---- offsets */
static struct position *
find_offset(struct group *group, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < group->offsets; i++)
        if (group->committed[i].partition == partition &&
            strcmp(group->committed[i].topic, topic) == 0)
            return &group->committed[i];
    return NULL;
}

void
fake_set_offsets(struct broker *broker, struct group *group, const struct position *position,
                 size_t count)
{
    (void)broker;
    for (size_t i = 0; i < count; i++) {
        struct position *known = find_offset(group, position[i].topic, position[i].partition);
        if (known == NULL && group->offsets == FAKE_MAX)
            abort();
        if (known == NULL)
            known = &group->committed[group->offsets++];
        *known = position[i];
    }
}

int64_t
fake_committed(struct broker *broker, const char *group, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&broker->lock);
    const struct position *known = find_offset(find_group(broker, group), topic, partition);
    int64_t offset = known == NULL ? -1 : known->offset;
    pthread_mutex_unlock(&broker->lock);
    return offset;
}

void
fake_commit(struct broker *broker, const char *group, const struct position *at)
{
    pthread_mutex_lock(&broker->lock);
    fake_set_offsets(broker, find_group(broker, group), at, 1);
    fake_leave(broker, 0);
}

void
fake_forget_offsets(struct broker *broker, const char *group)
{
    pthread_mutex_lock(&broker->lock);
    find_group(broker, group)->offsets = 0;
    fake_leave(broker, 0);
}

/* ---- the consumer */
int
consumer_open(struct broker *broker, const struct consumer_options *options, struct consumer **out,
              struct error *err)
{
    if (fake_enter(broker, __func__, err) != 0)
        return fake_leave(broker, -1);
    struct consumer *consumer = calloc(1, sizeof(*consumer));
    struct group *group = find_group(broker, options->group);
    consumer->broker = broker;
    consumer->group = group;
    consumer->joined = true;
    snprintf(consumer->instance, sizeof(consumer->instance), "%s", options->instance);
    for (size_t i = 0; i < group->members; i++)
        if (strcmp(group->member[i]->instance, consumer->instance) == 0) {
            group->member[i]->fenced = true;
            leave_group(group->member[i]);
        }
    if (group->members == FAKE_MAX)
        abort();
    group->member[group->members++] = consumer;
    *out = consumer;
    return fake_leave(broker, 0);
}

void
consumer_close(struct consumer **consumer)
{
    if (*consumer == NULL)
        return;
    struct broker *broker = (*consumer)->broker;
    fake_enter(broker, __func__, NULL);
    leave_group(*consumer);
    free(*consumer);
    *consumer = NULL;
    fake_leave(broker, 0);
}

int
consumer_subscribe(struct consumer *consumer, const char *const topics[], size_t count,
                   struct error *err)
{
    int failed = fake_enter(consumer->broker, __func__, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        snprintf(consumer->topic[i], sizeof(consumer->topic[i]), "%s", topics[i]);
    if (failed == 0)
        consumer->topics = count;
    consumer->group->joining = true;
    return fake_leave(consumer->broker, failed);
}

void
consumer_before_rebalance(struct consumer *consumer, void (*wait)(void *self), void *self)
{
    consumer->before_rebalance = wait;
    consumer->self = self;
}

/* As the client's callback: nothing has been given up yet. */
static void
wait_before(struct consumer *consumer)
{
    if (consumer->before_rebalance == NULL)
        return;
    fake_leave(consumer->broker, 0);
    consumer->before_rebalance(consumer->self);
    pthread_mutex_lock(&consumer->broker->lock);
}

static bool
take_rebalance(struct consumer *consumer, enum consumer_event *event)
{
    struct group *group = consumer->group;
    if (consumer->evicted) {
        consumer->evicted = false;
        group->joining = true;
    }
    if (group->joining && !consumer->joined) {
        wait_before(consumer);
        bool owner = consumer->owner;
        consumer->joined = true;
        consumer->owner = consumer->told = false;
        consumer->assignments = consumer->starts = 0;
        *event = CONSUMER_REVOKED;
        return owner;
    }
    if (group->joining)
        give_out_when_all_joined(consumer->broker, group);
    if (!consumer->owner || consumer->told)
        return false;
    consumer->told = true;
    *event = CONSUMER_ASSIGNED;
    return true;
}

static bool
fetch(struct consumer *consumer, enum consumer_event *event, struct message **out)
{
    for (size_t i = 0; i < consumer->starts; i++) {
        struct position *at = &consumer->started[consumer->turn++ % consumer->starts];
        const struct partition *log = fake_partition(consumer->broker, at->topic, at->partition);
        if (at->offset < 0)
            continue;
        if (at->offset < log->low || at->offset > (int64_t)log->count) {
            at->offset = -1;
            *event = CONSUMER_OUT_OF_RANGE;
            return true;
        }
        const struct message *message = fake_next(log, &at->offset);
        if (message == NULL)
            continue;
        *out = fake_copy(message);
        *event = CONSUMER_MESSAGE;
        return true;
    }
    return false;
}

int
consumer_poll(struct consumer *consumer, int timeout_ms, enum consumer_event *event,
              struct message **out, struct error *err)
{
    *event = CONSUMER_NOTHING;
    const struct timespec until = fake_deadline(timeout_ms);
    if (fake_enter(consumer->broker, __func__, err) != 0)
        return fake_leave(consumer->broker, -1);
    if (consumer->fenced)
        return fake_leave(consumer->broker, fake_fenced(consumer->broker, err));
    bool found = false;
    do
        found = take_rebalance(consumer, event) || fetch(consumer, event, out);
    while (!found && fake_wait(consumer->broker, &until));
    return fake_leave(consumer->broker, 0);
}

size_t
consumer_assignment(const struct consumer *consumer, const struct position **out)
{
    *out = consumer->assigned;
    return consumer->assignments;
}

int
consumer_start(struct consumer *consumer, const struct position *position, size_t count,
               struct error *err)
{
    int failed = fake_enter(consumer->broker, __func__, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        consumer->started[i] = position[i];
    if (failed == 0)
        consumer->starts = count;
    return fake_leave(consumer->broker, failed);
}

/* Stable offsets alone: one that an open transaction is about to move is not told. */
static bool
is_stable(const struct broker *broker, const struct group *group, const struct position *at)
{
    for (size_t i = 0; i < broker->transactions; i++) {
        const struct transaction *transaction = &broker->transaction[i];
        for (size_t k = 0; transaction->group == group && k < transaction->offsets; k++)
            if (transaction->offset[k].partition == at->partition &&
                strcmp(transaction->offset[k].topic, at->topic) == 0)
                return false;
    }
    return !broker->offsets_held;
}

int
consumer_committed(struct consumer *consumer, struct position *position, size_t count,
                   int timeout_ms, struct error *err)
{
    (void)timeout_ms;
    struct broker *broker = consumer->broker;
    int failed = fake_enter(broker, __func__, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        if (!is_stable(broker, consumer->group, &position[i]))
            failed = error_set(err, ERROR_TRANSIENT, "the committed offset is not stable");
    for (size_t i = 0; failed == 0 && i < count; i++) {
        const struct position *known =
            find_offset(consumer->group, position[i].topic, position[i].partition);
        position[i].offset = known == NULL ? -1 : known->offset;
    }
    return fake_leave(broker, failed);
}

int
broker_committed(struct broker *broker, const char *group, struct position *position, size_t count,
                 struct error *err)
{
    int failed = fake_enter(broker, __func__, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        const struct position *known =
            find_offset(find_group(broker, group), position[i].topic, position[i].partition);
        position[i].offset = known == NULL ? -1 : known->offset;
    }
    return fake_leave(broker, failed);
}

int
broker_watermarks(struct broker *broker, const char *topic, int32_t partition, int64_t *low,
                  int64_t *high, struct error *err)
{
    int failed = fake_enter(broker, __func__, err);
    const struct partition *log = fake_partition(broker, topic, partition);
    *low = log->low;
    *high = (int64_t)log->count;
    return fake_leave(broker, failed);
}

void
consumer_commit_for_display(struct consumer *consumer, const struct position *position,
                            size_t count)
{
    fake_enter(consumer->broker, __func__, NULL);
    fake_set_offsets(consumer->broker, consumer->group, position, count);
    fake_leave(consumer->broker, 0);
}

const char *
consumer_problem(struct consumer *consumer)
{
    (void)consumer;
    return NULL;
}
