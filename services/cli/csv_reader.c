/* csv_reader: see csv_reader.h. libcsv is fed a line at a time, because it does not tell where in
 * its input a record began.
 * SPDX-License-Identifier: Apache-2.0 */
#include "csv_reader.h"

#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CHUNK 65536

struct reading {
    struct csv_parser parser;
    csv_seen *seen;
    void *self;
    struct error *err;
    int verdict; /* of `seen`, or -1: nothing more is looked at */

    int64_t line, record_line;
    bool open;      /* inside a record */
    uint8_t before; /* the byte before the present segment */

    size_t cells, used, capacity;
    char *text;                      /* the record's cells, one after the other */
    size_t start[CSV_CELLS_MAX + 1]; /* cell i is text[start[i]] .. text[start[i + 1]] */
    struct bytes cell[CSV_CELLS_MAX];
};

/* RFC 4180: spaces are part of a cell; libcsv would strip them. */
static int
never_space(unsigned char c)
{
    (void)c;
    return 0;
}

static int
refuse_record(struct reading *r, const char *reason, const char *why)
{
    r->verdict = error_refuse(r->err, reason, "", "line %lld: %s", (long long)r->record_line, why);
    return -1;
}

static int
grow(struct reading *r, size_t wanted)
{
    if (wanted > CSV_RECORD_MAX)
        return refuse_record(r, "csv.size", "the record is longer than 8 MiB");
    if (wanted <= r->capacity)
        return 0;
    size_t capacity = wanted < 4096 ? 4096 : 2 * wanted;
    char *text = realloc(r->text, capacity);
    if (text == NULL)
        return r->verdict = error_memory(r->err, "a CSV record");
    r->text = text;
    r->capacity = capacity;
    return 0;
}

static void
cell_ended(void *bytes, size_t length, void *self)
{
    struct reading *r = self;
    if (r->verdict != 0)
        return;
    if (r->cells == CSV_CELLS_MAX) {
        refuse_record(r, "csv.cells", "more than 4,096 cells");
        return;
    }
    if (grow(r, r->used + length) != 0)
        return;
    if (length > 0)
        memcpy(r->text + r->used, bytes, length);
    r->start[r->cells++] = r->used;
    r->used += length;
}

static void
record_ended(int terminator, void *self)
{
    (void)terminator;
    struct reading *r = self;
    r->open = false;
    if (r->verdict != 0)
        return;
    r->start[r->cells] = r->used;
    /* There is no text yet where all cells so far were empty. */
    const uint8_t *text = (const uint8_t *)(r->text != NULL ? r->text : "");
    for (size_t i = 0; i < r->cells; i++)
        r->cell[i] = (struct bytes){text + r->start[i], r->start[i + 1] - r->start[i]};
    struct csv_record record = {r->record_line, r->cells, r->cell};
    r->verdict = r->seen(r->self, &record, r->err);
    r->cells = r->used = 0;
}

static size_t
segment_length(const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < left; i++)
        if (at[i] == '\n' || at[i] == '\r')
            return i + 1;
    return left;
}

/* A segment is what lies up to and including a line end, or up to the end of a chunk. */
static int
feed(struct reading *r, const uint8_t *at, size_t length)
{
    uint8_t last = at[length - 1];
    bool ends = last == '\n' || last == '\r';
    bool second_half = length == 1 && last == '\n' && r->before == '\r'; /* of a CRLF */
    if (!r->open && !second_half)
        r->record_line = r->line;
    if (length > ends)
        r->open = true;
    if (csv_parse(&r->parser, at, length, cell_ended, record_ended, r) != length && r->verdict == 0)
        refuse_record(r, "csv.syntax",
                      "a quote inside an unquoted cell, or text after a closing quote");
    /* libcsv holds a cell until it ends, which a quote never closed puts off to the file's end. */
    if (csv_get_buffer_size(&r->parser) > CSV_RECORD_MAX + CHUNK && r->verdict == 0)
        refuse_record(r, "csv.size", "the record is longer than 8 MiB");
    r->line += ends && !second_half;
    r->before = last;
    return r->verdict;
}

static int
feed_chunk(struct reading *r, const uint8_t *at, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t segment = segment_length(at + i, length - i);
        if (feed(r, at + i, segment) != 0)
            return r->verdict;
        i += segment;
    }
    return 0;
}

static int
read_all(struct reading *r, FILE *file)
{
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    uint8_t chunk[CHUNK];
    bool first = true;
    size_t length;
    while ((length = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        size_t skip = first && length >= 3 && memcmp(chunk, mark, 3) == 0 ? 3 : 0;
        first = false;
        if (feed_chunk(r, chunk + skip, length - skip) != 0)
            return r->verdict;
    }
    if (ferror(file))
        return error_set(r->err, ERROR_TRANSIENT, "reading the file: %s", strerror(errno));
    if (csv_fini(&r->parser, cell_ended, record_ended, r) != 0 && r->verdict == 0)
        return refuse_record(r, "csv.syntax", "a quoted cell that is never closed");
    return r->verdict;
}

int
csv_read(FILE *file, csv_seen *seen, void *self, struct error *err)
{
    struct reading *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return error_memory(err, "reading CSV");
    *r = (struct reading){.seen = seen, .self = self, .err = err, .line = 1};
    int result = csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI);
    if (result == 0) {
        csv_set_space_func(&r->parser, never_space);
        csv_set_blk_size(&r->parser, CHUNK); /* its own 128 bytes make long cells quadratic */
        result = read_all(r, file);
        csv_free(&r->parser);
    }
    free(r->text);
    free(r);
    return result < 0 ? -1 : 0;
}
