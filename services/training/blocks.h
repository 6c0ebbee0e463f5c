/* blocks: training from more rows than memory holds. Encoders and bins are made from a sample, and
 * then all rows come from the warehouse once more, become bins as they come and lie in a file, a
 * byte a value twice over; in memory stays some 60 bytes a row, however many features there are.
 * What the rows' parts are lies in another file.
 *
 * The sample is the rows of the least hashes, so it is the same whoever trains, as long as the
 * memory is; of a history that it holds whole the model is that of train_fit, to the bit. The test
 * rows among it are what the model is evaluated on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BLOCKS_H
#define MILLRACE_BLOCKS_H

#include "bins.h"
#include "history.h"
#include "split.h"
#include "spool.h"
#include "train.h"

#define BLOCKS_SAMPLE_MIN 1000

/* Whether history may be too much for what the arena has left, as far as the number of its outcomes
 * and the pipeline's columns tell, and the learner takes bins; then how many rows the sample has,
 * BINS_SAMPLE at most. */
int blocks_wanted(struct warehouse *, struct arena *, const struct pipeline *, bool *wanted,
                  size_t *sample, struct error *) MUST_CHECK;

struct blocks_source {
    struct warehouse *db; /* without an open transaction */
    struct arena *arena;
    const struct pipeline *pipeline;
    const char *folder; /* of the files */
    size_t sample;      /* rows at most */
    unsigned threads;   /* to fit with */
};
struct blocks {
    struct history history; /* the sample */
    struct split split;     /* its sides */
    struct split all;       /* of all rows: how many on each side, and their digest; nothing else */
    struct bytes parts;     /* of all rows, as split_copy says */
    struct spool *spool;    /* that the parts lie in */
    struct scorer *scorer;
    struct bins *bins;
    struct binned *binned; /* training rows, in the order of their ids */
    double *y;
};
/* One snapshot of the warehouse is read. INPUT as of history_read, split_make, outcome_read and the
 * encoders; TRANSIENT, also where the disk is full. */
int blocks_read(const struct blocks_source *, struct blocks *, struct error *) MUST_CHECK;
/* What train_fit does, from what was read. */
int blocks_fit(const struct blocks_source *, struct blocks *, struct training *,
               struct error *) MUST_CHECK;
void blocks_free(struct blocks *); /* what it holds, not itself */

#endif
