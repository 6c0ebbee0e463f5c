/* codec_fast: JSON bytes into columns in one pass that the schema directs. Keys are expected in the
 * order of the schema, values by their columns' types; nothing is allocated but room for texts.
 * What is not plainly right is declined, so that no refusal has to be worded twice.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "codec_private.h"
#include "number.h"
#include "scan.h"
#include "timestamp.h"

struct row {
    struct scan scan;
    struct frame *frame;
    struct codec_plan *plan;
    uint8_t
        *room;    /* for texts, as long as the value: they need fewer bytes, even with a NUL each */
    size_t given; /* required fields that have a value */
    struct error *err;
};

/* Eight bytes at a time: the token has room behind it, the value `length` bytes at least. */
static inline bool
begins_with(const uint8_t *at, const uint8_t *token, size_t length)
{
    uint64_t a, b;
    if (length < sizeof(a))
        return memcmp(at, token, length) == 0;
    for (size_t i = 0; i + sizeof(a) < length; i += sizeof(a)) {
        memcpy(&a, at + i, sizeof(a));
        memcpy(&b, token + i, sizeof(b));
        if (a != b)
            return false;
    }
    memcpy(&a, at + length - sizeof(a), sizeof(a));
    memcpy(&b, token + length - sizeof(b), sizeof(b));
    return a == b;
}

/* ---- values */
static bool
read_integer(struct row *row, int64_t *out)
{
    struct number number;
    const uint8_t *end = number_read_short(row->scan.at, row->scan.end, out);
    if (end != NULL) {
        row->scan.at = end;
        return true;
    }
    end = number_read(row->scan.at, row->scan.end, &number);
    if (end == NULL)
        return false;
    row->scan.at = end;
    if (number.integral) {
        *out = number.integer;
        return true;
    }
    if (number.real != trunc(number.real) || fabs(number.real) > CODEC_INTEGRAL_MAX)
        return false;
    *out = (int64_t)number.real;
    return true;
}

static bool
read_real(struct row *row, double *out)
{
    struct number number;
    const uint8_t *end = number_read(row->scan.at, row->scan.end, &number);
    if (end == NULL)
        return false;
    row->scan.at = end;
    *out = number.integral ? (double)number.integer : number.real;
    return true;
}

/* Looks and copies at once, eight bytes at a time. NULL: the text is not plain, or too near to the
 * value's end. The room is never short: it began as long as the value and is not ahead of it. */
static inline const uint8_t *
copy_plain(const uint8_t *at, const uint8_t *end, uint8_t *to)
{
    for (; end - at >= 8; at += 8, to += 8) {
        memcpy(to, at, 8);
        uint64_t special = characters_special(characters_load(at));
        if (special == 0)
            continue;
        at += __builtin_ctzll(special) / 8;
        return *at == '"' ? at : NULL;
    }
    return NULL;
}

static bool
read_other_text(struct row *row, size_t *length)
{
    struct bytes raw;
    bool escaped;
    if (!scan_string(&row->scan, &raw, &escaped) || raw.length > CODEC_TEXT_MAX)
        return false;
    *length = raw.length;
    if (escaped)
        return scan_unescape(raw, row->room, length);
    memcpy(row->room, raw.at, raw.length);
    return true;
}

static bool
read_text(struct row *row, struct bytes *out)
{
    struct scan *scan = &row->scan;
    if (!scan_take(scan, '"'))
        return false;
    const uint8_t *quote = copy_plain(scan->at, scan->end, row->room);
    size_t length = quote != NULL ? (size_t)(quote - scan->at) : 0;
    if (quote != NULL)
        scan->at = quote + 1;
    else if (!read_other_text(row, &length))
        return false;
    *out = (struct bytes){row->room, length};
    row->room[length] = '\0';
    row->room += length + 1;
    return length <= CODEC_TEXT_MAX;
}

static bool
read_timestamp(struct row *row, int64_t *out)
{
    struct bytes raw;
    bool escaped;
    return scan_take(&row->scan, '"') && scan_string(&row->scan, &raw, &escaped) && !escaped &&
           timestamp_parse(raw, out, row->err) == 0;
}

static bool
read_vector(struct row *row, uint32_t width, float *out)
{
    if (!scan_take(&row->scan, '['))
        return false;
    for (uint32_t i = 0; i < width; i++) {
        double real;
        scan_space(&row->scan);
        if (i > 0 && !scan_take(&row->scan, ','))
            return false;
        scan_space(&row->scan);
        if (!read_real(row, &real) || !isfinite((float)real))
            return false;
        out[i] = (float)real;
    }
    scan_space(&row->scan);
    return scan_take(&row->scan, ']');
}

static bool
read_json(struct row *row, struct bytes *out)
{
    struct text text = {.arena = row->frame->arena};
    if (!scan_value(&row->scan, 1, &text))
        return false;
    *out = text_bytes(&text);
    return out->at != NULL;
}

static bool
read_flag(struct row *row, bool *out)
{
    *out = row->scan.at < row->scan.end && *row->scan.at == 't';
    return scan_word(&row->scan, *out ? "true" : "false");
}

static bool
read_value(struct row *row, struct column *column, size_t at)
{
    switch (column->type) {
    case COLUMN_BOOL:
        return read_flag(row, &column->flag[at]);
    case COLUMN_INT64:
        return read_integer(row, &column->integer[at]);
    case COLUMN_FLOAT64:
        return read_real(row, &column->real[at]);
    case COLUMN_TEXT:
        return read_text(row, &column->bytes[at]);
    case COLUMN_TIMESTAMP:
        return read_timestamp(row, &column->integer[at]);
    case COLUMN_VECTOR:
        return read_vector(row, column->width, column->vector + at * column->width);
    case COLUMN_JSON:
        return read_json(row, &column->bytes[at]);
    case COLUMN_BYTES:
        break;
    }
    return false;
}

static bool
read_field(struct row *row, size_t i)
{
    struct column *column = &row->frame->column[i];
    size_t at = row->frame->rows;
    if (row->plan->seen[i] == row->plan->row)
        return false;
    row->plan->seen[i] = row->plan->row;
    if (row->scan.at < row->scan.end && *row->scan.at == 'n')
        return scan_word(&row->scan, "null");
    if (!read_value(row, column, at))
        return false;
    column->valid[at / 8] |= (uint8_t)(1u << (at % 8));
    row->given += row->frame->schema->field[i].required;
    return true;
}

static bool
read_unknown(struct row *row, struct bytes key)
{
    struct codec_plan *plan = row->plan;
    if (row->frame->schema->unknown == UNKNOWN_DEAD || plan->unknowns == CODEC_UNKNOWN_MAX)
        return false;
    for (size_t i = 0; i < plan->unknowns; i++)
        if (bytes_equal(plan->unknown[i], key))
            return false;
    plan->unknown[plan->unknowns++] = key;
    return scan_value(&row->scan, 1, NULL);
}

/* ---- keys */
static bool
read_key(struct scan *scan, struct bytes *key)
{
    bool escaped;
    if (!scan_take(scan, '"') || !scan_string(scan, key, &escaped) || escaped)
        return false;
    scan_space(scan);
    return scan_take(scan, ':');
}

/* One member; *expected is the field whose key comes next as a rule. */
static bool
read_member(struct row *row, size_t *expected)
{
    struct scan *scan = &row->scan;
    const struct codec_plan *plan = row->plan;
    size_t i = *expected;
    const struct codec_field *field = &plan->field[i < plan->fields ? i : 0];
    struct bytes key = {0};
    if (i < plan->fields && field->expected_length > 0 &&
        field->expected_length <= (size_t)(scan->end - scan->at) &&
        begins_with(scan->at, field->token + 1, field->expected_length)) {
        scan->at += field->expected_length;
    } else {
        if (!read_key(scan, &key))
            return false;
        i = codec_find(plan, key);
    }
    scan_space(scan);
    if (i == plan->fields)
        return read_unknown(row, key);
    *expected = i + 1;
    return read_field(row, i);
}

static bool
read_members(struct row *row)
{
    struct scan *scan = &row->scan;
    size_t expected = 0;
    scan_space(scan);
    if (scan_take(scan, '}'))
        return true;
    for (size_t keys = 1; keys <= CODEC_KEYS_MAX; keys++) {
        scan_space(scan);
        if (!read_member(row, &expected))
            return false;
        scan_space(scan);
        if (scan_take(scan, '}'))
            return true;
        if (!scan_take(scan, ','))
            return false;
    }
    return false;
}

static bool
read_row(struct row *row)
{
    struct scan *scan = &row->scan;
    scan_space(scan);
    if (!scan_take(scan, '{') || !read_members(row))
        return false;
    scan_space(scan);
    return scan->at == scan->end && row->given == row->plan->required;
}

bool
codec_read_fast(struct frame *frame, struct bytes value, struct error *err)
{
    struct codec_plan *plan = codec_plan(frame);
    if (plan == NULL || plan->ambiguous || value.length == 0 || value.length > CODEC_VALUE_MAX ||
        !codec_make_room(frame, value.length))
        return false;
    struct codec_memo *memo = frame->memo;
    struct row row = {.scan = {value.at, value.at + value.length},
                      .frame = frame,
                      .plan = plan,
                      .room = (uint8_t *)memo->room,
                      .err = err};
    plan->row++;
    plan->unknowns = 0;
    if (!read_row(&row)) {
        frame_clear_row(frame, frame->rows);
        return false;
    }
    size_t used = (size_t)(row.room - (uint8_t *)memo->room);
    memo->room += used;
    memo->left -= used;
    frame->unknown_keys += (int64_t)plan->unknowns;
    return true;
}
