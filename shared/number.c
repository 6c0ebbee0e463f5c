/* number: decimal to binary and back, by one multiplication with a power of ten of 128 bits.
 *
 * That power is a little too small, by a known bound. Where the bound leaves no doubt, the result
 * is that of exact arithmetic; where it does, which random numbers almost never cause, the C
 * library decides. Reading is Clinger's fast path (PLDI 1990), then the product as in Lemire,
 * "Number parsing at a gigabyte per second" (2021); printing is the counted form of Loitsch's
 * Grisu3 (PLDI 2010).
 * SPDX-License-Identifier: Apache-2.0 */
#include "number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "doubles are not rounded twice");

typedef unsigned __int128 wide;

#define WIDE(high, low)   ((wide)(high) << 64 | (low))
#define INTEGRAL_MAX      1e15
#define EXACT_INTEGER_MAX (UINT64_C(1) << 53)
#define EXACT_POWER_MAX   22 /* 10^22 is a double, 10^23 is none */
#define DIGITS_MAX        19 /* so many always fit into 64 bits */
#define EXPONENT_MAX      400
#define COPIED_MAX        64

/* ---- powers of ten */
#define COARSE_STEP  27
#define COARSE_FIRST (-13)
#define COARSE_LAST  12

/* 10^(27 i) for i from -13 to 12, times the power of two that makes it 128 bits long, cut off. */
static const uint64_t coarse[COARSE_LAST - COARSE_FIRST + 1][2] = {
    {0x8049a4ac0c5811ae, 0x205b896d777d6278}, {0xcf42894a5dce35ea, 0x52064cac828675b9},
    {0xa76c582338ed2621, 0xaf2af2b80af6f24e}, {0x873e4f75e2224e68, 0x5a7744a6e804a291},
    {0xda7f5bf590966848, 0xaf39a475506a899e}, {0xb080392cc4349dec, 0xbd8d794d96aacfb3},
    {0x8e938662882af53e, 0x547eb47b7282ee9c}, {0xe65829b3046b0afa, 0x0cb4a5a3112a5112},
    {0xba121a4650e4ddeb, 0x92f34d62616ce413}, {0x964e858c91ba2655, 0x3a6a07f8d510f86f},
    {0xf2d56790ab41c2a2, 0xfae27299423fb9c3}, {0xc428d05aa4751e4c, 0xaa97e14c3c26b886},
    {0x9e74d1b791e07e48, 0x775ea264cf55347d}, {0x8000000000000000, 0x0000000000000000},
    {0xcecb8f27f4200f3a, 0x0000000000000000}, {0xa70c3c40a64e6c51, 0x999090b65f67d924},
    {0x86f0ac99b4e8dafd, 0x69a028bb3ded71a3}, {0xda01ee641a708de9, 0xe80e6f4820cc9495},
    {0xb01ae745b101e9e4, 0x5ec05dcff72e7f8f}, {0x8e41ade9fbebc27d, 0x14588f13be847307},
    {0xe5d3ef282a242e81, 0x8f1668c8a86da5fa}, {0xb9a74a0637ce2ee1, 0x6d953e2bd7173692},
    {0x95f83d0a1fb69cd9, 0x4abdaf101564f98e}, {0xf24a01a73cf2dccf, 0xbc633b39673c8cec},
    {0xc3b8358109e84f07, 0x0a862f80ec4700c8}, {0x9e19db92b4e31ba9, 0x6c07a2c26a8346d1},
};
/* 5^i */
static const uint64_t five[COARSE_STEP] = {
    1,
    5,
    25,
    125,
    625,
    3125,
    15625,
    78125,
    390625,
    1953125,
    9765625,
    48828125,
    244140625,
    1220703125,
    6103515625,
    30517578125,
    152587890625,
    762939453125,
    3814697265625,
    19073486328125,
    95367431640625,
    476837158203125,
    2384185791015625,
    11920928955078125,
    59604644775390625,
    298023223876953125,
    1490116119384765625,
};

struct power {
    wide digits;  /* from 2^127 on */
    int exponent; /* 10^k is digits times 2^exponent, digits being less than 3 too small */
};

/* k from -351 to 350. */
static struct power
power_of_ten(int k)
{
    int step = (k - COARSE_FIRST * COARSE_STEP) / COARSE_STEP;
    uint64_t factor = five[k - (step + COARSE_FIRST) * COARSE_STEP];
    wide low = (wide)coarse[step][1] * factor;
    wide high = (wide)coarse[step][0] * factor + (low >> 64);
    uint64_t top = (uint64_t)(high >> 64), rest = (uint64_t)low;
    int log2 = (k * 217706) >> 16; /* of 10^k, rounded down */
    if (top == 0)
        return (struct power){high << 64 | rest, log2 - 127};
    int shift = __builtin_clzll(top);
    return (struct power){high << shift | rest >> (64 - shift), log2 - 127};
}

/* The upper 128 of the product's 192 bits. */
static wide
multiply(wide a, uint64_t b)
{
    return (a >> 64) * b + ((wide)(uint64_t)a * b >> 64);
}

/* ---- reading */
static double
double_of(uint64_t mantissa, int exponent)
{
    uint64_t bits = (uint64_t)exponent << 52 | (mantissa & (EXACT_INTEGER_MAX / 2 - 1));
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* digits times 10^k, rounded to nearest; false: not sure, or no normal double. The product is less
 * than 8 too small. */
static bool
scale(uint64_t digits, int k, double *out)
{
    struct power power = power_of_ten(k);
    int zeros = __builtin_clzll(digits);
    wide product = multiply(power.digits, digits << zeros);
    int exponent = power.exponent + 64 - zeros;
    if (product >> 127 == 0) {
        product <<= 1;
        exponent--;
    }
    wide half = (wide)1 << 74, rest = product & (2 * half - 1);
    if (rest <= half && half - rest <= 8)
        return false;
    uint64_t mantissa = (uint64_t)(product >> 75) + (rest > half);
    exponent += 75 + 52 + 1023;
    if (mantissa == EXACT_INTEGER_MAX)
        exponent++;
    if (exponent < 1 || exponent > 2046)
        return false;
    *out = double_of(mantissa, exponent);
    return true;
}

static bool
read_exactly(uint64_t digits, int k, double *out)
{
    static const double power[EXACT_POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (digits > EXACT_INTEGER_MAX || k < -EXACT_POWER_MAX || k > EXACT_POWER_MAX)
        return digits != 0 && k >= -330 && k <= 308 && scale(digits, k, out);
    *out = k < 0 ? (double)digits / power[-k] : (double)digits * power[k];
    return true;
}

static const uint8_t *
read_by_library(const uint8_t *start, const uint8_t *end, struct number *out)
{
    char copy[COPIED_MAX];
    size_t length = (size_t)(end - start);
    if (length >= sizeof(copy))
        return NULL;
    memcpy(copy, start, length);
    copy[length] = '\0';
    out->real = strtod(copy, NULL);
    return isfinite(out->real) ? end : NULL;
}

static bool
is_digit(const uint8_t *at, const uint8_t *end)
{
    return at < end && (uint8_t)(*at - '0') <= 9;
}

/* Adds the digits at `at` to *digits, which wraps past 19 of them. */
static const uint8_t *
read_digits(const uint8_t *at, const uint8_t *end, uint64_t *digits)
{
    uint64_t sum = *digits;
    for (; is_digit(at, end); at++)
        sum = 10 * sum + (uint8_t)(*at - '0');
    *digits = sum;
    return at;
}

/* At the letter e. NULL: no digits follow. What is far beyond a double's range stays there. */
static const uint8_t *
read_exponent(const uint8_t *at, const uint8_t *end, int *exponent)
{
    at++;
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (!is_digit(at, end))
        return NULL;
    int sum = 0;
    for (; is_digit(at, end); at++)
        if (sum < EXPONENT_MAX)
            sum = 10 * sum + (*at - '0');
    *exponent = negative ? -sum : sum;
    return at;
}

/* From the point or the letter e on; `digits` are those before it, which begin at `first`. */
static const uint8_t *
read_real(const uint8_t *start, const uint8_t *first, const uint8_t *at, const uint8_t *end,
          uint64_t digits, struct number *out)
{
    ptrdiff_t count = at - first, fraction = 0;
    int exponent = 0;
    if (*at == '.') {
        const uint8_t *point = at;
        at = read_digits(at + 1, end, &digits);
        fraction = at - point - 1;
        if (fraction == 0)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        at = read_exponent(at, end, &exponent);
    if (at == NULL)
        return NULL;
    out->integral = false;
    if (count + fraction > DIGITS_MAX ||
        !read_exactly(digits, exponent - (int)fraction, &out->real))
        return read_by_library(start, at, out);
    if (start != first)
        out->real = -out->real;
    return at;
}

static const uint8_t *
finish_integer(const uint8_t *first, const uint8_t *at, uint64_t digits, bool negative,
               struct number *out)
{
    if (at - first > DIGITS_MAX || digits > (uint64_t)INT64_MAX + negative)
        return NULL;
    out->integral = true;
    out->integer = (int64_t)(negative ? 0 - digits : digits);
    return at;
}

const uint8_t *
number_read(const uint8_t *at, const uint8_t *end, struct number *out)
{
    const uint8_t *start = at;
    bool negative = at < end && *at == '-';
    const uint8_t *first = at + negative;
    uint64_t digits = 0;
    at = read_digits(first, end, &digits);
    if (at == first || (*first == '0' && at - first > 1))
        return NULL;
    if (at < end && (*at == '.' || *at == 'e' || *at == 'E'))
        return read_real(start, first, at, end, digits, out);
    return finish_integer(first, at, digits, negative, out);
}

/* ---- printing */
struct format { /* of a binary number, and how many digits its shortest form may have */
    int bits, digits_min, digits_max;
};
static const struct format float64 = {53, 15, 17}, float32 = {24, 6, 9};

struct decimal { /* digits times 10^(exponent - precision + 1) */
    uint64_t digits;
    int precision; /* how many digits there are, zeros at the end included */
    int exponent;  /* of the first digit */
};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

/* The decimal digits of `value`, ending just before `end`; where they begin. */
static char *
print_backwards(char *end, uint64_t value)
{
    for (; value >= 100; value /= 100)
        memcpy(end -= 2, pairs + 2 * (value % 100), 2);
    if (value >= 10)
        return memcpy(end - 2, pairs + 2 * value, 2);
    *--end = (char)('0' + value);
    return end;
}

static const uint64_t ten_to[] = {1,
                                  10,
                                  100,
                                  1000,
                                  10000,
                                  100000,
                                  1000000,
                                  10000000,
                                  100000000,
                                  1000000000,
                                  10000000000,
                                  100000000000,
                                  1000000000000,
                                  10000000000000,
                                  100000000000000,
                                  1000000000000000,
                                  10000000000000000,
                                  100000000000000000,
                                  1000000000000000000,
                                  10000000000000000000u};

static size_t
count_digits(uint64_t value)
{
    size_t count = (size_t)(64 - __builtin_clzll(value | 1)) * 1233 >> 12; /* or one more */
    return count + (value >= ten_to[count] || value == 0);
}

size_t
number_print_long(char out[NUMBER_LENGTH], int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t length = count_digits(rest) + (value < 0);
    *out = '-';
    print_backwards(out + length, rest);
    return length;
}

/* 1: `digits` digits of `scaled` are enough to read the number back; 0: they are not; -1: too close
 * to tell. Both `scaled` and `half`, half the distance between neighbouring numbers, have 64 bits
 * after the point and are less than `doubt` / 2 too small; `unit` is what the last digit is worth.
 */
static int
try_digits(wide scaled, wide half, bool narrow_below, uint64_t unit, wide doubt, uint64_t *rounded)
{
    uint64_t quotient = (uint64_t)(scaled >> 64) / unit;
    wide down = scaled - ((wide)(quotient * unit) << 64), up = ((wide)unit << 64) - down;
    wide between = down > up ? down - up : up - down;
    if (between <= 2 * doubt)
        return -1;
    bool rounds_down = down < up;
    wide distance = rounds_down ? down : up;
    wide limit = rounds_down && narrow_below ? half / 2 : half;
    *rounded = quotient + !rounds_down;
    if (distance + doubt < limit)
        return 1;
    return distance > limit + doubt ? 0 : -1;
}

/* The shortest decimal that reads back as mantissa times 2^exponent; false: not sure. The mantissa
 * has as many bits as the format. */
static bool
find_shortest(uint64_t mantissa, int exponent, const struct format *format, struct decimal *out)
{
    uint64_t limit = ten_to[format->digits_max];
    int first = ((exponent + format->bits - 1) * 315653) >> 20; /* log10, or one less */
    struct power power = power_of_ten(format->digits_max - 1 - first);
    wide product = multiply(power.digits, mantissa << (64 - format->bits));
    wide scaled = product >> -(power.exponent + exponent + format->bits + 64);
    if (scaled >> 64 >= limit) {
        first++;
        power = power_of_ten(format->digits_max - 1 - first);
        product = multiply(power.digits, mantissa << (64 - format->bits));
        scaled = product >> -(power.exponent + exponent + format->bits + 64);
    }
    wide half = power.digits >> -(power.exponent + exponent + 63);
    /* A float32 is read as a double that is rounded once more, at 2^-29 of the distance. */
    wide doubt = format->bits == float32.bits ? half >> 20 : 8;
    bool narrow_below = mantissa == UINT64_C(1) << (format->bits - 1);
    uint64_t unit = ten_to[format->digits_max - format->digits_min];
    for (int digits = format->digits_min; digits <= format->digits_max; digits++, unit /= 10) {
        int enough = try_digits(scaled, half, narrow_below, unit, doubt, &out->digits);
        if (enough < 0)
            return false;
        if (enough == 0)
            continue;
        bool carried = out->digits == limit / unit;
        out->digits = carried ? out->digits / 10 : out->digits;
        out->precision = digits;
        out->exponent = first + carried;
        return true;
    }
    return false;
}

static size_t
print_exponent(char *out, int exponent)
{
    char *at = out;
    unsigned int rest = (unsigned int)(exponent < 0 ? -exponent : exponent);
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (rest >= 100)
        *at++ = (char)('0' + rest / 100);
    memcpy(at, pairs + (rest % 100) * 2, 2);
    return (size_t)(at + 2 - out);
}

/* As %.<precision>g. */
static size_t
print_decimal(char *out, struct decimal decimal)
{
    char digits[NUMBER_LENGTH], *end = digits + sizeof(digits), *at = out;
    int precision = decimal.precision, exponent = decimal.exponent;
    for (uint64_t step = 100000000; step > 1; step = step == 10 ? 1 : step == 100 ? 10 : step / 100)
        if (decimal.digits % step == 0)
            decimal.digits /= step;
    const char *first = print_backwards(end, decimal.digits);
    int length = (int)(end - first);
    bool scientific = exponent < -4 || exponent >= precision;
    int before = scientific ? 1 : exponent + 1; /* digits before the point */
    if (before <= 0) {
        memcpy(at, "0.0000", 6);
        at += 2 - before;
        before = 0;
    }
    int whole = before < length ? before : length;
    memcpy(at, first, (size_t)whole);
    at += whole;
    memset(at, '0', (size_t)(before - whole));
    at += before - whole;
    if (length > whole) {
        if (whole > 0)
            *at++ = '.';
        memcpy(at, first + whole, (size_t)(length - whole));
        at += length - whole;
    }
    if (scientific)
        at += print_exponent(at, exponent);
    return (size_t)(at - out);
}

static size_t
print_by_library(char *out, double value, const struct format *format)
{
    int length = 0;
    for (int digits = format->digits_min; digits <= format->digits_max; digits++) {
        length = snprintf(out, NUMBER_LENGTH, "%.*g", digits, value);
        double back = strtod(out, NULL);
        if (format->bits == float32.bits ? (float)back == (float)value : back == value)
            break;
    }
    return (size_t)length;
}

/* Integral and small enough: printed without a search. */
static bool
is_easy(double value)
{
    return value > -INTEGRAL_MAX && value < INTEGRAL_MAX && (double)(int64_t)value == value;
}

static size_t
print_easy(char *out, double value)
{
    if (value != 0 || !signbit(value))
        return number_print_int64(out, (int64_t)value);
    memcpy(out, "-0.0", 4);
    return 4;
}

/* `biased` is the exponent's field: a denormal, 0 there, has fewer bits than the rest. */
static size_t
print_real(char *out, double value, uint64_t mantissa, int biased, int exponent,
           const struct format *format)
{
    struct decimal decimal;
    if (biased == 0 || !find_shortest(mantissa, exponent, format, &decimal))
        return print_by_library(out, value, format);
    if (signbit(value))
        *out = '-';
    size_t sign = signbit(value) ? 1 : 0;
    return sign + print_decimal(out + sign, decimal);
}

size_t
number_print_float64(char out[NUMBER_LENGTH], double value)
{
    if (is_easy(value))
        return print_easy(out, value);
    uint64_t bits, hidden = EXACT_INTEGER_MAX / 2;
    memcpy(&bits, &value, sizeof(bits));
    int biased = (int)(bits >> 52 & 0x7FF);
    return print_real(out, value, (bits & (hidden - 1)) | hidden, biased, biased - 1023 - 52,
                      &float64);
}

size_t
number_print_float32(char out[NUMBER_LENGTH], float value)
{
    if (is_easy((double)value))
        return print_easy(out, (double)value);
    uint32_t bits, hidden = UINT32_C(1) << 23;
    memcpy(&bits, &value, sizeof(bits));
    int biased = (int)(bits >> 23 & 0xFF);
    return print_real(out, (double)value, (bits & (hidden - 1)) | hidden, biased, biased - 127 - 23,
                      &float32);
}
