/* trace: the W3C Trace Context that an event came with (header traceparent), in rows and log lines.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRACE_H
#define MILLRACE_TRACE_H

#include "broker.h"
#include "log.h"

/* The trace id within a traceparent, 32 hexadecimal digits; BYTES_NONE: there is none, or the
 * traceparent is malformed (Trace Context, section 3.2: version-trace-parent-flags). */
struct bytes trace_id(struct bytes traceparent);

/* For the line of a log that is about one event: "trace_id". Without one it ends the fields, so it
 * stands last. The line must be written before `text` goes. */
#define TRACE_ID_TEXT 33
struct field trace_field(struct bytes trace_id, char text[TRACE_ID_TEXT]);
/* The same of a record that was read. */
struct field trace_field_of(const struct message *, char text[TRACE_ID_TEXT]);

#endif
