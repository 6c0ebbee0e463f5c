/* files: a pipeline whose CSV and JSONL files are read, and what must be true of their events.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FUZZ_FILES_H
#define MILLRACE_FUZZ_FILES_H

#include "../../services/cli/events.h"
#include "document.h"
#include "fuzz.h"

#include <jansson.h>

static const struct schema_field file_fields[] = {
    {.name = "age", .from = "Age", .type = COLUMN_INT64},
    {.name = "price", .from = "Price", .type = COLUMN_FLOAT64},
    {.name = "member", .type = COLUMN_BOOL},
    {.name = "since", .type = COLUMN_TIMESTAMP},
    {.name = "tags", .type = COLUMN_JSON},
    {.name = "home", .from = "Home", .type = COLUMN_TEXT},
    {.name = "label", .from = "Status", .type = COLUMN_JSON},
};
static const struct pipeline file_pipeline = {
    .name = "loan",
    .input = {"loan.input", sizeof(file_fields) / sizeof(file_fields[0]), file_fields,
              UNKNOWN_DROP},
    .key_field = "home",
    .label = {.field = "Status", .positive = "bad"},
};

/* The lowest bits of the first byte choose among the options. */
static inline struct event_source
file_source(uint8_t options)
{
    return (struct event_source){.pipeline = &file_pipeline,
                                 .prefix = "millrace",
                                 .file_name = "loans",
                                 .file_digest = "0123456789abcdef",
                                 .id_field = (options & 1) != 0 ? "Age" : NULL,
                                 .time_field = (options & 2) != 0 ? "since" : NULL,
                                 .without_labels = (options & 4) != 0,
                                 .labels = (options & 8) != 0};
}

/* An event made of cells that are UTF-8 is JSON; of a line of JSON it may be anything. */
static inline void
require_event(const struct event *event, bool made_here)
{
    struct error err = {0};
    json_t *parsed = NULL;
    REQUIRE(event->id.at != NULL && event->key.at != NULL && event->value.at != NULL);
    REQUIRE(event->line >= 1 && event->headers >= 1 && event->headers <= EVENT_HEADERS_MAX);
    for (size_t i = 0; i < event->headers; i++)
        REQUIRE(event->header[i].name != NULL && event->header[i].value.at != NULL);
    if (made_here && characters_valid(event->value) &&
        document_parse(event->value, &parsed, &err) != 0 && strcmp(err.reason, "codec.keys") != 0 &&
        strcmp(err.reason, "codec.size") != 0 && strcmp(err.reason, "codec.depth") != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    json_decref(parsed);
}

typedef int file_reads(FILE *, const struct event_source *, event_seen *, void *, struct error *);

static inline void
require_read(file_reads *read, event_seen *seen, const uint8_t *data, size_t size)
{
    if (size < 2) /* fmemopen opens no empty buffer */
        return;
    struct event_source source = file_source(data[0]);
    struct error err = {0};
    FILE *file = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
    REQUIRE(file != NULL);
    if (read(file, &source, seen, NULL, &err) != 0)
        require_refusal(&err);
    fclose(file);
}

#endif
