/* number: numbers as JSON writes them, exact both ways. The usual ones take a few multiplications;
 * what those cannot decide is left to strtod and printf, which speak JSON because no program here
 * leaves the C locale.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_NUMBER_H
#define MILLRACE_NUMBER_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct number {
    bool integral;   /* written without fraction and exponent: `integer`, else `real` */
    int64_t integer; /* "-0" is 0 */
    double real;     /* the nearest double; "-0.0" is minus zero */
};
/* Reads the JSON number at `at` and returns where it ends. NULL: there is none, it is an integer
 * beyond int64 or a real beyond double, or it is too long to be looked at here. */
const uint8_t *number_read(const uint8_t *at, const uint8_t *end, struct number *out);

/* The usual integer, of one to seven digits and no sign, looked at all at once. NULL: it is another
 * number, or none. */
static inline const uint8_t *
number_read_short(const uint8_t *at, const uint8_t *end, int64_t *out)
{
    const uint64_t one = 0x0101010101010101u;
    uint64_t eight, other;
    if (end - at < (ptrdiff_t)sizeof(eight))
        return NULL;
    memcpy(&eight, at, sizeof(eight));
    eight = le64toh(eight) ^ '0' * one;
    other = ((eight + (0x80 - 10) * one) | eight) & 0x80 * one; /* bytes that are no digits */
    int bits = other != 0 ? __builtin_ctzll(other) & ~7 : 64;
    if (bits == 0 || bits == 64)
        return NULL;
    const uint8_t *after = at + bits / 8;
    if (*after == '.' || (*after | 0x20) == 'e' || (bits > 8 && *at == '0'))
        return NULL;
    eight <<= 64 - bits; /* zeros before the first digit */
    eight = eight * (1 + (10 << 8)) >> 8 & 0x00FF00FF00FF00FFu;
    eight = eight * (1 + (100 << 16)) >> 16 & 0x0000FFFF0000FFFFu;
    *out = (int64_t)(eight * (1 + (UINT64_C(10000) << 32)) >> 32);
    return after;
}

/* Printers need NUMBER_LENGTH bytes of room and return how many of them are the number's; no NUL
 * follows. */
#define NUMBER_LENGTH 32
size_t number_print_long(char out[NUMBER_LENGTH], int64_t);
/* Below 10^8: all eight digits at once, each pair halved in its own lane, then zeros cut off. */
static inline size_t
number_print_short(char *out, uint32_t value)
{
    uint64_t lanes = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t upper = lanes * 10486 >> 20 & 0x0000007F0000007Fu; /* lanes / 100 */
    lanes = (lanes - 100 * upper) << 16 | upper;
    upper = lanes * 103 >> 10 & 0x000F000F000F000Fu; /* lanes / 10 */
    uint64_t digits = (lanes - 10 * upper) << 8 | upper;
    int zeros = __builtin_ctzll(digits | UINT64_C(1) << 56) & ~7;
    digits = htole64((digits >> zeros) + 0x3030303030303030u);
    memcpy(out, &digits, sizeof(digits));
    return 8 - (size_t)zeros / 8;
}
static inline size_t
number_print_int64(char out[NUMBER_LENGTH], int64_t value)
{
    if (value >= 0 && value < 100000000)
        return number_print_short(out, (uint32_t)value);
    return number_print_long(out, value);
}
/* Finite values only. Shortest of %.15g, %.16g, %.17g that reads back the same bits; integral
 * values below 10^15 as integers, minus zero as -0.0. */
size_t number_print_float64(char out[NUMBER_LENGTH], double);
/* The same of %.6g to %.9g, for values read as float64 and narrowed. */
size_t number_print_float32(char out[NUMBER_LENGTH], float);

#endif
