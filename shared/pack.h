/* pack: numbers and bytes to and from the little-endian form of model files. The reader never looks
 * outside its bytes: after the first shortfall it answers zeros, and unpack_end tells.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PACK_H
#define MILLRACE_PACK_H

#include <stdbool.h>

#include "arena.h"

struct packer { /* start with { .arena = arena } */
    struct arena *arena;
    uint8_t *at;
    size_t length, capacity;
    bool failed; /* the arena ran out, or bytes were longer than 4 GiB */
};
void pack_u32(struct packer *, uint32_t);
void pack_u64(struct packer *, uint64_t);
void pack_real(struct packer *, double);        /* IEEE 754, 8 bytes */
void pack_raw(struct packer *, struct bytes);   /* without a length */
void pack_bytes(struct packer *, struct bytes); /* u32 length, then the bytes */
/* FATAL when anything before failed. */
int pack_end(const struct packer *, struct bytes *out, struct error *) MUST_CHECK;

struct unpacker { /* start with { .rest = bytes } */
    struct bytes rest;
    bool failed;
};
uint32_t unpack_u32(struct unpacker *);
uint64_t unpack_u64(struct unpacker *);
double unpack_real(struct unpacker *);                     /* fails on what is not finite */
struct bytes unpack_raw(struct unpacker *, size_t length); /* borrowed */
struct bytes unpack_bytes(struct unpacker *);              /* borrowed; at is never NULL */
/* INPUT unless everything was there and nothing is left over. */
int unpack_end(const struct unpacker *, const char *what, struct error *) MUST_CHECK;

#endif
