/* split: which rows a model learns from, which it is tested on, and which its trials are judged on.
 * A function of the rows' ids, times and classes and of the pipeline's seed alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SPLIT_H
#define MILLRACE_SPLIT_H

#include "digest.h"
#include "frame.h"
#include "pipeline.h"

/* The test, by hash: a row is tested on when the hash of its event id with the pipeline's seed
 * falls below test_share, so it stays on its side for ever. By time: the latest test_share of the
 * rows.
 *
 * Of a search with folds, each training row is in one of them, dealt class by class, or all numbers
 * at once, in the order of another hash, so that neither a class nor a fold differs by more than
 * one row from the others. Without, the rows of fold 1 are the validation: validation_share of the
 * training rows, by another hash or the latest.
 */
struct split {
    size_t train_rows, test_rows;
    size_t *train, *test;     /* row numbers, ascending; the arena's */
    double *train_y, *test_y; /* as outcome_read says */
    size_t folds;             /* fits of a trial; 0: nothing is searched */
    uint16_t *fold; /* of each training row: the fit that is judged on it, from 1; 0: none. All
                       other fits learn from it */
    char digest[DIGEST_HEX]; /* SHA-256 over "<event id> NUL <part> NUL <label> NUL" of each row */
};
/* Rows must be sorted by the bytes of their event id, each once, with label. INPUT: fewer than
 * rows_min, one class only, a class with fewer rows than folds, a validation of one class; FATAL:
 * not sorted. */
int split_make(const struct pipeline *, const struct frame *rows, struct split *,
               struct error *) MUST_CHECK;

/* Which side rows are on that are not in the frame, as split_make would have found had they been:
 * by hash of the event id, or by time, being no earlier than the first test row of the frame. */
struct split_rule {
    const struct pipeline *pipeline;
    int64_t time_us; /* of that row, and its id; of a split by time alone */
    struct bytes id; /* BYTES_NONE: no row is for the test */
};
struct split_rule split_rule(const struct pipeline *, const struct frame *rows,
                             const struct split *);
bool split_tests(const struct split_rule *, struct bytes id, int64_t time_us);
/* What goes into the digest of each row, in order. */
#define SPLIT_PART_TRAIN "train"
#define SPLIT_PART_TEST  "test"
void split_digest_row(struct digest *, struct bytes id, const char *part, struct bytes label);
int split_compare_ids(struct bytes, struct bytes); /* by their bytes */

/* Parts of the rows as COPY data for model.split_row (rows_digest, event_id, part, label). */
int split_copy(const struct split *, const struct frame *rows, struct arena *, struct bytes *,
               struct error *) MUST_CHECK;

/* Row numbers and outcomes of one fit; memory is the arena's. */
struct picked {
    size_t rows;
    size_t *row;
    double *y;
};
/* Fit `fold`, 1 .. folds, learns from `learn` and is judged on `judge`. share below 1: of the rows
 * to learn from, those whose hash falls below it: the same rows each time, and more of them for a
 * larger share. */
int split_pick(const struct split *, const struct pipeline *, const struct frame *rows, size_t fold,
               double share, struct arena *, struct picked *learn, struct picked *judge,
               struct error *) MUST_CHECK;

#endif
