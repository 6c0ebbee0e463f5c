/* SPDX-License-Identifier: Apache-2.0 */
#include "artefact.h"

#include <assert.h>
#include <string.h>

#include "digest.h"
#include "pack.h"

#define MAGIC          "MILLRMDL"
#define FORMAT_VERSION 1
#define NAME_BYTES     (ARTEFACT_NAME_MAX + 1)
#define HEAD_BYTES     (sizeof(MAGIC) - 1 + 4 + 4)
#define ENTRY_BYTES    (NAME_BYTES + 8 + 8 + 32)

static void
pack_entry(struct packer *p, const struct section *section, uint64_t offset)
{
    assert(strlen(section->name) <= ARTEFACT_NAME_MAX);
    char name[NAME_BYTES] = {0};
    memcpy(name, section->name, strlen(section->name));
    pack_raw(p, (struct bytes){(const uint8_t *)name, sizeof(name)});
    pack_u64(p, offset);
    pack_u64(p, section->bytes.length);
    uint8_t digest[32];
    digest_sha256(section->bytes, digest);
    pack_raw(p, (struct bytes){digest, sizeof(digest)});
}

int
artefact_write(struct arena *arena, const struct section *section, size_t count, struct bytes *file,
               struct error *err)
{
    struct packer p = {.arena = arena};
    pack_raw(&p, bytes_of(MAGIC));
    pack_u32(&p, FORMAT_VERSION);
    pack_u32(&p, (uint32_t)count);
    uint64_t offset = HEAD_BYTES + count * ENTRY_BYTES;
    for (size_t i = 0; i < count; i++) {
        pack_entry(&p, &section[i], offset);
        offset += section[i].bytes.length;
    }
    for (size_t i = 0; i < count; i++)
        pack_raw(&p, section[i].bytes);
    struct bytes before;
    if (pack_end(&p, &before, err) != 0)
        return -1;
    uint8_t digest[32];
    digest_sha256(before, digest);
    pack_raw(&p, (struct bytes){digest, sizeof(digest)});
    if (p.length > ARTEFACT_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "the model file would have %zu bytes, the limit is %zu",
                         p.length, ARTEFACT_BYTES_MAX);
    return pack_end(&p, file, err);
}

static int
digest_matches(struct bytes bytes, struct bytes expected)
{
    uint8_t digest[32];
    digest_sha256(bytes, digest);
    return expected.length == sizeof(digest) && memcmp(digest, expected.at, sizeof(digest)) == 0;
}

/* Checks the length and the digest over all; *inner is what lies before that digest. */
static int
open_file(struct bytes file, size_t count, struct bytes *inner, struct error *err)
{
    size_t least = HEAD_BYTES + count * ENTRY_BYTES + 32;
    if (file.at == NULL || file.length < least || file.length > ARTEFACT_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "a model file has from %zu to %zu bytes, this has %zu",
                         least, ARTEFACT_BYTES_MAX, file.length);
    struct bytes before = {file.at, file.length - 32};
    if (!digest_matches(before, (struct bytes){file.at + before.length, 32}))
        return error_set(err, ERROR_INPUT, "the model file's SHA-256 does not match its bytes");
    *inner = before;
    return 0;
}

static int
read_entry(struct unpacker *u, struct bytes inner, uint64_t offset, struct section *section,
           struct error *err)
{
    struct bytes name = unpack_raw(u, NAME_BYTES);
    uint64_t at = unpack_u64(u), length = unpack_u64(u);
    struct bytes digest = unpack_raw(u, 32);
    char expected[NAME_BYTES] = {0};
    memcpy(expected, section->name, strlen(section->name));
    if (name.length != NAME_BYTES || memcmp(name.at, expected, NAME_BYTES) != 0)
        return error_set(err, ERROR_INPUT, "the model file lacks the section \"%s\"",
                         section->name);
    if (at != offset || length > inner.length - offset)
        return error_set(err, ERROR_INPUT, "the section \"%s\" lies outside of its place",
                         section->name);
    struct bytes bytes = {inner.at + offset, (size_t)length};
    if (!digest_matches(bytes, digest))
        return error_set(err, ERROR_INPUT, "the section \"%s\" does not match its SHA-256",
                         section->name);
    section->bytes = bytes;
    return 0;
}

int
artefact_read(struct bytes file, struct section *section, size_t count, struct error *err)
{
    struct bytes inner;
    if (open_file(file, count, &inner, err) != 0)
        return -1;
    struct unpacker u = {.rest = inner};
    if (!bytes_equal_text(unpack_raw(&u, sizeof(MAGIC) - 1), MAGIC))
        return error_set(err, ERROR_INPUT, "this is no model file");
    uint32_t version = unpack_u32(&u), found = unpack_u32(&u);
    if (version != FORMAT_VERSION)
        return error_set(err, ERROR_INPUT, "model file format %u is unknown, this program reads %d",
                         version, FORMAT_VERSION);
    if (found != count)
        return error_set(err, ERROR_INPUT, "the model file has %u sections, not %zu", found, count);
    uint64_t offset = HEAD_BYTES + count * ENTRY_BYTES;
    for (size_t i = 0; i < count; i++) {
        if (read_entry(&u, inner, offset, &section[i], err) != 0)
            return -1;
        offset += section[i].bytes.length;
    }
    if (offset != inner.length)
        return error_set(err, ERROR_INPUT, "%zu bytes of the model file belong to no section",
                         inner.length - (size_t)offset);
    return 0;
}
