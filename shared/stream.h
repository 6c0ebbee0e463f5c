/* stream: Kafka to Kafka. One Kafka transaction a batch: outputs, dead letters, position records
 * and consumed offsets. The only stream loop there is. Protocol: architecture.md section 2; the
 * steps are told in stream.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_STREAM_H
#define MILLRACE_STREAM_H

#include "service.h"

/* Runs until *stopping; then the batch in hand is finished. 0: stopped; FENCED or FATAL else. */
int stream_run(const struct service *, const struct common_settings *, const void *settings,
               struct broker *, struct catalog *, atomic_bool *stopping, struct error *) MUST_CHECK;

#endif
