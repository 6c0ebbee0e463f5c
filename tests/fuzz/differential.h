/* differential: one event through both ways of the codec, which must agree.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FUZZ_DIFFERENTIAL_H
#define MILLRACE_FUZZ_DIFFERENTIAL_H

#include "codec_private.h"
#include "frames.h"

enum verdict { BY_SCANNER, BY_TREE, BY_REFUSAL };

static inline void
require_same_refusal(const struct error *a, const struct error *b)
{
    require_refusal(a);
    REQUIRE(a->kind == b->kind && strcmp(a->reason, b->reason) == 0);
    REQUIRE(strcmp(a->where, b->where) == 0 && strcmp(a->message, b->message) == 0);
}

/* Row 0 of a frame, or no row, and what was noted beside it. */
static inline void
require_no_row(const struct frame *frame)
{
    REQUIRE(frame->rows == 0 && frame->unknown_keys == 0);
    for (size_t i = 0; i < frame->columns; i++)
        REQUIRE(!column_valid(&frame->column[i], 0));
}

static inline void
require_written_and_read_again(const struct frame *frame, struct arena *arena)
{
    struct frame *again = frame_create(arena, frame->schema, 1);
    struct error err = {0};
    struct bytes json;
    REQUIRE(again != NULL && frame_to_json(frame, 0, &json, &err) == 0);
    REQUIRE(characters_storable(json));
    if (codec_read_tree(again, json, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    again->rows = 1;
    REQUIRE(again->unknown_keys == 0);
    require_same_rows(frame, again, bytes_equal);
}

/* Same value or same refusal: reason, pointer and sentence. The schema's keys are UTF-8. */
static inline enum verdict
require_same_verdict(struct arena *arena, const struct schema *schema, struct bytes value)
{
    static const struct origin origin = {.offset = 7};
    struct frame *probe = frame_create(arena, schema, 1), *frame = frame_create(arena, schema, 1),
                 *tree = frame_create(arena, schema, 1);
    struct error err = {0}, tree_err = {0}, ignored = {0};
    REQUIRE(probe != NULL && frame != NULL && tree != NULL);
    bool scanned = codec_read_fast(probe, value, &ignored);
    if (!scanned)
        require_no_row(probe);
    int failed = frame_from_json(frame, value, &origin, &err);
    if (codec_read_tree(tree, value, &tree_err) != 0) {
        REQUIRE(failed && !scanned);
        require_same_refusal(&err, &tree_err);
        require_no_row(frame);
        return BY_REFUSAL;
    }
    REQUIRE(!failed && frame->rows == 1 && frame->origin[0].offset == 7);
    tree->rows = 1;
    REQUIRE(frame->unknown_keys == tree->unknown_keys);
    require_same_rows(frame, tree, bytes_equal);
    if (!codec_plan(frame)->ambiguous) /* else the order of keys decides which field gets a value */
        require_written_and_read_again(frame, arena);
    return scanned ? BY_SCANNER : BY_TREE;
}

#endif
