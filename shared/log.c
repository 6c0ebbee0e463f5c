/* log: a line is built in a buffer of fixed size on the stack and leaves in one write, so that
 * lines of several threads never mix. What does not fit is cut, and the line stays valid JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define LINE_LENGTH_MAX   16384
#define TEXT_LENGTH_MAX   2048 /* of one text in a line, after escaping */
#define HEAD_LENGTH_MAX   7168 /* service, instance and sentence with their names */
#define NUMBER_LENGTH_MAX 32

static struct {
    const char *service, *instance;
    enum log_level level;
    bool for_people;
} setup = {"millrace", "", LEVEL_INFO, false};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void
log_setup(const char *service, const char *instance, const char *level, const char *format)
{
    setup.service = service;
    setup.instance = instance;
    setup.for_people = format && strcmp(format, "text") == 0;
    setup.level = LEVEL_INFO;
    for (int i = LEVEL_DEBUG; i <= LEVEL_ERROR; i++) {
        if (level && strcmp(level, level_names[i]) == 0)
            setup.level = (enum log_level)i;
    }
}

struct field
field_int(const char *name, int64_t value)
{
    return (struct field){.name = name, .type = FIELD_INT, .integer = value};
}

struct field
field_real(const char *name, double value)
{
    return (struct field){.name = name, .type = FIELD_REAL, .real = value};
}

struct field
field_text(const char *name, const char *value)
{
    return (struct field){.name = name, .type = FIELD_TEXT, .text = value};
}

struct line {
    size_t length;
    char at[LINE_LENGTH_MAX];
};

/* Callers see to it that there is room. */
static void
put(struct line *line, const char *text, size_t length)
{
    memcpy(line->at + line->length, text, length);
    line->length += length;
}

static void
put_plain(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Bytes of the UTF-8 character (RFC 3629) that begins at `text`; 0: none does. A terminated text is
 * never read past its end, because NUL continues no character. */
static size_t
character_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xED && at[1] > 0x9F;
    bool too_large = at[0] == 0xF4 && at[1] > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

/* Writes the escaped form of the character at `text` and returns how many bytes it took. */
static size_t
escape_character(const char *text, char out[8], size_t *out_length)
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *special = strchr(from, *text);
    if (special) {
        out[0] = '\\';
        out[1] = to[special - from];
        *out_length = 2;
        return 1;
    }
    if ((unsigned char)*text < 0x20 || *text == 0x7F) {
        *out_length = (size_t)snprintf(out, 8, "\\u%04x", (unsigned)*text);
        return 1;
    }
    size_t length = (unsigned char)*text < 0x80 ? 1 : character_length(text);
    if (length == 0) {
        memcpy(out, "\xEF\xBF\xBD", 3); /* U+FFFD stands for a byte that belongs to no character */
        *out_length = 3;
        return 1;
    }
    memcpy(out, text, length);
    *out_length = length;
    return length;
}

static void
put_escaped(struct line *line, const char *text)
{
    size_t end = line->length + TEXT_LENGTH_MAX - 5; /* room for "..." and a pair of quotes */
    while (*text != '\0') {
        char escaped[8];
        size_t length;
        text += escape_character(text, escaped, &length);
        if (line->length + length > end) {
            put_plain(line, "...");
            break;
        }
        put(line, escaped, length);
    }
}

static void
put_quoted(struct line *line, const char *text)
{
    if (!text) {
        put_plain(line, "null");
        return;
    }
    put_plain(line, "\"");
    put_escaped(line, text);
    put_plain(line, "\"");
}

static void
put_real(struct line *line, double real)
{
    char number[NUMBER_LENGTH_MAX];
    if (!isfinite(real)) {
        put_plain(line, "null");
        return;
    }
    snprintf(number, sizeof(number), "%.15g", real);
    if (strtod(number, NULL) < real || strtod(number, NULL) > real)
        snprintf(number, sizeof(number), "%.17g", real);
    put_plain(line, number);
}

static void
put_value(struct line *line, const struct field *field)
{
    char number[NUMBER_LENGTH_MAX];
    switch (field->type) {
    case FIELD_INT:
        snprintf(number, sizeof(number), "%" PRId64, field->integer);
        put_plain(line, number);
        return;
    case FIELD_REAL:
        put_real(line, field->real);
        return;
    case FIELD_TEXT:
        put_quoted(line, field->text);
        return;
    case FIELD_END:
        return;
    }
}

static void
put_head(struct line *line, enum log_level level, const char *time, const char *sentence)
{
    char start[128];
    snprintf(start, sizeof(start), "{\"ts\":\"%s\",\"level\":\"%s\",\"service\":", time,
             level_names[level]);
    put_plain(line, start);
    put_quoted(line, setup.service);
    put_plain(line, ",\"instance\":");
    put_quoted(line, setup.instance);
    put_plain(line, ",\"msg\":");
    put_quoted(line, sentence);
}

static void
put_head_for_people(struct line *line, enum log_level level, const char *time, const char *sentence)
{
    static const char *const words[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    put_plain(line, time);
    put_plain(line, " ");
    put_plain(line, words[level]);
    put_plain(line, " ");
    put_escaped(line, sentence);
    put_plain(line, " service=");
    put_quoted(line, setup.service);
    put_plain(line, " instance=");
    put_quoted(line, setup.instance);
}

/* False: the line has no room for it. */
static bool
put_field(struct line *line, const struct field *field)
{
    static const size_t most = (size_t)2 * TEXT_LENGTH_MAX + 64;
    if (LINE_LENGTH_MAX - line->length < most)
        return false;
    if (setup.for_people) {
        put_plain(line, " ");
        put(line, field->name, strnlen(field->name, TEXT_LENGTH_MAX));
        put_plain(line, "=");
    } else {
        put_plain(line, ",");
        put_quoted(line, field->name);
        put_plain(line, ":");
    }
    put_value(line, field);
    return true;
}

/* There is nobody to tell when standard output is gone. */
static void
write_line(const struct line *line)
{
    size_t done = 0;
    while (done < line->length) {
        ssize_t n = write(STDOUT_FILENO, line->at + done, line->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

void
log_write(enum log_level level, const char *sentence, ...)
{
    _Static_assert(3 * TEXT_LENGTH_MAX + 256 <= HEAD_LENGTH_MAX, "the head must fit");
    _Static_assert(HEAD_LENGTH_MAX + 2 * TEXT_LENGTH_MAX + 64 < LINE_LENGTH_MAX, "and a field");
    if (level < setup.level)
        return;
    char time[TIMESTAMP_LENGTH];
    timestamp_print(clock_now_us(), time);
    struct line line;
    line.length = 0;
    if (setup.for_people)
        put_head_for_people(&line, level, time, sentence);
    else
        put_head(&line, level, time, sentence);

    va_list args;
    va_start(args, sentence);
    struct field field = va_arg(args, struct field);
    while (field.name && put_field(&line, &field))
        field = va_arg(args, struct field);
    va_end(args);
    put_plain(&line, setup.for_people ? "\n" : "}\n");
    write_line(&line);
}
