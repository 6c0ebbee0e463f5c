/* csv: files of millrace ingest in CSV. SPDX-License-Identifier: Apache-2.0 */
#include "../../services/cli/csv_reader.h"
#include "files.h"

static int
see_event(void *self, const struct event *event, struct error *err)
{
    (void)self, (void)err;
    require_event(event, true);
    return 0;
}

static int
see_record(void *self, const struct csv_record *record, struct error *err)
{
    int64_t *line = self;
    (void)err;
    REQUIRE(record->line >= *line && record->cells >= 1 && record->cells <= CSV_CELLS_MAX);
    *line = record->line;
    size_t bytes = 0;
    for (size_t i = 0; i < record->cells; i++)
        for (size_t k = 0; k < record->cell[i].length; k++)
            bytes += record->cell[i].at[k] != 0;
    REQUIRE(bytes <= CSV_RECORD_MAX);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require_read(events_from_csv, see_event, data, size);
    if (size < 2)
        return 0;
    FILE *file = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
    struct error err = {0};
    int64_t line = 1;
    REQUIRE(file != NULL);
    if (csv_read(file, see_record, &line, &err) != 0)
        require_refusal(&err);
    fclose(file);
    return 0;
}
