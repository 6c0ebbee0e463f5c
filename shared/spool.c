/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LENGTH 4096

struct spool {
    FILE *file;
    size_t length; /* put so far */
    void *at;      /* NULL: not mapped */
    size_t mapped;
};

void
spool_close(struct spool **spool)
{
    struct spool *s = *spool;
    if (s == NULL)
        return;
    if (s->at != NULL)
        munmap(s->at, s->mapped);
    if (s->file != NULL)
        fclose(s->file);
    free(s);
    *spool = NULL;
}

static int
failed(struct error *err, const char *what)
{
    return error_set(err, ERROR_TRANSIENT, "%s: %s", what, strerror(errno));
}

int
spool_open(const char *folder, struct spool **out, struct error *err)
{
    char path[PATH_LENGTH];
    DEFER(spool_close) struct spool *spool = calloc(1, sizeof(*spool));
    if (spool == NULL)
        return error_memory(err, "spool");
    mkdir(folder, 0700); /* it may be there */
    if (snprintf(path, sizeof(path), "%s/spool-XXXXXX", folder) >= (int)sizeof(path))
        return error_set(err, ERROR_TRANSIENT, "the path of a spool in %s is too long", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return failed(err, path);
    unlink(path);
    spool->file = fdopen(fd, "w+");
    if (spool->file == NULL) {
        close(fd);
        return error_memory(err, "spool");
    }
    *out = spool;
    spool = NULL;
    return 0;
}

int
spool_put(struct spool *spool, struct bytes bytes, struct error *err)
{
    if (bytes.length > 0 && fwrite(bytes.at, bytes.length, 1, spool->file) != 1)
        return failed(err, "writing to a spool");
    spool->length += bytes.length;
    return 0;
}

/* A hole in the file would be found out by a signal when the disk is full, so there is none. */
int
spool_map(struct spool *spool, size_t more, uint8_t **at, size_t *length, struct error *err)
{
    size_t whole = spool->length + more, mapped = whole > 0 ? whole : 1;
    if (fflush(spool->file) != 0)
        return failed(err, "writing to a spool");
    errno = posix_fallocate(fileno(spool->file), 0, (off_t)mapped);
    if (errno != 0)
        return failed(err, "making room for a spool");
    void *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(spool->file), 0);
    if (map == MAP_FAILED)
        return failed(err, "mapping a spool");
    spool->at = map;
    spool->mapped = mapped;
    *at = map;
    *length = whole;
    return 0;
}
