/* codec: events of every type of field. What frame_from_json accepts, frame_to_json writes, and
 * reading that gives the same columns. The first byte chooses how strict the schema is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"
#include "frames.h"

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
    struct arena *arena = fuzz_arena();
    struct frame *first = frame_create(arena, &schema, 1), *again = frame_create(arena, &schema, 1);
    struct origin origin = {.offset = 7};
    struct error err = {0};
    struct bytes json;
    if (frame_from_json(first, (struct bytes){data + 1, size - 1}, &origin, &err) != 0) {
        require_refusal(&err);
        REQUIRE(first->rows == 0 && first->unknown_keys == 0);
        for (size_t i = 0; i < first->columns; i++)
            REQUIRE(!column_valid(&first->column[i], 0));
        return 0;
    }
    REQUIRE(first->rows == 1 && first->origin[0].offset == 7);
    REQUIRE(frame_to_json(first, 0, &json, &err) == 0);
    REQUIRE(characters_storable(json));
    if (frame_from_json(again, json, &origin, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    REQUIRE(again->unknown_keys == 0);
    require_same_rows(first, again, bytes_equal);
    return 0;
}
