/* monotone: the setting of that name: whose scores must not fall, or not rise, as a column grows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONOTONE_H
#define MILLRACE_MONOTONE_H

#include "dataset.h"

struct json_t;
/* {"feature": 1 or -1, ...}, for all columns made from the feature, or a list of 1, 0 or -1 for
 * each column. out: columns, zeroed before. INPUT naming what is wrong: an unknown feature, a
 * column of categories, any other form. */
int monotone_read(const struct json_t *, const struct dataset *, const struct fitting *,
                  int8_t *out, struct error *) MUST_CHECK;

#endif
