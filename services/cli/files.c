/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

int
file_read(const char *path, size_t limit, struct arena *arena, struct bytes *out, struct error *err)
{
    DEFER(close_file) FILE *file = fopen(path, "re");
    struct stat about;
    if (file == NULL || fstat(fileno(file), &about) != 0)
        return error_set(err, ERROR_INPUT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return error_set(err, ERROR_INPUT, "%s is no file", path);
    if ((uint64_t)about.st_size > limit)
        return error_set(err, ERROR_INPUT, "%s has %lld bytes, the limit is %zu", path,
                         (long long)about.st_size, limit);
    size_t length = (size_t)about.st_size;
    uint8_t *at = arena_alloc(arena, length + 1, 1);
    if (at == NULL)
        return error_memory(err, path);
    if (fread(at, 1, length, file) != length)
        return error_set(err, ERROR_INPUT, "%s became shorter while it was read", path);
    *out = (struct bytes){at, length};
    return 0;
}

int
file_begin(const char *path, struct file *file, struct error *err)
{
    *file = (struct file){0};
    if ((size_t)snprintf(file->path, sizeof(file->path), "%s", path) >= sizeof(file->path) ||
        (size_t)snprintf(file->part, sizeof(file->part), "%s.part", path) >= sizeof(file->part))
        return error_set(err, ERROR_INPUT, "the path is too long: %.200s", path);
    file->out = fopen(file->part, "we");
    if (file->out == NULL)
        return error_set(err, ERROR_INPUT, "%s: %s", file->part, strerror(errno));
    return 0;
}

void
file_drop(struct file *file)
{
    if (file->out == NULL)
        return;
    fclose(file->out);
    unlink(file->part);
    file->out = NULL;
}

int
file_end(struct file *file, struct error *err)
{
    bool failed = fflush(file->out) != 0 || ferror(file->out) || fsync(fileno(file->out)) != 0 ||
                  rename(file->part, file->path) != 0;
    if (failed) {
        error_set(err, ERROR_TRANSIENT, "%s: %s", file->path, strerror(errno));
        file_drop(file);
        return -1;
    }
    fclose(file->out);
    file->out = NULL;
    return 0;
}
