/* ingest: one record of P.events becomes a raw event, an outcome, both, or a dead letter.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_INGESTION_INGEST_H
#define MILLRACE_INGESTION_INGEST_H

#include "service.h"

extern struct metric ingest_metrics[];

int ingest_open(const struct pipeline *, const void *settings, void **self,
                struct error *) MUST_CHECK;
void ingest_close(void **self);
/* out[0]: raw, out[1]: labels; origin.partition of their rows is where they belong. Two calls with
 * the same input give the same output but for origin.received_us. */
int ingest_handle(void *self, struct work *, const struct frame *in, struct frame *const out[],
                  struct error *) MUST_CHECK;
/* raw.P keeps the record of P.raw as it is, as one jsonb column. */
void ingest_raw_row(const struct frame *, size_t row, struct copy *);

#endif
