/* intake: training rows that come as COPY data, piece by piece, become bins of the training rows,
 * their outcomes, and the parts of all rows. What is in memory meanwhile is a chunk of rows, and a
 * number for each training row. Used by one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_INTAKE_H
#define MILLRACE_INTAKE_H

#include "blocks.h"

struct intake_source { /* all that it points to must outlive the intake */
    const struct pipeline *pipeline;
    const struct split_rule *rule;
    const struct scorer *scorer; /* as scorer_plan left it */
    const struct bins *bins;
    const char *folder;
};
struct intake;
int intake_open(const struct intake_source *, struct intake **, struct error *) MUST_CHECK;
/* history_sql's rows; `intake` is a struct intake. INPUT: malformed data, an outcome that is none.
 * FATAL: not sorted, or without id or outcome. TRANSIENT: the disk is full. */
int intake_take(void *intake, struct bytes, struct error *) MUST_CHECK;
/* Fills in all, parts, spool, binned and y. INPUT: the data end in the middle. */
int intake_end(struct intake **, struct blocks *, struct error *) MUST_CHECK;
void intake_close(struct intake **);

#endif
