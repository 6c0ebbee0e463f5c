/* score: features in, decisions out. A handler maps frames to frames; the model is the newest that
 * was adopted.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCORE_H
#define MILLRACE_SCORE_H

#include "catalog.h"
#include "frame.h"
#include "metrics.h"
#include "pipeline.h"

extern struct metric score_metrics[];

int score_open(const struct pipeline *, const void *settings, void **self,
               struct error *) MUST_CHECK;
/* Opens the model file, checks it against the pipeline's features, and only then lets go of the
 * model before. INPUT: a file that is damaged or made for other features; the model before stays.
 */
int score_adopt(void *self, const struct announcement *, struct bytes artefact,
                struct error *) MUST_CHECK;
/* out[0] gets a decision for each row, or the row is refused as score.not_finite. TRANSIENT without
 * a model: nothing is decided by a model that does not exist. */
int score_handle(void *self, struct work *, const struct frame *in, struct frame *const out[],
                 struct error *) MUST_CHECK;
void score_close(void **self);

#endif
