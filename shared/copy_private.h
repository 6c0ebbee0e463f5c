/* copy_private: PostgreSQL's COPY BINARY. A file is a signature, flags, an extension that readers
 * skip, tuples (a count of fields, each field a length and its bytes, all big-endian) and a
 * trailer. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_COPY_PRIVATE_H
#define MILLRACE_COPY_PRIVATE_H

#include "copy.h"

#define SIGNATURE        "PGCOPY\n\377\r\n" /* its terminating NUL belongs to it */
#define SIGNATURE_LENGTH sizeof(SIGNATURE)
#define NULL_LENGTH      (-1)
#define TRAILER          (-1)
#define FLAGS_CRITICAL   0xFFFF0000u /* a reader that does not know them must stop */
#define EPOCH_2000_US    INT64_C(946684800000000)
#define FLOAT4_OID       700
#define JSONB_VERSION    1
#define ARRAY_HEADER     20 /* dimensions, flags, element type; length and lower bound of the one */

#endif
