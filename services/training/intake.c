/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "outcome.h"
#include "scorer_encoders.h"

#define CHUNK_ROWS    2048
#define CHUNK_BYTES   ((size_t)1 << 30) /* of the rows of a chunk, in all shapes; a limit */
#define PENDING_MAX   ((size_t)1 << 30) /* bytes of a row at most; a longer one is INPUT */
#define DIGEST_LENGTH (DIGEST_HEX - 1)
#define PART_FIELDS   4

struct room { /* bytes that grow */
    uint8_t *at;
    size_t length, size;
};
struct intake {
    struct intake_source source;
    struct arena *kept, *scratch; /* of the chunk's frame; of what is made of a chunk */
    struct frame *chunk;
    int time_column;
    struct copy_stream stream;
    struct room pending; /* bytes of rows that are not whole yet */
    struct room last;    /* id of the row before */
    struct room y;
    struct binning *binning;
    struct spool *parts;
    struct digest *digest;
    size_t train_rows, test_rows;
};

void
intake_close(struct intake **intake)
{
    struct intake *in = *intake;
    if (in == NULL)
        return;
    digest_forget(&in->digest);
    spool_close(&in->parts);
    binning_close(&in->binning);
    arena_close(&in->scratch);
    arena_close(&in->kept);
    free(in->pending.at);
    free(in->last.at);
    free(in->y.at);
    free(in);
    *intake = NULL;
}

static int
append(struct room *room, struct bytes bytes, struct error *err)
{
    size_t needed = room->length + bytes.length;
    if (needed > room->size) {
        size_t wider = needed + needed / 2 + 64;
        uint8_t *grown = realloc(room->at, wider);
        if (grown == NULL)
            return error_memory(err, "training rows");
        room->at = grown;
        room->size = wider;
    }
    if (bytes.length > 0)
        memcpy(room->at + room->length, bytes.at, bytes.length);
    room->length = needed;
    return 0;
}

int
intake_open(const struct intake_source *source, struct intake **out, struct error *err)
{
    DEFER(intake_close) struct intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL)
        return error_memory(err, "training rows");
    intake->source = *source;
    if (arena_open(&intake->kept, CHUNK_BYTES, err) != 0 ||
        arena_open(&intake->scratch, CHUNK_BYTES, err) != 0)
        return -1;
    const struct schema *schema = history_schema(intake->kept, source->pipeline);
    intake->chunk = schema != NULL ? frame_create(intake->kept, schema, CHUNK_ROWS) : NULL;
    if (intake->chunk == NULL)
        return error_memory(err, "training rows");
    intake->time_column = frame_find(intake->chunk, HISTORY_EVENT_TIME);
    intake->digest = digest_begin();
    if (binning_open(source->bins, source->folder, &intake->binning, err) != 0 ||
        spool_open(source->folder, &intake->parts, err) != 0 ||
        spool_put(intake->parts, copy_head(), err) != 0)
        return -1;
    *out = intake;
    intake = NULL;
    return 0;
}

/* ---- a chunk of rows */

static int
check_row(struct intake *intake, size_t i, struct error *err)
{
    const struct column *column = intake->chunk->column;
    if (!column_valid(&column[HISTORY_EVENT_ID], i) || !column_valid(&column[HISTORY_LABEL], i))
        return error_set(err, ERROR_FATAL, "a training row lacks its event id or label");
    struct bytes id = column[HISTORY_EVENT_ID].bytes[i];
    const struct bytes last = {intake->last.at, intake->last.length};
    bool first = i == 0 && intake->train_rows + intake->test_rows == 0;
    if (!first && split_compare_ids(last, id) >= 0)
        return error_set(err, ERROR_FATAL, "training rows are not sorted by event id");
    intake->last.length = 0;
    return append(&intake->last, id, err);
}

/* The digest is not known yet; intake_end puts it in. */
static int
put_part(struct intake *intake, struct copy *copy, size_t i, const char *part, struct error *err)
{
    static const uint8_t unknown[DIGEST_LENGTH];
    const struct column *column = intake->chunk->column;
    copy_row(copy, PART_FIELDS);
    copy_text(copy, (struct bytes){unknown, DIGEST_LENGTH});
    copy_text(copy, column[HISTORY_EVENT_ID].bytes[i]);
    copy_text(copy, bytes_of(part));
    copy_text(copy, column[HISTORY_LABEL].bytes[i]);
    struct bytes row = copy_last_row(copy);
    if (row.at == NULL)
        return error_memory(err, "parts of training rows");
    split_digest_row(intake->digest, column[HISTORY_EVENT_ID].bytes[i], part,
                     column[HISTORY_LABEL].bytes[i]);
    return spool_put(intake->parts, row, err);
}

static int
take_row(struct intake *intake, struct copy *copy, size_t i, double y, struct frame *training,
         struct error *err)
{
    const struct column *column = intake->chunk->column;
    bool tested = split_tests(intake->source.rule, column[HISTORY_EVENT_ID].bytes[i],
                              column[intake->time_column].integer[i]);
    if (put_part(intake, copy, i, tested ? SPLIT_PART_TEST : SPLIT_PART_TRAIN, err) != 0)
        return -1;
    if (tested) {
        intake->test_rows++;
        return 0;
    }
    intake->train_rows++;
    if (append(&intake->y, (struct bytes){(const uint8_t *)&y, sizeof(y)}, err) != 0)
        return -1;
    return frame_copy_row(training, intake->chunk, i, err);
}

static int
take_chunk(struct intake *intake, struct error *err)
{
    struct frame *chunk = intake->chunk;
    struct matrix x;
    arena_reset(intake->scratch);
    struct frame *training = frame_create(intake->scratch, chunk->schema, chunk->rows);
    double *y = arena_alloc(intake->scratch, chunk->rows, sizeof(*y));
    struct copy *copy = copy_create(intake->scratch);
    if (training == NULL || y == NULL || copy == NULL)
        return error_memory(err, "training rows");
    for (size_t i = 0; i < chunk->rows; i++)
        if (check_row(intake, i, err) != 0)
            return -1;
    if (outcome_read(intake->source.pipeline, chunk, y, err) != 0)
        return -1;
    for (size_t i = 0; i < chunk->rows; i++)
        if (take_row(intake, copy, i, y[i], training, err) != 0)
            return -1;
    frame_empty(chunk);
    if (scorer_encode(intake->source.scorer, intake->scratch, training, &x, err) != 0)
        return -1;
    return binning_add(intake->binning, &x, err);
}

int
intake_take(void *self, struct bytes bytes, struct error *err)
{
    struct intake *intake = self;
    if (append(&intake->pending, bytes, err) != 0)
        return -1;
    size_t at = 0, taken;
    do {
        const struct bytes rest = {intake->pending.at + at, intake->pending.length - at};
        if (frame_from_copy_stream(intake->chunk, &intake->stream, rest, &taken, err) != 0)
            return error_wrap(err, "training rows of \"%s\"", intake->source.pipeline->name);
        at += taken;
        if (intake->chunk->rows > 0 && take_chunk(intake, err) != 0)
            return -1;
    } while (taken > 0);
    memmove(intake->pending.at, intake->pending.at + at, intake->pending.length - at);
    intake->pending.length -= at;
    if (intake->pending.length > PENDING_MAX)
        return error_set(err, ERROR_INPUT, "a training row has more than %zu bytes", PENDING_MAX);
    return 0;
}

/* ---- the end */

static uint32_t
length_at(const uint8_t *at)
{
    uint32_t big;
    memcpy(&big, at, sizeof(big));
    return __builtin_bswap32(big);
}

/* The digest is the first field of each row, behind their number and its own length. */
static void
write_digest(uint8_t *at, size_t rows, const char *digest)
{
    at += copy_head().length;
    for (size_t i = 0; i < rows; i++) {
        at += sizeof(uint16_t);
        memcpy(at + sizeof(uint32_t), digest, DIGEST_LENGTH);
        for (size_t k = 0; k < PART_FIELDS; k++)
            at += sizeof(uint32_t) + length_at(at);
    }
}

static int
end_parts(struct intake *intake, struct blocks *out, struct error *err)
{
    uint8_t *at;
    size_t length;
    if (spool_put(intake->parts, copy_tail(), err) != 0 ||
        spool_map(intake->parts, 0, &at, &length, err) != 0)
        return -1;
    digest_end(&intake->digest, out->all.digest);
    write_digest(at, intake->train_rows + intake->test_rows, out->all.digest);
    out->parts = (struct bytes){at, length};
    out->spool = intake->parts;
    intake->parts = NULL;
    return 0;
}

int
intake_end(struct intake **intake, struct blocks *out, struct error *err)
{
    struct intake *in = *intake;
    struct crew *crew = NULL;
    if (!in->stream.ended || in->pending.length > 0)
        return error_set(err, ERROR_INPUT, "the training rows of \"%s\" end in the middle",
                         in->source.pipeline->name);
    if (crew_open(1, &crew, err) != 0)
        return -1;
    int ended = binning_end(&in->binning, crew, &out->binned, err);
    crew_close(&crew);
    if (ended != 0 || end_parts(in, out, err) != 0)
        return -1;
    out->all.train_rows = in->train_rows;
    out->all.test_rows = in->test_rows;
    out->y = (double *)(void *)in->y.at;
    in->y.at = NULL;
    intake_close(intake);
    return 0;
}
