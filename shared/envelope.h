/* envelope: CloudEvents 1.0 headers (Kafka binding, binary mode), Kafka Connect's error headers and
 * our own (millrace_seq, millrace_received_at, millrace_pipeline_version), to and from struct
 * origin. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ENVELOPE_H
#define MILLRACE_ENVELOPE_H

#include "broker.h"
#include "dead.h" /* envelope_dead_schema, frame_from_dead */
#include "frame.h"

#define ENVELOPE_HEADERS_MAX 16

/* Fills *origin from a message: headers where there are any, the record's own data else. All bytes
 * are borrowed from the message. ce_time that is no timestamp is ignored (the record's counts).
 * Headers are never trusted to be text: hostile ones are kept as bytes. Of headers of one name the
 * last counts. An empty ce_id is none (id.at NULL); traces of more than 64 bytes are none;
 * received_us and version are 0 where they are missing or malformed. A dead letter's id is
 * millrace_event_id, where it has one. */
void envelope_read(const struct message *, struct origin *);

/* What the records of a stage (raw clean features decisions labels dead) have in common:
 * ce_source = /<prefix>/<pipeline>/<stage>, ce_type = <prefix>.<stage>.<what>.v1. */
struct envelope {
    struct bytes source, type;
};
/* In the arena; false past its limit. */
bool envelope_make(struct arena *, const char *prefix, const char *pipeline, const char *stage,
                   struct envelope *out);
/* Headers of an output record, in the arena but for what is the origin's or the envelope's.
 * `sequence` < 0: no millrace_seq. Absent: ce_id without an id, ce_time with time_us -1,
 * millrace_received_at and millrace_pipeline_version with 0, traces without one. Returns the number
 * of headers written, 0 past the arena's limit. */
size_t envelope_write(struct arena *, const struct envelope *, const struct origin *,
                      int32_t input_partition, int64_t sequence,
                      struct header out[ENVELOPE_HEADERS_MAX]);
/* millrace_seq of a message: "<input partition>:<n>". False: none or malformed. */
bool envelope_sequence(const struct message *, int32_t *input_partition, int64_t *n);

/* A dead letter: the original key, value, timestamp and headers byte for byte, then ours:
 *   __connect.errors.topic .partition .offset   where the message was read
 *   __connect.errors.connector.name .task.id    service, instance
 *   __connect.errors.stage                      step
 *   __connect.errors.class.name .exception.class.name   the reason code
 *   __connect.errors.exception.message          the sentence
 *   millrace_error   {"reason":..,"pointer":..,"value_class":..,"version":..,"attempt":..}
 *   millrace_event_id millrace_received_at millrace_pipeline_version   so that its row can be
 * joined value_class: document_class of the pointer in the message's value. attempt: the original's
 * header millrace_attempt, which a replay writes; 1 without one. */
struct letter {
    const char *service, *instance, *stage; /* stage: decode, clean, feature, score ... */
    const char *reason, *where, *message;   /* as in struct refusal */
    struct bytes id;                        /* the event's, which ingestion may have made up */
    int32_t version;                        /* pipeline version */
    int64_t received_us;
};
/* *count headers in the arena, original ones first. FATAL past the arena's limit. */
int envelope_write_dead(struct arena *, const struct message *, const struct letter *,
                        struct header **out, size_t *count, struct error *) MUST_CHECK;
/* Digits alone, from 0 to `max`. False: anything else, also nothing. */
bool envelope_decimal(struct bytes, int64_t max, int64_t *out);

#endif
