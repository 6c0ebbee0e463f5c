/* fake_broker_private: what fake_broker.c and fake_group.c share. Functions here but fake_enter run
 * under the broker's lock. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_FAKE_BROKER_PRIVATE_H
#define MILLRACE_TESTS_FAKE_BROKER_PRIVATE_H

#include <pthread.h>
#include <time.h>

#include "fake_broker.h"

#define FAKE_MAX 64 /* of each kind of thing; more: abort */

enum entry_state { ENTRY_UNDECIDED, ENTRY_COMMITTED, ENTRY_ABORTED, ENTRY_MARKER };

struct group;
struct transaction { /* of a transactional.id */
    char id[256];
    int epoch;
    bool open;
    struct group *group;
    struct position *offset; /* pending until the commit */
    size_t offsets;
};

struct entry { /* of a log; its index is its offset */
    struct message *message;
    enum entry_state state;
    enum entry_state verdict; /* of its transaction, whose marker may be held back */
    struct transaction *transaction;
};

struct partition {
    char topic[256];
    int32_t number;
    struct entry *entry;
    size_t count, capacity;
    int64_t low;
    bool held; /* markers are held back */
    struct message *cut[FAKE_MAX];
    size_t cuts;
};

struct group {
    char name[256];
    int generation;
    bool joining; /* until all members have let go */
    struct consumer *member[FAKE_MAX];
    size_t members;
    struct position committed[FAKE_MAX];
    size_t offsets;
};

struct function { /* of broker.h */
    const char *name;
    int calls, trouble;
};

struct broker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct partition partition[FAKE_MAX];
    struct transaction transaction[FAKE_MAX];
    struct group group[FAKE_MAX];
    size_t partitions, transactions, groups;
    struct function function[FAKE_MAX];
    size_t functions;
    const char *script;
    bool offsets_held, commits_held;
    int writes_at_fence;
};

/* ---- fake_broker.c */
int fake_enter(struct broker *, const char *function, struct error *);
int fake_leave(struct broker *, int result); /* result */
int fake_fenced(struct broker *, struct error *);
struct partition *fake_partition(struct broker *, const char *topic, int32_t number);
const struct message *fake_next(const struct partition *, int64_t *next);
struct message *fake_copy(const struct message *);

/* ---- fake_group.c */
bool fake_generation_holds(const struct consumer *);
struct group *fake_group_of(const struct consumer *);
void fake_set_offsets(struct broker *, struct group *, const struct position *, size_t count);
struct timespec fake_deadline(int timeout_ms);
bool fake_wait(struct broker *, const struct timespec *until); /* false: too late */

#endif
