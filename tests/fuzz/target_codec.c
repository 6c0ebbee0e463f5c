/* codec: events of every type of field, which the scanner and jansson's tree must judge alike. What
 * they accept, frame_to_json writes, and reading that gives the same columns. The first byte
 * chooses how strict the schema is. SPDX-License-Identifier: Apache-2.0 */
#include "differential.h"

#define FIELDS(needed)                                                                             \
    {                                                                                              \
        {.name = "flag", .type = COLUMN_BOOL}, {.name = "count", .type = COLUMN_INT64},            \
            {.name = "amount", .type = COLUMN_FLOAT64, .required = needed},                        \
            {.name = "name", .from = "na/m~e \"\303\274", .type = COLUMN_TEXT},                    \
            {.name = "at", .type = COLUMN_TIMESTAMP}, {.name = "picture", .type = COLUMN_BYTES},   \
            {.name = "vector", .type = COLUMN_VECTOR, .width = 3},                                 \
            {.name = "more", .type = COLUMN_JSON},                                                 \
    }
static const struct schema_field lenient[] = FIELDS(false), strict[] = FIELDS(true);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct schema schema = {"fuzz", sizeof(lenient) / sizeof(lenient[0]),
                            data[0] & 1 ? strict : lenient,
                            data[0] & 2 ? UNKNOWN_DEAD : UNKNOWN_DROP};
    require_same_verdict(fuzz_arena(), &schema, (struct bytes){data + 1, size - 1});
    return 0;
}
