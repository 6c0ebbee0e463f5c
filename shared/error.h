/* error: what went wrong, once, with its values in the sentence.
 * A function that can fail returns 0 or -1 and takes `struct error *` last; out-parameters stay
 * untouched on failure. The kind is the only thing to branch on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ERROR_H
#define MILLRACE_ERROR_H

#include <stddef.h>

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define DEFER(fn)    __attribute__((cleanup(fn)))

enum error_kind {
    ERROR_NONE,
    ERROR_INPUT,     /* refuse the datum */
    ERROR_TRANSIENT, /* undo, wait, try again */
    ERROR_FENCED,    /* another instance owns it: let it go */
    ERROR_FATAL,     /* exit, the orchestrator restarts; out of memory is FATAL */
};

/* Lives on the caller's stack, zeroed by the caller. `reason` and `where` are set for INPUT only:
 * a stable code such as "schema.required" and a JSON pointer such as "/age"; they become the
 * dead letter's. */
struct error {
    enum error_kind kind;
    char reason[48];
    char where[128];
    char message[512];
};

/* Both return -1. error_refuse sets kind INPUT with reason and JSON pointer. */
int error_set(struct error *, enum error_kind, const char *fmt, ...) PRINTF(3, 4);
int error_refuse(struct error *, const char *reason, const char *where, const char *fmt, ...)
    PRINTF(4, 5);
/* "new: old"; kind, reason and where are kept. Returns -1. */
int error_wrap(struct error *, const char *fmt, ...) PRINTF(2, 3);
/* Sets FATAL "out of memory: <what>". Returns -1. */
int error_memory(struct error *, const char *what);
const char *error_kind_name(enum error_kind);

/* Many mistakes at once; `where` is a variable's name or a JSON pointer. Kept are the first
 * MISTAKES_MAX; a mistake that finds no memory is lost, so ask the -1 of whoever looked, not the
 * count, whether there were any. */
#define MISTAKES_MAX 1000
struct mistakes;
struct mistakes *mistakes_create(void);
void mistakes_free(struct mistakes **);
int mistake_add(struct mistakes *, const char *where, const char *fmt, ...) PRINTF(3, 4); /* -1 */
size_t mistakes_count(const struct mistakes *);
const char *mistakes_where(const struct mistakes *, size_t i);
const char *mistakes_message(const struct mistakes *, size_t i);

#endif
