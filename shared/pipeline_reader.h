/* pipeline_reader: what the files that read a pipeline file share. Not for others: pipeline.h is
 * the way in. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PIPELINE_READER_H
#define MILLRACE_PIPELINE_READER_H

#include "pipeline.h"
#include "pipeline_tables.h"

struct reader {
    struct arena *arena; /* the pipeline's */
    struct mistakes *mistakes;
    struct pipeline *pipeline; /* being filled */
};

/* Zeroed memory that lives with the pipeline; NULL after a mistake. */
void *reader_alloc(struct reader *, size_t count, size_t size);
char *reader_print(struct reader *, const char *fmt, ...) PRINTF(2, 3);

/* Whether the node is a list of least .. most entries; adds a mistake if not. */
bool reader_list(struct reader *, const struct node *, const char *what, size_t least, size_t most);
/* A member of an object or list, with its pointer in the arena. */
struct node reader_member(struct reader *, const struct node *, const char *key,
                          const struct json_t *value);
struct node reader_entry(struct reader *, const struct node *list, size_t i);

/* What all registries say of a kind of rule, step, encoder, learner or search. Kind i, in the
 * registry's order; name NULL: there are no more. */
struct kind {
    const char *name, *summary;
    const struct setting *table; /* may be NULL */
    size_t settings_size;
};
typedef struct kind kind_at(size_t i);
kind_at rule_kind, step_kind, encoder_kind, model_kind, search_kind;
/* Index of the kind that an entry names at `key`; -1 after a mistake. */
int reader_kind(struct reader *, const struct node *, const char *key, kind_at *) MUST_CHECK;

/* Reads an object by two tables as if they were one: `common` fills *common_out, the kind's own the
 * memory that *own_out then points to. */
int reader_object(struct reader *, const struct node *, const struct setting *common,
                  size_t common_size, void *common_out, const struct kind *own,
                  void **own_out) MUST_CHECK;

/* Checks an identifier that becomes a column and is not among the `count` in `taken`. */
bool reader_column_name(struct reader *, const struct node *, const char *key, const char *name,
                        const struct schema_field *taken, size_t count) MUST_CHECK;

/* Each reads one part of the file into the pipeline, adding mistakes. Those after the first build
 * on what the ones before left; a column whose type an earlier mistake hides has type COLUMN_TYPES.
 */
void read_sources(struct reader *, const struct node *); /* input (without label), raw, pii */
void read_duplicates(struct reader *, const struct node *);
void read_clean(struct reader *, const struct node *);    /* rules, clean */
void read_features(struct reader *, const struct node *); /* steps, features */
void read_encode(struct reader *, const struct node *);
void read_label(struct reader *, const struct node *); /* input's last column */
void read_train(struct reader *, const struct node *);
/* Adds a mistake at `key` unless the learner predicts the kind of outcome that "label" names. */
struct model_type;
void reader_check_learner(struct reader *, const struct node *, const char *key,
                          const struct model_type *);
/* "search" of "train", with its "learners"; seed and split of "train" are read by then. */
void read_search(struct reader *, const struct node *, const struct node *learners);
void read_score(struct reader *, const struct node *);
void read_breaker(struct reader *, const struct node *);
void read_store(struct reader *, const struct node *);

#endif
