/* exported: rows made ready for a learner elsewhere. The folder has
 *
 *   rows.csv     event_id, split (train or test), label, then the columns of the model's matrix; an
 *                empty cell is missing, categories are codes 0, 1, 2 .., and numbers are written so
 *                that float32 and float64 readers get the value that scoring will see
 *   export.json  what the columns are, how the rows were split, the pipeline's settings, and the
 *                encoders as a model file has them, in hexadecimal digits: `models import` takes it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_EXPORTED_H
#define MILLRACE_CLI_EXPORTED_H

#include "pipeline.h"
#include "scorer_encoders.h"

#define EXPORTED_BYTES_MAX ((size_t)64 << 20) /* of export.json */

struct exported_rows { /* what is told of the rows */
    size_t train_rows, test_rows;
    const char *digest; /* of the split */
};
/* export.json, in the arena. `encoders` as scorer_fit_encoders left them. */
int exported_write(const struct pipeline *, const struct exported_rows *,
                   const struct scorer *encoders, struct arena *, struct bytes *json,
                   struct error *) MUST_CHECK;
/* Its encoders. INPUT naming the key; also where it was exported of another pipeline. */
int exported_read(struct bytes json, const struct pipeline *, struct arena *, struct scorer **,
                  struct error *) MUST_CHECK;

/* rows.csv's first line, and a line. */
struct text;
void exported_put_header(struct text *, const struct foreign_columns *);
void exported_put_row(struct text *, struct bytes event_id, bool tested, double label,
                      const float *cell, size_t columns);

#endif
