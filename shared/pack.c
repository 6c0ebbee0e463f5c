/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <math.h>
#include <string.h>

static uint8_t *
pack_room(struct packer *p, size_t length)
{
    if (p->failed)
        return NULL;
    if (p->capacity - p->length < length) {
        size_t capacity = p->capacity < 256 ? 256 : p->capacity;
        while (capacity - p->length < length && capacity <= SIZE_MAX / 2)
            capacity *= 2;
        uint8_t *grown = NULL;
        if (capacity - p->length >= length)
            grown = arena_alloc(p->arena, capacity, 1);
        if (grown == NULL) {
            p->failed = true;
            return NULL;
        }
        if (p->length > 0)
            memcpy(grown, p->at, p->length);
        p->at = grown;
        p->capacity = capacity;
    }
    uint8_t *room = p->at + p->length;
    p->length += length;
    return room;
}

static void
pack_number(struct packer *p, uint64_t value, size_t width)
{
    uint8_t *room = pack_room(p, width);
    for (size_t i = 0; room != NULL && i < width; i++)
        room[i] = (uint8_t)(value >> (8 * i));
}

void
pack_u32(struct packer *p, uint32_t value)
{
    pack_number(p, value, 4);
}

void
pack_u64(struct packer *p, uint64_t value)
{
    pack_number(p, value, 8);
}

void
pack_real(struct packer *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    pack_u64(p, bits);
}

void
pack_raw(struct packer *p, struct bytes bytes)
{
    uint8_t *room = pack_room(p, bytes.length);
    if (room != NULL && bytes.length > 0)
        memcpy(room, bytes.at, bytes.length);
}

void
pack_bytes(struct packer *p, struct bytes bytes)
{
    if (bytes.length > UINT32_MAX) {
        p->failed = true;
        return;
    }
    pack_u32(p, (uint32_t)bytes.length);
    pack_raw(p, bytes);
}

int
pack_end(const struct packer *p, struct bytes *out, struct error *err)
{
    if (p->failed)
        return error_memory(err, "model file");
    static const uint8_t nothing[1];
    *out = (struct bytes){p->at != NULL ? p->at : nothing, p->length};
    return 0;
}

struct bytes
unpack_raw(struct unpacker *u, size_t length)
{
    static const uint8_t nothing[1];
    if (u->failed || u->rest.length < length) {
        u->failed = true;
        return (struct bytes){nothing, 0};
    }
    if (length == 0)
        return (struct bytes){nothing, 0};
    struct bytes taken = {u->rest.at, length};
    u->rest.at += length;
    u->rest.length -= length;
    return taken;
}

static uint64_t
unpack_number(struct unpacker *u, size_t width)
{
    struct bytes taken = unpack_raw(u, width);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.length; i++)
        value |= (uint64_t)taken.at[i] << (8 * i);
    return value;
}

uint32_t
unpack_u32(struct unpacker *u)
{
    return (uint32_t)unpack_number(u, 4);
}

uint64_t
unpack_u64(struct unpacker *u)
{
    return unpack_number(u, 8);
}

double
unpack_real(struct unpacker *u)
{
    uint64_t bits = unpack_u64(u);
    double value;
    memcpy(&value, &bits, sizeof(value));
    if (isfinite(value))
        return value;
    u->failed = true;
    return 0;
}

struct bytes
unpack_bytes(struct unpacker *u)
{
    return unpack_raw(u, unpack_u32(u));
}

int
unpack_end(const struct unpacker *u, const char *what, struct error *err)
{
    if (u->failed)
        return error_set(err, ERROR_INPUT, "%s: bytes are missing or a number is not finite", what);
    if (u->rest.length > 0)
        return error_set(err, ERROR_INPUT, "%s: %zu bytes too many", what, u->rest.length);
    return 0;
}
