/* schema: the three names of a column type, in one table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <string.h>

static const struct {
    const char *name, *sql;
} types[COLUMN_TYPES] = {
    [COLUMN_BOOL] = {"bool", "boolean"},
    [COLUMN_INT64] = {"int64", "bigint"},
    [COLUMN_FLOAT64] = {"float64", "double precision"},
    [COLUMN_TEXT] = {"text", "text"},
    [COLUMN_TIMESTAMP] = {"timestamp", "timestamptz"},
    [COLUMN_BYTES] = {"bytes", "bytea"},
    [COLUMN_VECTOR] = {"vector", "real[]"},
    [COLUMN_JSON] = {"json", "jsonb"},
};

const char *
column_type_name(enum column_type type)
{
    return types[type].name;
}

const char *
column_type_sql(enum column_type type)
{
    return types[type].sql;
}

int
column_type_find(const char *name)
{
    for (int i = 0; i < COLUMN_TYPES; i++) {
        if (strcmp(types[i].name, name) == 0)
            return i;
    }
    return -1;
}

int
schema_find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->field[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}
