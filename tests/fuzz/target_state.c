/* state: a changelog that somebody else wrote. Its records are loaded, two pieces a record as in
 * pieces.h, and the state goes on working; a value that is read as a series of events is the same
 * when it is written and read again. SPDX-License-Identifier: Apache-2.0 */
#include "pieces.h"
#include "series.h"
#include "state.h"

static void
check_series(struct arena *arena, struct bytes bytes, bool valued)
{
    struct series first = {.valued = valued}, again = {.valued = valued};
    struct error err = {0};
    if (series_read(arena, bytes, &first, &err) != 0) {
        REQUIRE(err.kind == ERROR_INPUT);
        return;
    }
    size_t length = series_bytes(&first);
    uint8_t *written = arena_alloc(arena, length + 1, 1);
    REQUIRE(written != NULL);
    series_write(&first, written);
    REQUIRE(series_read(arena, (struct bytes){written, length}, &again, &err) == 0);
    REQUIRE(first.count == again.count && first.newest_us == again.newest_us);
    for (size_t i = 0; i < first.count; i++) {
        REQUIRE(first.time_us[i] == again.time_us[i]);
        REQUIRE(i == 0 || first.time_us[i - 1] <= first.time_us[i]);
        REQUIRE(!valued || first.value[i] == again.value[i]);
    }
}

static void
go_on(struct state *state, struct arena *arena, struct bytes key)
{
    struct error err = {0};
    struct bytes changed_key, changed;
    size_t at = 0;
    int more;
    if (key.at == NULL)
        return;
    const struct bytes *found = state_get(state, key);
    if (found != NULL)
        check_series(arena, arena_copy(arena, *found), found->length % 2 == 0);
    state_advance(state, 1700000000000000);
    if (state_put(state, key, bytes_of("value"), 1000, &err) == 0) {
        found = state_get(state, key);
        REQUIRE(found != NULL && bytes_equal_text(*found, "value"));
    }
    while ((more = state_change(state, &at, arena, &changed_key, &changed, &err)) == 1)
        REQUIRE(changed_key.at != NULL);
    REQUIRE(more == 0);
    state_commit(state);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct state *state = NULL;
    struct error err = {0};
    struct pieces pieces;
    pieces_cut(&pieces, data, size);
    REQUIRE(state_create(STATE_LIMIT_MIN, &state, &err) == 0);
    for (size_t i = 0; i + 1 < pieces.count; i += 2) {
        struct error refused = {0};
        if (pieces.at[i].at == NULL)
            continue;
        if (state_load(state, pieces.at[i], pieces.at[i + 1], &refused) != 0)
            REQUIRE(refused.kind == ERROR_INPUT && refused.message[0] != '\0');
        check_series(arena, pieces.at[i + 1], i % 4 == 0);
    }
    for (size_t i = 0; i < pieces.count; i += 2)
        go_on(state, arena, pieces.at[i]);
    state_free(&state);
    pieces_free(&pieces);
    return 0;
}
