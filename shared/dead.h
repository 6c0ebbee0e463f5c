/* dead: messages of a `dead` topic as rows of a frame.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_DEAD_H
#define MILLRACE_DEAD_H

#include "broker.h"
#include "frame.h"

#define DEAD_HEADER "__connect.errors." /* how Kafka Connect's error headers begin */

/* Columns of the stage "dead" as frames, topics and tables know them. */
const struct schema *
envelope_dead_schema(void); /* stage service reason pointer message topic
partition offset detail(json) key(bytes) value(bytes) headers(json: names to text) */
/* Appends a message of a `dead` topic as a row of that schema; bytes are the message's where
 * nothing had to be repaired. Nothing in a message is an error: text is repaired (U+FFFD), a
 * malformed number is no value, a millrace_error that is no JSON becomes a JSON string. FATAL when
 * the frame is full or memory ran out. */
int frame_from_dead(struct frame *, const struct message *, const struct origin *,
                    struct error *) MUST_CHECK;

#endif
