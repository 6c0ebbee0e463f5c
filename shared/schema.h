/* schema: names and types of a frame's columns, and how strict its JSON decoder is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCHEMA_H
#define MILLRACE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_type {
    COLUMN_BOOL,
    COLUMN_INT64,
    COLUMN_FLOAT64,
    COLUMN_TEXT,
    COLUMN_TIMESTAMP, /* microseconds since 1970, UTC; RFC 3339 text in JSON */
    COLUMN_BYTES,     /* opaque; no JSON form */
    COLUMN_VECTOR,    /* of float32 */
    COLUMN_JSON,      /* the text of one JSON value; jsonb in SQL */
};
#define COLUMN_TYPES 8

struct schema_field {
    const char *name; /* column name in frames, topics and tables */
    const char *from; /* key in the JSON object; NULL: name */
    enum column_type type;
    uint32_t width; /* of a vector */
    bool required;  /* absent or null: refused with reason schema.required */
};

enum schema_unknown { UNKNOWN_DROP, UNKNOWN_DEAD }; /* keys that no field knows */

struct schema {
    const char *name; /* "loan.clean", for messages */
    size_t count;
    const struct schema_field *field;
    enum schema_unknown unknown;
};
const char *column_type_name(enum column_type); /* "bool" "int64" ... "json" */
const char *column_type_sql(enum column_type);  /* "boolean" "bigint" "double precision" "text"
                                                   "timestamptz" "bytea" "real[]" "jsonb" */
int column_type_find(const char *name);         /* or -1 */
int schema_find(const struct schema *, const char *name); /* index of the column, or -1 */

#endif
