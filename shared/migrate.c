/* migrate: the files compiled in, each at most once. The lock is taken inside each file's
 * transaction, so no way out can leave it held.
 * SPDX-License-Identifier: Apache-2.0 */
#include "migrate.h"

#include <string.h>

#include "digest.h"
#include "migrations.h"

#define LOCK_NOT_AVAILABLE "55P03"

/* Any number will do that nobody else locks. */
static const char take_lock[] = "SELECT pg_advisory_xact_lock(5566778899001)";

static const char ledger_sql[] =
    "CREATE SCHEMA IF NOT EXISTS ops;"
    "CREATE TABLE ops.migration ("
    "    file text PRIMARY KEY,"
    "    checksum text NOT NULL,"
    "    applied_at timestamptz NOT NULL DEFAULT now()"
    ");"
    "COMMENT ON TABLE ops.migration IS 'Which files of schemas/warehouse were applied';"
    "COMMENT ON COLUMN ops.migration.file IS 'File';"
    "COMMENT ON COLUMN ops.migration.checksum IS 'SHA-256 of the file as it was applied';"
    "COMMENT ON COLUMN ops.migration.applied_at IS 'When';";

static int
ledger_exists(struct warehouse *db, bool *exists, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(db, "SELECT to_regclass('ops.migration')", NULL, 0, &rows, err) != 0)
        return -1;
    *exists = rows_text(rows, 0, 0) != NULL;
    return 0;
}

static int
ledger_create(struct warehouse *db, struct error *err)
{
    bool exists = false;
    if (ledger_exists(db, &exists, err) != 0)
        return -1;
    return exists ? 0 : warehouse_run(db, ledger_sql, err);
}

static int
checksum_compare(const struct migration *migration, const char *applied, const char *checksum,
                 struct error *err)
{
    if (strcmp(applied, checksum) == 0)
        return 0;
    return error_refuse(err, "migrate.checksum", "",
                        "%s was changed after it had been applied (SHA-256 %.12s then, %.12s now); "
                        "write a new file instead",
                        migration->file, applied, checksum);
}

static int
apply_locked(struct warehouse *db, const struct migration *migration, bool *applied,
             struct error *err)
{
    char checksum[DIGEST_HEX];
    const char *const row[] = {migration->file, checksum};
    DEFER(rows_free) struct rows *found = NULL;
    digest_hex(bytes_of(migration->sql), checksum);
    if (warehouse_run(db, take_lock, err) != 0 || ledger_create(db, err) != 0 ||
        warehouse_query(db, "SELECT checksum FROM ops.migration WHERE file = $1", row, 1, &found,
                        err) != 0)
        return -1;
    if (rows_count(found) > 0)
        return checksum_compare(migration, rows_text(found, 0, 0), checksum, err);
    if (warehouse_run(db, migration->sql, err) != 0)
        return -1;
    *applied = true;
    return warehouse_query(db, "INSERT INTO ops.migration (file, checksum) VALUES ($1, $2)", row, 2,
                           NULL, err);
}

static int
apply(struct warehouse *db, const struct migration *migration, bool *applied, struct error *err)
{
    *applied = false;
    if (warehouse_begin(db, err) != 0)
        return -1;
    if (apply_locked(db, migration, applied, err) == 0 && warehouse_commit(db, err) == 0)
        return 0;
    warehouse_rollback(db);
    return -1;
}

/* lock_timeout has already waited before each new attempt. */
static int
apply_patiently(struct warehouse *db, const struct migration *migration, bool *applied,
                struct error *err)
{
    for (int attempt = 1;; attempt++) {
        struct error problem = {0};
        if (apply(db, migration, applied, &problem) == 0)
            return 0;
        bool again = strcmp(warehouse_sqlstate(db), LOCK_NOT_AVAILABLE) == 0;
        if (again && attempt < MIGRATE_ATTEMPTS)
            continue;
        *err = problem;
        return error_wrap(err, "migration %s", migration->file);
    }
}

int
migrate_run(struct warehouse *db, migrate_progress *progress, void *self, struct error *err)
{
    for (const struct migration *next = migrations; next->file != NULL; next++) {
        bool applied = false;
        if (apply_patiently(db, next, &applied, err) != 0)
            return -1;
        if (progress != NULL)
            progress(self, next->file, applied);
    }
    return 0;
}

static bool
listed(const struct rows *files, const char *file)
{
    for (size_t i = 0; i < rows_count(files); i++)
        if (strcmp(rows_text(files, i, 0), file) == 0)
            return true;
    return false;
}

int
migrate_pending(struct warehouse *db, size_t *count, struct error *err)
{
    bool exists = false;
    DEFER(rows_free) struct rows *files = NULL;
    if (ledger_exists(db, &exists, err) != 0)
        return -1;
    if (exists && warehouse_query(db, "SELECT file FROM ops.migration", NULL, 0, &files, err) != 0)
        return -1;
    size_t missing = 0;
    for (const struct migration *next = migrations; next->file != NULL; next++)
        missing += !exists || !listed(files, next->file);
    *count = missing;
    return 0;
}
