/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check_main.h"

static char folder[] = "/tmp/millrace-spool-XXXXXX";
static struct error err;

static size_t
files(void)
{
    size_t count = 0;
    DIR *open = opendir(folder);
    ck_assert_ptr_nonnull(open);
    for (const struct dirent *at; (at = readdir(open)) != NULL;)
        count += at->d_name[0] != '.';
    closedir(open);
    return count;
}

START_TEST(what_was_put_is_mapped_with_room_behind_it)
{
    struct spool *spool = NULL;
    uint8_t *at;
    size_t length;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_ok(spool_open(folder, &spool, &err), err);
    for (size_t i = 0; i < 100000; i++)
        ck_ok(spool_put(spool, (struct bytes){(const uint8_t *)&i, sizeof(i)}, &err), err);
    ck_ok(spool_put(spool, BYTES_NONE, &err), err);
    ck_ok(spool_map(spool, 5000, &at, &length, &err), err);
    ck_assert_uint_eq(length, 100000 * sizeof(size_t) + 5000);
    for (size_t i = 0; i < 100000; i++)
        ck_assert_int_eq(memcmp(at + i * sizeof(i), &i, sizeof(i)), 0);
    for (size_t i = length - 5000; i < length; i++)
        ck_assert_uint_eq(at[i]++, 0);
    ck_assert_uint_eq(files(), 0); /* it has no name, so nobody needs to clear it away */
    spool_close(&spool);
    spool_close(&spool);
    rmdir(folder);
}
END_TEST

START_TEST(nothing_at_all_is_mapped_too)
{
    struct spool *spool = NULL;
    uint8_t *at;
    size_t length;
    ck_ok(spool_open("/tmp", &spool, &err), err);
    ck_ok(spool_map(spool, 0, &at, &length, &err), err);
    ck_assert_uint_eq(length, 0);
    spool_close(&spool);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_transient)
{
    struct spool *spool = NULL;
    ck_assert_int_eq(spool_open("/proc/none", &spool, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_ptr_null(spool);
}
END_TEST

/* A file as long as may be stands for a full disk. */
START_TEST(a_full_disk_is_transient_and_no_signal)
{
    static const uint8_t block[4096];
    const struct rlimit limit = {1 << 20, 1 << 20};
    struct spool *spool = NULL;
    uint8_t *at;
    size_t length;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_ok(spool_open("/tmp", &spool, &err), err);
    ck_ok(spool_put(spool, (struct bytes){block, sizeof(block)}, &err), err);
    ck_assert_int_eq(spool_map(spool, 2 << 20, &at, &length, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    int put = 0;
    for (size_t i = 0; put == 0 && i < 1000; i++)
        put = spool_put(spool, (struct bytes){block, sizeof(block)}, &err);
    ck_assert_int_eq(put, -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    spool_close(&spool);
}
END_TEST

RUN_TESTS("spool", what_was_put_is_mapped_with_room_behind_it, nothing_at_all_is_mapped_too,
          a_folder_that_cannot_be_written_is_transient, a_full_disk_is_transient_and_no_signal)
