/* error: sentences are formatted into a buffer of their own first, because callers pass parts of
 * the old error as arguments of the new one. SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sentence is quoted in JSON later, so a cut must not leave half of a UTF-8 character. */
static void
trim_cut_character(char *text, size_t length)
{
    size_t tail = 0;
    while (tail < 3 && tail < length && ((unsigned char)text[length - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail == length)
        return;
    unsigned char lead = (unsigned char)text[length - 1 - tail];
    size_t expected = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (expected > tail)
        text[length - 1 - tail] = '\0';
}

/* Copies what fits; never through snprintf, whose "%s" would be slow and warn about truncation. */
static void
copy_text(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size);
    bool cut = length == size;
    if (cut)
        length = size - 1;
    memmove(out, text, length);
    out[length] = '\0';
    if (cut)
        trim_cut_character(out, length);
}

static void PRINTF(3, 0) format_text(char *out, size_t size, const char *fmt, va_list args)
{
    int length = vsnprintf(out, size, fmt, args);
    if (length < 0)
        copy_text(out, size, "(a message that cannot be formatted)");
    else if ((size_t)length >= size)
        trim_cut_character(out, size - 1);
}

int
error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
    char message[sizeof(err->message)];
    va_list args;
    va_start(args, fmt);
    format_text(message, sizeof(message), fmt, args);
    va_end(args);
    *err = (struct error){.kind = kind};
    copy_text(err->message, sizeof(err->message), message);
    return -1;
}

int
error_refuse(struct error *err, const char *reason, const char *where, const char *fmt, ...)
{
    struct error refusal = {.kind = ERROR_INPUT};
    va_list args;
    va_start(args, fmt);
    format_text(refusal.message, sizeof(refusal.message), fmt, args);
    va_end(args);
    copy_text(refusal.reason, sizeof(refusal.reason), reason);
    copy_text(refusal.where, sizeof(refusal.where), where ? where : "");
    *err = refusal;
    return -1;
}

int
error_wrap(struct error *err, const char *fmt, ...)
{
    char message[2 * sizeof(err->message) + 2];
    va_list args;
    va_start(args, fmt);
    format_text(message, sizeof(err->message), fmt, args);
    va_end(args);
    if (err->message[0] != '\0') {
        size_t length = strlen(message);
        memcpy(message + length, ": ", 2);
        copy_text(message + length + 2, sizeof(message) - length - 2, err->message);
    }
    copy_text(err->message, sizeof(err->message), message);
    return -1;
}

int
error_memory(struct error *err, const char *what)
{
    return error_set(err, ERROR_FATAL, "out of memory: %s", what);
}

const char *
error_kind_name(enum error_kind kind)
{
    static const char *const names[] = {"none", "input", "transient", "fenced", "fatal"};
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

struct mistake {
    char where[256];
    char message[512];
};

struct mistakes {
    size_t count, capacity;
    struct mistake *mistake;
};

struct mistakes *
mistakes_create(void)
{
    return calloc(1, sizeof(struct mistakes));
}

void
mistakes_free(struct mistakes **mistakes)
{
    if (*mistakes)
        free((*mistakes)->mistake);
    free(*mistakes);
    *mistakes = NULL;
}

static struct mistake *
mistakes_grow(struct mistakes *mistakes)
{
    if (mistakes->count == MISTAKES_MAX)
        return NULL;
    if (mistakes->count == mistakes->capacity) {
        size_t capacity = mistakes->capacity == 0 ? 16 : 2 * mistakes->capacity;
        struct mistake *grown = reallocarray(mistakes->mistake, capacity, sizeof(*grown));
        if (!grown)
            return NULL;
        mistakes->mistake = grown;
        mistakes->capacity = capacity;
    }
    return &mistakes->mistake[mistakes->count++];
}

int
mistake_add(struct mistakes *mistakes, const char *where, const char *fmt, ...)
{
    struct mistake *mistake = mistakes ? mistakes_grow(mistakes) : NULL;
    if (!mistake)
        return -1;
    va_list args;
    va_start(args, fmt);
    format_text(mistake->message, sizeof(mistake->message), fmt, args);
    va_end(args);
    copy_text(mistake->where, sizeof(mistake->where), where ? where : "");
    return -1;
}

size_t
mistakes_count(const struct mistakes *mistakes)
{
    return mistakes ? mistakes->count : 0;
}

const char *
mistakes_where(const struct mistakes *mistakes, size_t i)
{
    return mistakes->mistake[i].where;
}

const char *
mistakes_message(const struct mistakes *mistakes, size_t i)
{
    return mistakes->mistake[i].message;
}
