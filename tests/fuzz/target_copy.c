/* copy: rows written for COPY are read back the same. copy_postgres has PostgreSQL read them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "copied.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct frame *written = copied_frame(arena, data, size);
    struct frame *read = copied_read(arena, copied_bytes(arena, written));
    struct frame part = copied_part(read);
    require_same_rows(written, &part, bytes_equal);
    for (size_t row = 0; row < read->rows; row++) {
        const struct origin *origin = &written->origin[row];
        REQUIRE(read->column[1].integer[row] == origin->partition);
        REQUIRE(read->column[3].integer[row] == origin->offset);
        REQUIRE(read->column[4].integer[row] == origin->time_us);
        REQUIRE(read->column[5].integer[row] == origin->received_us);
    }
    return 0;
}
