/* fake_broker: see the header. One lock over everything; the log's records never move and are never
 * freed, so that tests may hold on to them. Groups are in fake_group.c,
 * readers in fake_reader.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fake_broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_broker_private.h"

struct producer {
    struct broker *broker;
    struct transaction *transaction;
    int epoch;
    bool tainted;
};

/* ---- the broker */
struct broker *
fake_broker_open(void)
{
    struct broker *broker = calloc(1, sizeof(*broker));
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&broker->lock, NULL);
    pthread_cond_init(&broker->changed, &monotonic);
    return broker;
}

static struct function *
find_function(struct broker *broker, const char *name)
{
    size_t i = 0;
    while (i < broker->functions && strcmp(broker->function[i].name, name) != 0)
        i++;
    if (i == FAKE_MAX)
        abort();
    if (i == broker->functions)
        broker->function[broker->functions++].name = name;
    return &broker->function[i];
}

/* Takes the lock. -1: the test wants this call to fail. */
int
fake_enter(struct broker *broker, const char *name, struct error *err)
{
    pthread_mutex_lock(&broker->lock);
    struct function *function = find_function(broker, name);
    function->calls++;
    if (err == NULL || function->trouble == 0)
        return 0;
    function->trouble--;
    return error_set(err, ERROR_TRANSIENT, "%s fails because the test says so", name);
}

int
fake_leave(struct broker *broker, int result)
{
    pthread_cond_broadcast(&broker->changed);
    pthread_mutex_unlock(&broker->lock);
    return result;
}

void
fake_trouble(struct broker *broker, const char *function, int times)
{
    pthread_mutex_lock(&broker->lock);
    find_function(broker, function)->trouble = times;
    fake_leave(broker, 0);
}

static int
calls_of(const struct broker *broker, const char *function)
{
    int calls = 0;
    for (size_t i = 0; i < broker->functions; i++)
        if (function == NULL || strcmp(broker->function[i].name, function) == 0)
            calls += broker->function[i].calls;
    return calls;
}

/* Of the functions that change what others see. */
static int
writes_of(const struct broker *broker)
{
    int calls = calls_of(broker, "consumer_commit_for_display");
    for (size_t i = 0; i < broker->functions; i++)
        if (strncmp(broker->function[i].name, "producer_", strlen("producer_")) == 0)
            calls += broker->function[i].calls;
    return calls;
}

int
fake_writes(struct broker *broker)
{
    pthread_mutex_lock(&broker->lock);
    int calls = writes_of(broker);
    pthread_mutex_unlock(&broker->lock);
    return calls;
}

int
fake_calls(struct broker *broker, const char *function)
{
    pthread_mutex_lock(&broker->lock);
    int calls = calls_of(broker, function);
    pthread_mutex_unlock(&broker->lock);
    return calls;
}

int
fake_fenced(struct broker *broker, struct error *err)
{
    if (broker->writes_at_fence == 0)
        broker->writes_at_fence = writes_of(broker);
    return error_set(err, ERROR_FENCED, "another owner lives");
}

int
fake_writes_at_fence(struct broker *broker)
{
    pthread_mutex_lock(&broker->lock);
    int calls = broker->writes_at_fence;
    pthread_mutex_unlock(&broker->lock);
    return calls;
}

/* ---- the log */
void
fake_topic(struct broker *broker, const char *name, int partitions)
{
    pthread_mutex_lock(&broker->lock);
    for (int32_t i = 0; i < partitions; i++) {
        if (broker->partitions == FAKE_MAX)
            abort();
        struct partition *partition = &broker->partition[broker->partitions++];
        snprintf(partition->topic, sizeof(partition->topic), "%s", name);
        partition->number = i;
    }
    fake_leave(broker, 0);
}

struct partition *
fake_partition(struct broker *broker, const char *topic, int32_t number)
{
    for (size_t i = 0; i < broker->partitions; i++)
        if (broker->partition[i].number == number && strcmp(broker->partition[i].topic, topic) == 0)
            return &broker->partition[i];
    return NULL;
}

static struct bytes
copy_bytes(struct bytes from)
{
    uint8_t *at = from.at == NULL ? NULL : malloc(from.length + 1);
    if (at != NULL && from.length > 0)
        memcpy(at, from.at, from.length);
    return (struct bytes){at, from.length};
}

/* Bytes are copied: what a caller reads after its arena was reset, a sanitiser sees. */
static struct message *
make_message(const char *topic, const struct record *record, int64_t offset, int64_t time_us)
{
    struct message *message = calloc(1, sizeof(*message));
    struct header *header = calloc(record->headers + 1, sizeof(*header));
    *message = (struct message){.topic = topic,
                                .partition = record->partition,
                                .offset = offset,
                                .time_us = time_us,
                                .key = copy_bytes(record->key),
                                .value = copy_bytes(record->value),
                                .header = header,
                                .headers = record->headers};
    for (size_t i = 0; i < record->headers; i++)
        header[i] =
            (struct header){strdup(record->header[i].name), copy_bytes(record->header[i].value)};
    return message;
}

void
message_free(struct message **message)
{
    if (*message == NULL)
        return;
    struct message *old = *message;
    for (size_t i = 0; i < old->headers; i++) {
        free((void *)(uintptr_t)old->header[i].name);
        free((void *)(uintptr_t)old->header[i].value.at);
    }
    free((void *)(uintptr_t)old->header);
    free((void *)(uintptr_t)old->key.at);
    free((void *)(uintptr_t)old->value.at);
    free(old);
    *message = NULL;
}

const struct bytes *
message_header(const struct message *message, const char *name)
{
    for (size_t i = message->headers; i > 0; i--)
        if (strcmp(message->header[i - 1].name, name) == 0)
            return &message->header[i - 1].value;
    return NULL;
}

static void
append(struct partition *partition, const struct record *record, struct transaction *transaction,
       enum entry_state state)
{
    if (partition->count == partition->capacity) {
        partition->capacity = partition->capacity == 0 ? 64 : partition->capacity * 2;
        partition->entry =
            reallocarray(partition->entry, partition->capacity, sizeof(*partition->entry));
    }
    struct entry *entry = &partition->entry[partition->count];
    *entry = (struct entry){.state = state, .transaction = transaction};
    int64_t time_us = record != NULL && record->time_us != 0 ? record->time_us : 1700000000000000;
    if (record != NULL)
        entry->message = make_message(partition->topic, record, (int64_t)partition->count, time_us);
    partition->count++;
}

int64_t
fake_put(struct broker *broker, const struct record *record)
{
    pthread_mutex_lock(&broker->lock);
    struct partition *partition = fake_partition(broker, record->topic, record->partition);
    if (partition == NULL)
        abort();
    append(partition, record, NULL, ENTRY_COMMITTED);
    int64_t offset = (int64_t)partition->count - 1;
    fake_leave(broker, 0);
    return offset;
}

void
fake_trim(struct broker *broker, const char *topic, int32_t partition, int64_t low)
{
    pthread_mutex_lock(&broker->lock);
    fake_partition(broker, topic, partition)->low = low;
    fake_leave(broker, 0);
}

void
fake_cut(struct broker *broker, const char *topic, int32_t partition, int64_t end)
{
    pthread_mutex_lock(&broker->lock);
    struct partition *log = fake_partition(broker, topic, partition);
    for (size_t i = (size_t)end; i < log->count; i++) {
        if (log->cuts == FAKE_MAX)
            abort();
        log->cut[log->cuts++] = log->entry[i].message;
    }
    log->count = (size_t)end;
    fake_leave(broker, 0);
}

void
fake_compact(struct broker *broker, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&broker->lock);
    struct partition *log = fake_partition(broker, topic, partition);
    for (size_t i = 0; i < log->count; i++) {
        struct entry *old = &log->entry[i];
        bool kept = old->state != ENTRY_COMMITTED || old->message->value.at != NULL;
        for (size_t k = i + 1; old->state == ENTRY_COMMITTED && kept && k < log->count; k++)
            kept = log->entry[k].state != ENTRY_COMMITTED ||
                   !bytes_equal(log->entry[k].message->key, old->message->key);
        if (!kept)
            old->state = ENTRY_ABORTED;
    }
    fake_leave(broker, 0);
}

/* The next record a read_committed reader at *next is given; NULL: none (yet). */
const struct message *
fake_next(const struct partition *partition, int64_t *next)
{
    while (*next < (int64_t)partition->count) {
        const struct entry *entry = &partition->entry[*next];
        if (entry->state == ENTRY_UNDECIDED)
            return NULL;
        ++*next;
        if (entry->state == ENTRY_COMMITTED)
            return entry->message;
    }
    return NULL;
}

struct message *
fake_copy(const struct message *message)
{
    const struct record record = {.partition = message->partition,
                                  .key = message->key,
                                  .value = message->value,
                                  .header = message->header,
                                  .headers = message->headers};
    return make_message(message->topic, &record, message->offset, message->time_us);
}

const struct message *
fake_message(struct broker *broker, const char *topic, int32_t partition, size_t i)
{
    pthread_mutex_lock(&broker->lock);
    const struct partition *log = fake_partition(broker, topic, partition);
    const struct message *message = NULL;
    int64_t next = 0;
    do
        message = fake_next(log, &next);
    while (message != NULL && i-- > 0);
    pthread_mutex_unlock(&broker->lock);
    return message;
}

size_t
fake_count(struct broker *broker, const char *topic, int32_t partition)
{
    size_t count = 0;
    int64_t next = 0;
    pthread_mutex_lock(&broker->lock);
    const struct partition *log = fake_partition(broker, topic, partition);
    while (fake_next(log, &next) != NULL)
        count++;
    pthread_mutex_unlock(&broker->lock);
    return count;
}

/* ---- transactions */
/* The end of a transaction reaches one partition. */
static void
mark(struct partition *partition, struct transaction *transaction, enum entry_state verdict)
{
    bool touched = false;
    for (size_t i = 0; i < partition->count; i++) {
        struct entry *entry = &partition->entry[i];
        if (entry->transaction != transaction || entry->verdict != ENTRY_UNDECIDED)
            continue;
        touched = true;
        entry->verdict = verdict;
        if (!partition->held)
            entry->state = verdict;
    }
    if (touched && !partition->held)
        append(partition, NULL, NULL, ENTRY_MARKER);
}

static void
end_transaction(struct broker *broker, struct transaction *transaction, enum entry_state verdict)
{
    for (size_t i = 0; i < broker->partitions; i++)
        mark(&broker->partition[i], transaction, verdict);
    if (verdict == ENTRY_COMMITTED)
        fake_set_offsets(broker, transaction->group, transaction->offset, transaction->offsets);
    transaction->offsets = 0;
    transaction->open = false;
}

void
fake_hold_markers(struct broker *broker, const char *topic, bool hold)
{
    pthread_mutex_lock(&broker->lock);
    for (size_t i = 0; i < broker->partitions; i++) {
        struct partition *partition = &broker->partition[i];
        bool touched = false;
        if (strcmp(partition->topic, topic) != 0)
            continue;
        partition->held = hold;
        for (size_t k = 0; !hold && k < partition->count; k++) {
            struct entry *entry = &partition->entry[k];
            if (entry->state == ENTRY_UNDECIDED && entry->verdict != ENTRY_UNDECIDED) {
                entry->state = entry->verdict;
                touched = true;
            }
        }
        if (touched)
            append(partition, NULL, NULL, ENTRY_MARKER);
    }
    fake_leave(broker, 0);
}

void
fake_hold_offsets(struct broker *broker, bool hold)
{
    pthread_mutex_lock(&broker->lock);
    broker->offsets_held = hold;
    fake_leave(broker, 0);
}

int
fake_open_transactions(struct broker *broker)
{
    int open = 0;
    pthread_mutex_lock(&broker->lock);
    for (size_t i = 0; i < broker->transactions; i++)
        open += broker->transaction[i].open;
    pthread_mutex_unlock(&broker->lock);
    return open;
}

void
fake_commits(struct broker *broker, const char *script)
{
    pthread_mutex_lock(&broker->lock);
    broker->script = script;
    fake_leave(broker, 0);
}

/* ---- the producer */
int
producer_open_transactional(struct broker *broker, const char *transactional_id,
                            struct producer **out, struct error *err)
{
    if (fake_enter(broker, __func__, err) != 0)
        return fake_leave(broker, -1);
    size_t i = 0;
    while (i < broker->transactions && strcmp(broker->transaction[i].id, transactional_id) != 0)
        i++;
    if (i == FAKE_MAX)
        abort();
    struct transaction *transaction = &broker->transaction[i];
    if (i == broker->transactions)
        snprintf(broker->transaction[broker->transactions++].id, sizeof(transaction->id), "%s",
                 transactional_id);
    struct producer *producer = calloc(1, sizeof(*producer));
    *producer = (struct producer){broker, transaction, -1, false};
    *out = producer;
    return fake_leave(broker, 0);
}

int
producer_init(struct producer *producer, int timeout_ms, struct error *err)
{
    (void)timeout_ms;
    struct broker *broker = producer->broker;
    if (fake_enter(broker, __func__, err) != 0)
        return fake_leave(broker, -1);
    if (producer->transaction->open)
        end_transaction(broker, producer->transaction, ENTRY_ABORTED);
    producer->epoch = ++producer->transaction->epoch;
    return fake_leave(broker, 0);
}

static int
begin_call(struct producer *producer, const char *function, bool open, struct error *err)
{
    if (fake_enter(producer->broker, function, err) != 0)
        return -1;
    if (producer->epoch != producer->transaction->epoch)
        return fake_fenced(producer->broker, err);
    if (producer->transaction->open != open)
        return error_set(err, ERROR_FATAL, "%s out of order", function);
    return 0;
}

int
producer_begin(struct producer *producer, struct error *err)
{
    int failed = begin_call(producer, __func__, false, err);
    if (failed == 0)
        producer->transaction->open = true;
    return fake_leave(producer->broker, failed);
}

int
producer_send(struct producer *producer, const struct record *record, struct error *err)
{
    int failed = begin_call(producer, __func__, true, err);
    struct partition *partition =
        fake_partition(producer->broker, record->topic, record->partition);
    if (failed == 0 && partition == NULL)
        failed = error_set(err, ERROR_FATAL, "no topic %s/%d", record->topic, record->partition);
    if (failed == 0)
        append(partition, record, producer->transaction, ENTRY_UNDECIDED);
    return fake_leave(producer->broker, failed);
}

void
fake_hold_commits(struct broker *broker, bool hold)
{
    pthread_mutex_lock(&broker->lock);
    broker->commits_held = hold;
    fake_leave(broker, 0);
}

static char
next_letter(struct broker *broker)
{
    return broker->script == NULL || *broker->script == '\0' ? '.' : *broker->script++;
}

int
producer_await(struct producer *producer, struct consumer *consumer,
               const struct position *position, size_t count, struct error *err)
{
    (void)position, (void)count;
    int failed = begin_call(producer, __func__, true, err);
    if (failed == 0 && !fake_generation_holds(consumer)) {
        end_transaction(producer->broker, producer->transaction, ENTRY_ABORTED);
        failed = error_set(err, ERROR_TRANSIENT, "the generation is over");
    }
    return fake_leave(producer->broker, failed);
}

int
producer_commit(struct producer *producer, struct consumer *consumer,
                const struct position *position, size_t count, struct error *err)
{
    struct broker *broker = producer->broker;
    struct transaction *transaction = producer->transaction;
    if (begin_call(producer, __func__, true, err) != 0)
        return fake_leave(broker, -1);
    while (broker->commits_held)
        pthread_cond_wait(&broker->changed, &broker->lock);
    if (!fake_generation_holds(consumer)) {
        end_transaction(broker, transaction, ENTRY_ABORTED);
        return fake_leave(broker, error_set(err, ERROR_TRANSIENT, "the generation is over"));
    }
    transaction->group = fake_group_of(consumer);
    transaction->offsets = count;
    transaction->offset = reallocarray(transaction->offset, count + 1, sizeof(*position));
    memcpy(transaction->offset, position, count * sizeof(*position));
    char letter = next_letter(broker);
    if (letter == 'f')
        return fake_leave(broker, fake_fenced(broker, err));
    if (letter != 'l')
        end_transaction(broker, transaction, letter == 'x' ? ENTRY_ABORTED : ENTRY_COMMITTED);
    producer->tainted = producer->tainted || letter == 't';
    bool told = letter == '.' || letter == 't';
    if (!told)
        error_set(err, ERROR_TRANSIENT, "nobody knows what became of the transaction");
    return fake_leave(broker, told ? 0 : -1);
}

void
producer_destroy(struct producer **producer)
{
    if (*producer == NULL)
        return;
    struct broker *broker = (*producer)->broker;
    fake_enter(broker, __func__, NULL);
    free(*producer);
    *producer = NULL;
    fake_leave(broker, 0);
}

bool
producer_tainted(const struct producer *producer)
{
    return producer->tainted;
}

void
producer_warm(struct producer *producer, const char *topic)
{
    (void)producer, (void)topic;
}
