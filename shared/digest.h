/* digest: SHA-256 and the project's one non-cryptographic hash. The only file with OpenSSL.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_DIGEST_H
#define MILLRACE_DIGEST_H

#include <stdint.h>

#include "arena.h"

#define DIGEST_HEX 65 /* 64 lower-case hex digits and NUL */
void digest_sha256(struct bytes, uint8_t out[32]);
void digest_hex(struct bytes, char out[DIGEST_HEX]); /* of the SHA-256 */
/* The same of bytes that come piece by piece; ended it is gone. */
struct digest;
struct digest *digest_begin(void);
void digest_add(struct digest *, struct bytes);
void digest_end(struct digest **, char out[DIGEST_HEX]);
void digest_forget(struct digest **);
/* INPUT: the file cannot be read. */
int digest_file_hex(const char *path, char out[DIGEST_HEX], struct error *) MUST_CHECK;

/* MurmurHash2 as Kafka's Java client computes it (seed 0x9747b28c), and its placement
 * toPositive(hash) % partitions. */
uint32_t murmur2(struct bytes);
int32_t murmur2_partition(struct bytes key, int32_t partitions);

/* The first 8 bytes, big-endian, of SHA-256(seed in decimal, ':', bytes): for splits and samples;
 * stable for ever. */
uint64_t digest_seeded(uint64_t seed, struct bytes);

#endif
