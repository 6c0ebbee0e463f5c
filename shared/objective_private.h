/* objective_private: ranking, the one objective whose rows are not by themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_OBJECTIVE_PRIVATE_H
#define MILLRACE_OBJECTIVE_PRIVATE_H

#include "objective.h"

int ranking_derive(const struct objective *, const struct dataset *, const double *margin,
                   struct crew *, struct derivative *, struct error *) MUST_CHECK;
int ranking_loss(const struct objective *, const struct dataset *, const double *margin,
                 struct crew *, double *loss, struct error *) MUST_CHECK;

#endif
