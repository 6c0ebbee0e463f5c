/* copy_postgres: the encoder's output for a corpus, read by a real PostgreSQL and given back by it.
 * Usage: copy_postgres FOLDER... (the corpora of target_copy). Exit status 1 and the file's name
 * where PostgreSQL refuses a row or has other values. SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <jansson.h>

#include "copied.h"
#include "postgres.h"

#define OUT_LIMIT ((size_t)64 << 20)

static const char table[] =
    "CREATE TEMPORARY TABLE copied (event_id text, kafka_partition int, log_epoch int, "
    "kafka_offset bigint, event_time timestamptz, received_at timestamptz, schema_version int, "
    "pipeline_version int, trace_id text, flag boolean, count bigint, amount double precision, "
    "name text, at timestamptz, picture bytea, vector real[], nothing real[], more jsonb, "
    "row bigint GENERATED ALWAYS AS IDENTITY)";
#define COLUMNS                                                                                    \
    "event_id, kafka_partition, log_epoch, kafka_offset, event_time, received_at, "                \
    "schema_version, pipeline_version, trace_id, flag, count, amount, name, at, picture, vector, " \
    "nothing, more"

/* jsonb orders keys and writes numbers its own way. */
static int
same_document(struct bytes a, struct bytes b)
{
    size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    json_t *x = json_loadb((const char *)a.at, a.length, flags, NULL);
    json_t *y = json_loadb((const char *)b.at, b.length, flags, NULL);
    int same = x != NULL && y != NULL && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

static struct bytes
read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *at = arena_alloc(arena, 1 << 20, 1);
    REQUIRE(file != NULL && at != NULL);
    size_t length = fread(at, 1, 1 << 20, file);
    fclose(file);
    return (struct bytes){at, length};
}

static void
check_file(struct warehouse *db, const char *path)
{
    struct arena *arena = fuzz_arena();
    struct error err = {0};
    struct bytes input = read_file(arena, path), back;
    struct frame *written = copied_frame(arena, input.at, input.length);
    struct bytes data = copied_bytes(arena, written);
    int64_t rows = 0;
    if (warehouse_run(db, "TRUNCATE copied", &err) != 0 ||
        warehouse_begin_with(db, "COPY copied (" COLUMNS ") FROM STDIN (FORMAT BINARY)", &err) !=
            0 ||
        warehouse_copy_begin(db, &err) != 0 || warehouse_copy_put(db, data, &err) != 0 ||
        warehouse_copy_end(db, &err) != 0 || warehouse_outcome(db, &rows, &err) != 0 ||
        warehouse_commit(db, &err) != 0 ||
        warehouse_copy_out(
            db, "COPY (SELECT " COLUMNS " FROM copied ORDER BY row) TO STDOUT (FORMAT BINARY)",
            OUT_LIMIT, &back, &err) != 0)
        fuzz_fail(err.message, path, 0);
    REQUIRE(rows == (int64_t)written->rows);
    require_same_rows(copied_read(arena, data), copied_read(arena, back), same_document);
    free((void *)(uintptr_t)back.at);
}

static size_t
check_folder(struct warehouse *db, const char *folder)
{
    size_t files = 0;
    char path[4096];
    const struct dirent *entry;
    DIR *open = opendir(folder);
    REQUIRE(open != NULL);
    while ((entry = readdir(open)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        /* An abort names the check that failed; this names the bytes. */
        printf("\r%s", path);
        fflush(stdout);
        check_file(db, path);
        files++;
    }
    closedir(open);
    return files;
}

int
main(int argc, char **argv)
{
    struct warehouse *db = NULL;
    struct error err = {0};
    size_t files = 0;
    postgres_start();
    if (warehouse_open("copy_postgres", 0, &db, &err) != 0 || warehouse_run(db, table, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    for (int i = 1; i < argc; i++)
        files += check_folder(db, argv[i]);
    warehouse_close(&db);
    printf("\r%zu files were read by PostgreSQL and given back the same\n", files);
    return 0;
}
