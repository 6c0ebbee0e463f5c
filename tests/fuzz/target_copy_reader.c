/* copy_reader: COPY data that no server would send. What is accepted is written again and read to
 * the same rows. SPDX-License-Identifier: Apache-2.0 */
#include "copied.h"

static const struct schema everything = {"everything", COPIED_COLUMNS, copied_fields, UNKNOWN_DEAD};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct frame *frame = frame_create(arena, &everything, COPIED_ROWS_MAX);
    struct frame *again = frame_create(arena, &everything, COPIED_ROWS_MAX);
    struct bytes bytes = {data, size}, written;
    struct copy *copy = copy_create(arena);
    struct error err = {0}, counting = {0};
    size_t rows = 0, count = 0;
    bool counted = copy_count(bytes, &count, &counting) == 0;
    if (!counted)
        require_refusal(&counting);
    if (frame_from_copy(frame, bytes, &rows, &err) != 0) {
        REQUIRE(frame->rows == 0);
        if (err.kind != ERROR_FATAL) /* more rows than the frame has room for */
            require_refusal(&err);
        return 0;
    }
    REQUIRE(counted && count == rows && frame->rows == rows);
    for (size_t row = 0; row < rows; row++) {
        copy_row(copy, (int)COPIED_COLUMNS);
        for (size_t i = 0; i < frame->columns; i++)
            copy_value(copy, &frame->column[i], row);
    }
    REQUIRE(copy_finish(copy, &written, &err) == 0);
    REQUIRE(frame_from_copy(again, written, &rows, &err) == 0);
    require_same_rows(frame, again, bytes_equal);
    return 0;
}
