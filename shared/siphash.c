/* siphash: see the header; names are the paper's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t
rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void
rounds(uint64_t v[4], int count)
{
    while (count-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static void
compress(uint64_t v[4], uint64_t m)
{
    v[3] ^= m;
    rounds(v, 2);
    v[0] ^= m;
}

uint64_t
siphash(const uint64_t secret[2], struct bytes bytes)
{
    uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
                     secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
    size_t whole = bytes.length / 8 * 8;
    uint64_t word;
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, bytes.at + i, 8);
        compress(v, le64toh(word));
    }
    word = 0;
    if (bytes.length > whole)
        memcpy(&word, bytes.at + whole, bytes.length - whole);
    compress(v, le64toh(word) | (uint64_t)bytes.length << 56);
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
