/* number: numbers as JSON writes them, exact both ways. The usual ones take a few multiplications;
 * what those cannot decide is left to strtod and printf, which speak JSON because no program here
 * leaves the C locale.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_NUMBER_H
#define MILLRACE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number {
    bool integral;   /* written without fraction and exponent: `integer`, else `real` */
    int64_t integer; /* "-0" is 0 */
    double real;     /* the nearest double; "-0.0" is minus zero */
};
/* Reads the JSON number at `at` and returns where it ends. NULL: there is none, it is an integer
 * beyond int64 or a real beyond double, or it is too long to be looked at here. */
const uint8_t *number_read(const uint8_t *at, const uint8_t *end, struct number *out);

#define NUMBER_LENGTH 32 /* room that a printer needs; each returns what it used, no NUL counted   \
                          */
size_t number_print_int64(char out[NUMBER_LENGTH], int64_t);
/* Finite values only. Shortest of %.15g, %.16g, %.17g that reads back the same bits; integral
 * values below 10^15 as integers, minus zero as -0.0. */
size_t number_print_float64(char out[NUMBER_LENGTH], double);
/* The same of %.6g to %.9g, for values read as float64 and narrowed. */
size_t number_print_float32(char out[NUMBER_LENGTH], float);

#endif
