/* sink: Kafka to PostgreSQL. One PostgreSQL transaction a batch: the position moved by
 * compare-and-set, and the rows by COPY. The only sink loop there is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SINK_H
#define MILLRACE_SINK_H

#include "service.h"

int sink_run(const struct service *, const struct common_settings *, struct broker *,
             struct catalog *, atomic_bool *stopping, struct error *) MUST_CHECK;

#endif
