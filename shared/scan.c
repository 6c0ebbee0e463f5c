/* scan: JSON, a token at a time, straight from its bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <string.h>

#include "codec.h"
#include "number.h"

bool
scan_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

bool
scan_string(struct scan *scan, struct bytes *raw, bool *escaped)
{
    const uint8_t *at = scan->at, *end = scan->end;
    *escaped = false;
    while (at < end) {
        at += characters_plain(at, (size_t)(end - at));
        if (at == end || *at < ' ')
            return false;
        if (*at == '"') {
            *raw = (struct bytes){scan->at, (size_t)(at - scan->at)};
            scan->at = at + 1;
            return true;
        }
        size_t length = *at == '\\' ? 2 : character_length(at, (size_t)(end - at));
        if (length == 0 || length > (size_t)(end - at))
            return false;
        *escaped |= *at == '\\';
        at += length;
    }
    return false;
}

/* Four hexadecimal digits; -1: they are none. */
static int32_t
read_unit(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 4)
        return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t byte = at[i], letter = byte | 0x20;
        if (byte >= '0' && byte <= '9')
            unit = unit * 16 + (byte - '0');
        else if (letter >= 'a' && letter <= 'f')
            unit = unit * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return unit;
}

static size_t
put_character(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
    out[0] = (uint8_t)((0xF00 >> length & 0xFF) | code);
    return length;
}

/* Behind "\u". What was read; 0: no character, half a surrogate pair, or NUL. */
static size_t
unescape_unit(const uint8_t *at, const uint8_t *end, uint8_t *out, size_t *written)
{
    int32_t unit = read_unit(at, end), low;
    if (unit <= 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return 0;
    if (unit < 0xD800 || unit > 0xDBFF) {
        *written = put_character(out, (uint32_t)unit);
        return 4;
    }
    if (end - at < 10 || at[4] != '\\' || at[5] != 'u')
        return 0;
    low = read_unit(at + 6, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    *written =
        put_character(out, 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00));
    return 10;
}

bool
scan_unescape(struct bytes raw, uint8_t *out, size_t *length)
{
    static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    const uint8_t *at = raw.at, *end = raw.at + raw.length;
    uint8_t *to = out;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        if (end - at < 2)
            return false;
        uint8_t letter = at[1];
        at += 2;
        if (letter == 'u') {
            size_t written = 0, read = unescape_unit(at, end, to, &written);
            if (read == 0)
                return false;
            at += read;
            to += written;
            continue;
        }
        size_t i = 0;
        while (i + 1 < sizeof(letters) && (uint8_t)letters[i] != letter)
            i += 2;
        if (i + 1 >= sizeof(letters))
            return false;
        *to++ = (uint8_t)letters[i + 1];
    }
    *length = (size_t)(to - out);
    return true;
}

/* Also without a place to write to, since escapes must be right in any case. */
static bool
scan_escaped(struct bytes raw, struct text *out)
{
    uint8_t small[256], *to = small;
    struct bytes text = {small, 0};
    if (raw.length > sizeof(small)) {
        if (out == NULL)
            return false;
        to = arena_alloc(out->arena, raw.length, 1);
        text.at = to;
    }
    if (to == NULL || !scan_unescape(raw, to, &text.length))
        return false;
    if (out != NULL)
        text_put_json_string(out, text);
    return true;
}

static bool
scan_text(struct scan *scan, struct text *out)
{
    struct bytes raw;
    bool escaped;
    if (!scan_string(scan, &raw, &escaped) || raw.length > CODEC_TEXT_MAX)
        return false;
    if (escaped)
        return scan_escaped(raw, out);
    if (out != NULL)
        text_put(out, (const char *)raw.at - 1, raw.length + 2);
    return true;
}

static bool
scan_number(struct scan *scan, struct text *out)
{
    struct number number;
    const uint8_t *end = number_read(scan->at, scan->end, &number);
    if (end == NULL)
        return false;
    scan->at = end;
    if (out == NULL)
        return true;
    if (number.integral)
        text_put_int64(out, number.integer);
    else
        text_put_real(out, number.real);
    return true;
}

static bool
put(struct text *out, char byte)
{
    if (out != NULL)
        text_put(out, &byte, 1);
    return true;
}

static bool
scan_elements(struct scan *scan, size_t open, struct text *out)
{
    put(out, '[');
    scan_space(scan);
    if (scan_take(scan, ']'))
        return put(out, ']');
    while (scan_value(scan, open, out)) {
        scan_space(scan);
        if (scan_take(scan, ']'))
            return put(out, ']');
        if (!scan_take(scan, ','))
            return false;
        put(out, ',');
    }
    return false;
}

/* A key with escapes is declined: only as text could it be compared with the others. */
static bool
scan_key(struct scan *scan, struct bytes *keys, size_t count, struct text *out)
{
    struct bytes key;
    bool escaped;
    scan_space(scan);
    if (count == SCAN_MEMBERS_MAX || !scan_take(scan, '"') || !scan_string(scan, &key, &escaped) ||
        escaped || key.length > CODEC_TEXT_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(keys[i], key))
            return false;
    keys[count] = key;
    if (out != NULL)
        text_put(out, (const char *)key.at - 1, key.length + 2);
    scan_space(scan);
    return scan_take(scan, ':') && put(out, ':');
}

static bool
scan_members(struct scan *scan, size_t open, struct text *out)
{
    struct bytes keys[SCAN_MEMBERS_MAX];
    put(out, '{');
    scan_space(scan);
    if (scan_take(scan, '}'))
        return put(out, '}');
    for (size_t count = 0; scan_key(scan, keys, count, out); count++) {
        if (!scan_value(scan, open, out))
            return false;
        scan_space(scan);
        if (scan_take(scan, '}'))
            return put(out, '}');
        if (!scan_take(scan, ','))
            return false;
        put(out, ',');
    }
    return false;
}

static bool
scan_literal(struct scan *scan, const char *word, struct text *out)
{
    if (!scan_word(scan, word))
        return false;
    if (out != NULL)
        text_puts(out, word);
    return true;
}

bool
scan_value(struct scan *scan, size_t open, struct text *out)
{
    scan_space(scan);
    if (scan->at == scan->end)
        return false;
    switch (*scan->at) {
    case '"':
        scan->at++;
        return scan_text(scan, out);
    case '{':
        scan->at++;
        return open < CODEC_DEPTH_MAX && scan_members(scan, open + 1, out);
    case '[':
        scan->at++;
        return open < CODEC_DEPTH_MAX && scan_elements(scan, open + 1, out);
    case 't':
        return scan_literal(scan, "true", out);
    case 'f':
        return scan_literal(scan, "false", out);
    case 'n':
        return scan_literal(scan, "null", out);
    default:
        return scan_number(scan, out);
    }
}
