/* ingest: see ingest.h. All that can refuse a row is done before the first output is written, so a
 * refused row is in no output.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "character.h"
#include "codec.h"
#include "copy.h"
#include "digest.h"
#include "document.h"
#include "identity.h"
#include "structured.h"

#define OUTCOME_TYPE    ".label.received.v1" /* how the ce_type of an outcome ends */
#define HEADER_TEXT_MAX 4096 /* bytes of ce_source and traceparent; longer: dropped */
#define YEAR_0001_US    INT64_C(-62135596800000000)
#define YEAR_10000_US   INT64_C(253402300800000000)

enum { UNKNOWN_KEYS };
struct metric ingest_metrics[] = {
    [UNKNOWN_KEYS] = {.name = "millrace_ingestion_unknown_keys_total",
                      .type = METRIC_COUNTER,
                      .help = "Keys of events that no field of the pipeline knows; dropped"},
    {0},
};

struct ingest {
    const struct pipeline *pipeline;
    int key, time, label; /* columns of the input frame; -1: none */
    struct schema_field outcome_field[2];
    struct schema outcome; /* what an outcome event looks like */
};

struct batch {
    const struct ingest *ingest;
    struct work *work;
    const struct frame *in;
    struct frame *raw, *labels;      /* outputs */
    struct frame *events, *outcomes; /* decoded */
};

static void
resolve(const struct pipeline *pipeline, struct ingest *ingest)
{
    const struct schema *input = &pipeline->input;
    ingest->pipeline = pipeline;
    ingest->key = pipeline->key_field == NULL ? -1 : schema_find(input, pipeline->key_field);
    ingest->time = pipeline->time_field == NULL ? -1 : schema_find(input, pipeline->time_field);
    ingest->label = pipeline->label.field == NULL ? -1 : (int)input->count - 1;
    ingest->outcome_field[0] =
        (struct schema_field){.name = "event_id", .type = COLUMN_TEXT, .required = true};
    ingest->outcome_field[1] =
        (struct schema_field){.name = "label", .type = COLUMN_JSON, .required = true};
    ingest->outcome = (struct schema){.name = "an outcome",
                                      .count = 2,
                                      .field = ingest->outcome_field,
                                      .unknown = input->unknown};
}

int
ingest_open(const struct pipeline *pipeline, const void *settings, void **self, struct error *err)
{
    (void)settings;
    struct ingest *ingest = calloc(1, sizeof(*ingest));
    if (ingest == NULL)
        return error_memory(err, "ingestion of a pipeline");
    resolve(pipeline, ingest);
    *self = ingest;
    return 0;
}

void
ingest_close(void **self)
{
    free(*self);
    *self = NULL;
}

static bool
is_outcome(const struct origin *origin)
{
    size_t length = strlen(OUTCOME_TYPE);
    return origin->type.length >= length &&
           memcmp(origin->type.at + origin->type.length - length, OUTCOME_TYPE, length) == 0;
}

static const char *
outside_name(const struct ingest *ingest, int column)
{
    const struct schema_field *field = &ingest->pipeline->input.field[column];
    return field->from != NULL ? field->from : field->name;
}

/* Outcomes are compared as text: text as it is, numbers and truth values as in JSON. */
static int
outcome_text(struct arena *arena, struct bytes json, const char *where, struct bytes *text,
             struct error *err)
{
    json_auto_t *value = NULL;
    struct bytes content = json;
    if (document_parse(json, &value, err) != 0)
        return -1;
    if (json_is_string(value))
        content =
            (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
    else if (!json_is_number(value) && !json_is_boolean(value))
        return error_refuse(err, "schema.type", where,
                            "an outcome is a text, a number, true or false");
    if (!characters_storable(content))
        return error_refuse(err, "codec.text", where, "an outcome holds no NUL");
    *text = arena_copy(arena, content);
    return text->at != NULL ? 0 : error_memory(err, "an outcome");
}

static int
check_time(const struct origin *origin, struct error *err)
{
    if (origin->time_us >= YEAR_0001_US && origin->time_us < YEAR_10000_US)
        return 0;
    return error_refuse(err, "envelope.time", "",
                        "the event's time lies outside of the years 0001 to 9999");
}

/* What ingestion stamps once, for all later stages. Source and trace end up in text columns, so
 * what is no text is dropped: the event is worth more than its label. */
static void
stamp(const struct batch *batch, size_t row, struct origin *origin)
{
    const struct pipeline *pipeline = batch->ingest->pipeline;
    if (!identity_printable(origin->source, HEADER_TEXT_MAX))
        origin->source = BYTES_NONE;
    if (!identity_printable(origin->trace, HEADER_TEXT_MAX))
        origin->trace = BYTES_NONE;
    origin->partition = murmur2_partition(origin->key, pipeline->partitions);
    origin->version = pipeline->version;
    origin->received_us = batch->work->now_us;
    origin->row = row;
}

static int
put_outcome(const struct batch *batch, const struct frame *from, size_t row, struct bytes text,
            const struct origin *origin, struct error *err)
{
    struct frame *to = batch->labels;
    if (frame_copy_row(to, from, row, err) != 0)
        return -1;
    struct column *label = &to->column[frame_find(to, "label")];
    label->bytes[to->rows - 1] = text;
    column_set_valid(label, to->rows - 1, true);
    to->origin[to->rows - 1] = *origin;
    return 0;
}

static int
take_outcome(const struct batch *batch, size_t row, struct bytes value, struct origin *origin,
             struct error *err)
{
    struct frame *decoded = batch->outcomes;
    struct bytes text;
    if (frame_from_json(decoded, value, origin, err) != 0)
        return -1;
    size_t at = decoded->rows - 1;
    origin->id = decoded->column[0].bytes[at];
    if (identity_check(origin->id, "/event_id", err) != 0 || check_time(origin, err) != 0 ||
        outcome_text(batch->work->arena, decoded->column[1].bytes[at], "/label", &text, err) != 0)
        return -1;
    if (origin->key.at == NULL)
        origin->key = origin->id;
    stamp(batch, row, origin);
    return put_outcome(batch, decoded, at, text, origin, err);
}

static int
key_of(const struct batch *batch, size_t at, struct origin *origin, struct error *err)
{
    const struct ingest *ingest = batch->ingest;
    char pointer[POINTER_LENGTH];
    if (ingest->key < 0) {
        origin->key = origin->id;
        return 0;
    }
    const struct column *column = &batch->events->column[ingest->key];
    if (!column_valid(column, at))
        return error_refuse(
            err, "schema.required",
            pointer_print(pointer, outside_name(ingest, ingest->key), POINTER_TO_KEY),
            "the key field %s has no value", ingest->pipeline->key_field);
    origin->key = identity_key(batch->work->arena, column, at);
    return origin->key.at != NULL ? 0 : error_memory(err, "an event's key");
}

/* *text NONE: the event came without its outcome. */
static int
inline_outcome(const struct batch *batch, size_t at, struct bytes *text, struct error *err)
{
    const struct ingest *ingest = batch->ingest;
    char pointer[POINTER_LENGTH];
    *text = BYTES_NONE;
    if (ingest->label < 0 || !column_valid(&batch->events->column[ingest->label], at))
        return 0;
    return outcome_text(batch->work->arena, batch->events->column[ingest->label].bytes[at],
                        pointer_print(pointer, outside_name(ingest, ingest->label), POINTER_TO_KEY),
                        text, err);
}

static int
put_raw(const struct batch *batch, size_t at, const struct origin *origin, struct error *err)
{
    if (frame_copy_row(batch->raw, batch->events, at, err) != 0)
        return -1;
    batch->raw->origin[batch->raw->rows - 1] = *origin;
    return 0;
}

static int
take_event(const struct batch *batch, size_t row, struct bytes value, struct origin *origin,
           struct error *err)
{
    const struct ingest *ingest = batch->ingest;
    struct frame *decoded = batch->events;
    struct bytes outcome;
    if (frame_from_json(decoded, value, origin, err) != 0)
        return -1;
    size_t at = decoded->rows - 1;
    if (ingest->time >= 0 && column_valid(&decoded->column[ingest->time], at))
        origin->time_us = decoded->column[ingest->time].integer[at];
    if (identity_of(batch->work->arena, ingest->pipeline->name, origin, &origin->id, err) != 0 ||
        check_time(origin, err) != 0 || key_of(batch, at, origin, err) != 0 ||
        inline_outcome(batch, at, &outcome, err) != 0)
        return -1;
    stamp(batch, row, origin);
    if (put_raw(batch, at, origin, err) != 0)
        return -1;
    return outcome.at == NULL ? 0 : put_outcome(batch, decoded, at, outcome, origin, err);
}

static int
take_record(const struct batch *batch, size_t row, struct error *err)
{
    const struct column *column = &batch->in->column[0];
    struct origin origin = batch->in->origin[row];
    struct bytes value = BYTES_NONE;
    if (column_valid(column, row))
        value = registry_strip(column->bytes[row]);
    if (structured_unwrap(batch->work->arena, &value, &origin, err) != 0)
        return -1;
    if (is_outcome(&origin))
        return take_outcome(batch, row, value, &origin, err);
    return take_event(batch, row, value, &origin, err);
}

int
ingest_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
              struct error *err)
{
    const struct ingest *ingest = self;
    struct batch batch = {.ingest = ingest,
                          .work = work,
                          .in = in,
                          .raw = out[0],
                          .labels = out[1],
                          .events = frame_create(work->arena, &ingest->pipeline->input, in->rows),
                          .outcomes = frame_create(work->arena, &ingest->outcome, in->rows)};
    if (batch.events == NULL || batch.outcomes == NULL)
        return error_memory(err, "decoded events");
    for (size_t row = 0; row < in->rows; row++) {
        struct error refusal = {0};
        if (take_record(&batch, row, &refusal) == 0)
            continue;
        if (refusal.kind != ERROR_INPUT) {
            *err = refusal;
            return -1;
        }
        refuse_error(work, row, &refusal);
    }
    metric_add(&ingest_metrics[UNKNOWN_KEYS], ingest->pipeline->name,
               batch.events->unknown_keys + batch.outcomes->unknown_keys);
    return 0;
}

void
ingest_raw_row(const struct frame *frame, size_t row, struct copy *copy)
{
    copy_jsonb(copy, frame->origin[row].value);
}
