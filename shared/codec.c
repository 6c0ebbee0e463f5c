/* codec: JSON bytes straight into columns and back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "character.h"
#include "codec_private.h"
#include "number.h"
#include "text.h"
#include "timestamp.h"

#define ROW_LENGTH 512 /* bytes of JSON that most rows need; longer ones are moved */

int
frame_from_json(struct frame *frame, struct bytes value, const struct origin *origin,
                struct error *err)
{
    if (frame->rows >= frame->capacity)
        return error_set(err, ERROR_FATAL, "frame %s is full at %zu rows", frame->schema->name,
                         frame->capacity);
    if (!codec_read_fast(frame, value, err) && codec_read_tree(frame, value, err) != 0)
        return -1;
    frame->origin[frame->rows++] = *origin;
    return 0;
}

/* ---- encoding */
static int
refuse_number(const struct schema_field *field, long element, struct error *err)
{
    char where[POINTER_LENGTH];
    pointer_print(where, codec_key(field), element);
    return error_refuse(err, "codec.number", where, "%s is not finite", where);
}

static int
encode_vector(struct text *text, const struct schema_field *field, const float *vector,
              struct error *err)
{
    text_put(text, "[", 1);
    for (uint32_t i = 0; i < field->width; i++) {
        if (!isfinite(vector[i]))
            return refuse_number(field, (long)i, err);
        if (i > 0)
            text_put(text, ",", 1);
        text_put_float32(text, vector[i]);
    }
    text_put(text, "]", 1);
    return 0;
}

static void
encode_timestamp(struct text *text, int64_t us)
{
    char printed[TIMESTAMP_LENGTH];
    timestamp_print(us, printed);
    text_put_json_string(text, bytes_of(printed));
}

static int
encode_value(struct text *text, const struct schema_field *field, const struct column *column,
             size_t row, struct error *err)
{
    switch (column->type) {
    case COLUMN_BOOL:
        text_puts(text, column->flag[row] ? "true" : "false");
        return 0;
    case COLUMN_INT64:
        text_put_int64(text, column->integer[row]);
        return 0;
    case COLUMN_FLOAT64:
        if (!isfinite(column->real[row]))
            return refuse_number(field, POINTER_TO_KEY, err);
        text_put_float64(text, column->real[row]);
        return 0;
    case COLUMN_TEXT:
        text_put_json_string(text, column->bytes[row]);
        return 0;
    case COLUMN_TIMESTAMP:
        encode_timestamp(text, column->integer[row]);
        return 0;
    case COLUMN_VECTOR:
        return encode_vector(text, field, column->vector + row * column->width, err);
    case COLUMN_JSON:
        text_put(text, (const char *)column->bytes[row].at, column->bytes[row].length);
        return 0;
    case COLUMN_BYTES:
        break;
    }
    char where[POINTER_LENGTH];
    pointer_print(where, codec_key(field), POINTER_TO_KEY);
    return error_refuse(err, "schema.type", where, "%s holds bytes, which have no JSON form",
                        where);
}

/* The key with the comma before it; where its value goes. */
static inline char *
put_key(char *to, const struct codec_field *field)
{
    memcpy(to, field->token, CODEC_TOKEN_PIECE);
    for (size_t i = CODEC_TOKEN_PIECE; i < field->token_length; i += CODEC_TOKEN_PIECE)
        memcpy(to + i, field->token + i, CODEC_TOKEN_PIECE);
    return to + field->token_length;
}

/* The usual values at once, behind their key, so that `to` stays in a register; others by
 * encode_value. NULL: failed. */
static inline char *
encode_field(struct text *text, char *to, const struct codec_field *key,
             const struct schema_field *field, const struct column *column, size_t row,
             struct error *err)
{
    bool is_text = column->type == COLUMN_TEXT;
    size_t quoted = is_text ? column->bytes[row].length + 2 : 0;
    size_t needed = key->token_length + CODEC_TOKEN_PIECE + NUMBER_LENGTH + quoted;
    if ((size_t)(text->at + text->capacity - to) < needed) {
        text->length = (size_t)(to - text->at);
        to = text_room(text, needed);
        if (to == NULL)
            return NULL;
    }
    to = put_key(to, key);
    if (column->type == COLUMN_INT64)
        return to + number_print_int64(to, column->integer[row]);
    if (is_text && characters_copy_plain(to + 1, column->bytes[row])) {
        to[0] = to[quoted - 1] = '"';
        return to + quoted;
    }
    text->length = (size_t)(to - text->at);
    return encode_value(text, field, column, row, err) == 0 ? text_room(text, 0) : NULL;
}

/* Each key comes with the comma before it, the first of which becomes the bracket. */
static int
encode_row(struct text *text, const struct codec_plan *plan, const struct frame *frame, size_t row,
           struct error *err)
{
    const size_t byte = row / 8, bit = row % 8;
    char *to = text->at;
    for (size_t i = 0; to != NULL && i < frame->columns; i++)
        if ((frame->column[i].valid[byte] >> bit & 1) != 0)
            to = encode_field(text, to, &plan->field[i], &frame->schema->field[i],
                              &frame->column[i], row, err);
    if (to == NULL)
        return text->failed ? error_memory(err, "encoding a row as JSON") : -1;
    text->length = (size_t)(to - text->at);
    text_puts(text, text->length == 0 ? "{}" : "}");
    if (text->failed)
        return error_memory(err, "encoding a row as JSON");
    text->at[0] = '{';
    return 0;
}

int
frame_to_json(const struct frame *frame, size_t row, struct bytes *out, struct error *err)
{
    assert(row < frame->rows);
    struct codec_memo *memo = frame->memo;
    const struct codec_plan *plan = codec_plan(frame);
    if (plan == NULL || !codec_make_room(frame, ROW_LENGTH))
        return error_memory(err, "encoding a row as JSON");
    struct text text = {.arena = frame->arena, .at = memo->room, .capacity = memo->left};
    if (encode_row(&text, plan, frame, row, err))
        return -1;
    memo->room = text.at + text.length;
    memo->left = text.capacity - text.length;
    *out = text_bytes(&text);
    return 0;
}
