/* dead: messages of a dead topic, which anybody with the right may have written to. Each becomes a
 * row whose text and JSON PostgreSQL can hold. SPDX-License-Identifier: Apache-2.0 */
#include "dead.h"
#include "document.h"
#include "envelope.h"
#include "pieces.h"

#include <jansson.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pieces pieces;
    const struct message *message = pieces_message(&pieces, data, size);
    struct frame *frame = frame_create(fuzz_arena(), envelope_dead_schema(), 1);
    struct origin origin;
    struct error err = {0};
    envelope_read(message, &origin);
    if (frame_from_dead(frame, message, &origin, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    REQUIRE(frame->rows == 1);
    for (size_t i = 0; i < frame->columns; i++) {
        const struct column *column = &frame->column[i];
        if (!column_valid(column, 0))
            continue;
        if (column->type == COLUMN_TEXT || column->type == COLUMN_JSON)
            REQUIRE(characters_storable(column->bytes[0]));
        if (column->type != COLUMN_JSON)
            continue;
        json_t *value = json_loadb((const char *)column->bytes[0].at, column->bytes[0].length,
                                   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        REQUIRE(value != NULL); /* which refuses what jsonb cannot hold: NUL */
        json_decref(value);
    }
    pieces_free(&pieces);
    return 0;
}
