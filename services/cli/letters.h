/* letters: from a dead letter back to the record it was. Nothing is read and nothing is sent here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_LETTERS_H
#define MILLRACE_CLI_LETTERS_H

#include "broker.h"

/* The record of a replay in the arena, but for what is the letter's: original key, value, timestamp
 * and headers, byte for byte. The original headers are all before the last
 * __connect.errors.topic. Of them are left out: millrace_seq (the next stage would take the event
 * for a repeat) and the marks of an earlier replay; and, unless it goes to `P.events` (`door`),
 * millrace_pipeline_version, for the event is to be handled by the newest version. Added are
 * millrace_replay_of: <topic>:<partition>:<offset> of the letter and millrace_attempt: 1 for the
 * first handling, so 2 and up. At the door an event that came without an id is given the one it
 * died with. INPUT: not a dead letter of ours. FATAL: the arena ran out. */
int letter_replay(struct arena *, const struct message *letter, const char *topic,
                  int32_t partition, bool door, int32_t version, struct record *out,
                  struct error *) MUST_CHECK;

#endif
