/* Tests of shared/number.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "number.h"

#include <math.h>
#include <stdio.h>

#define RANDOM_NUMBERS 20000

static uint64_t
next_random(uint64_t *state) /* xorshift64, Marsaglia 2003 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Where the number at the beginning of `text` ends; -1: there is none. The bytes are a block of
 * their own, so that ASan sees a read past them. */
static long
read_number(const char *text, struct number *out)
{
    size_t length = strlen(text);
    uint8_t *exact = malloc(length > 0 ? length : 1);
    memcpy(exact, text, length);
    const uint8_t *end = number_read(exact, exact + length, out);
    long read = end == NULL ? -1 : (long)(end - exact);
    free(exact);
    return read;
}

static void
assert_read_as_the_library_reads(const char *text)
{
    struct number number = {0};
    double expected = strtod(text, NULL);
    long read = read_number(text, &number);
    if (isinf(expected)) {
        ck_assert_msg(read == -1, "%s was read", text);
        return;
    }
    ck_assert_msg(read == (long)strlen(text), "%s was not read", text);
    ck_assert(number.integral == (strpbrk(text, ".eE") == NULL));
    double real = number.integral ? (double)number.integer : number.real;
    ck_assert_msg(memcmp(&real, &expected, sizeof(expected)) == 0, "%s is not %a", text, real);
}

static void
print_with_the_library(char out[64], double value, int digits_min, int digits_max, bool narrow)
{
    for (int digits = digits_min; digits <= digits_max; digits++) {
        snprintf(out, 64, "%.*g", digits, value);
        double back = strtod(out, NULL);
        if (narrow ? (float)back == (float)value : back == value)
            return;
    }
}

static bool
is_integral(double value)
{
    return value == trunc(value) && fabs(value) < 1e15;
}

static void
assert_printed_as_the_library_prints(double value)
{
    char out[NUMBER_LENGTH + 1] = "", expected[64];
    if (!isfinite(value) || is_integral(value))
        return;
    out[number_print_float64(out, value)] = '\0';
    print_with_the_library(expected, value, 15, 17, false);
    ck_assert_str_eq(out, expected);
    assert_read_as_the_library_reads(out);
}

static void
assert_float_printed_as_the_library_prints(float value)
{
    char out[NUMBER_LENGTH + 1] = "", expected[64];
    if (!isfinite(value) || is_integral((double)value))
        return;
    out[number_print_float32(out, value)] = '\0';
    print_with_the_library(expected, (double)value, 6, 9, true);
    ck_assert_str_eq(out, expected);
}

static void
assert_integer(int64_t value)
{
    char out[NUMBER_LENGTH + 1], expected[64];
    struct number number;
    out[number_print_int64(out, value)] = '\0';
    snprintf(expected, sizeof(expected), "%ld", (long)value);
    ck_assert_str_eq(out, expected);
    ck_assert_int_eq(read_number(out, &number), (long)strlen(out));
    ck_assert(number.integral);
    ck_assert_int_eq(number.integer, value);
}

START_TEST(integers_are_exact)
{
    uint64_t state = 5;
    for (int64_t value = 0; value < 10000; value++) {
        assert_integer(value);
        assert_integer(-value);
        assert_integer(value * 9999); /* each half of eight digits */
    }
    for (int64_t power = 10; power < INT64_MAX / 10; power *= 10)
        for (int64_t near = -1; near <= 1; near++)
            assert_integer(power + near);
    for (int i = 0; i < RANDOM_NUMBERS; i++)
        assert_integer((int64_t)(next_random(&state) >> next_random(&state) % 64));
    assert_integer(INT64_MAX);
    assert_integer(INT64_MIN);
}
END_TEST

START_TEST(short_integers_are_read_at_once)
{
    char text[32];
    int64_t read;
    for (int64_t value = 0; value < 10000000; value += value < 20000 ? 1 : 997) {
        snprintf(text, sizeof(text), "%ld,\"a\":1}", (long)value);
        const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
        const uint8_t *after = number_read_short(at, end, &read);
        ck_assert_ptr_eq(after, at + strspn(text, "0123456789"));
        ck_assert_int_eq(read, value);
    }
}
END_TEST

START_TEST(other_numbers_are_not_read_at_once)
{
    static const char *const texts[] = {
        "-1,\"a\":1}", "12345678,\"", "1.5,\"a\":1", "1e5,\"a\":1", "1E5,\"a\":1",
        "01,\"a\":1",  ",1234567",    "null,\"a\":", "1}",          "1234567"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t read = 7;
        const uint8_t *at = (const uint8_t *)texts[i];
        ck_assert_ptr_null(number_read_short(at, at + strlen(texts[i]), &read));
        ck_assert_int_eq(read, 7);
    }
}
END_TEST

START_TEST(what_is_no_number_is_declined)
{
    static const char *const texts[] = {"",    "-",        "+1",        "01", "-01", "00",
                                        ".5",  "1.",       "1.e5",      "1e", "1e+", "1E-",
                                        "NaN", "Infinity", "-Infinity", "x",  "--1"};
    struct number number;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(read_number(texts[i], &number) == -1, "%s was read", texts[i]);
}
END_TEST

START_TEST(what_no_type_holds_is_declined)
{
    static const char *const texts[] = {"9223372036854775808",
                                        "-9223372036854775809",
                                        "18446744073709551617",
                                        "99999999999999999999",
                                        "100000000000000000000",
                                        "1e309",
                                        "-1e400",
                                        "1.8e308",
                                        "1e99999999999999999999"};
    struct number number;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(read_number(texts[i], &number) == -1, "%s was read", texts[i]);
}
END_TEST

START_TEST(a_number_ends_where_its_characters_end)
{
    struct number number;
    ck_assert_int_eq(read_number("12,", &number), 2);
    ck_assert_int_eq(read_number("0x10", &number), 1);
    ck_assert_int_eq(read_number("1.5.5", &number), 3);
    ck_assert_int_eq(read_number("1e5e5", &number), 3);
}
END_TEST

START_TEST(zeros_keep_the_sign_that_json_gives_them)
{
    struct number number;
    ck_assert_int_eq(read_number("-0", &number), 2);
    ck_assert(number.integral && number.integer == 0);
    ck_assert_int_eq(read_number("-0.0", &number), 4);
    ck_assert(!number.integral && number.real == 0 && signbit(number.real));
    assert_read_as_the_library_reads("-0e5");
    assert_read_as_the_library_reads("0e999999");
}
END_TEST

START_TEST(hard_reals_are_read_as_the_library_reads_them)
{
    static const char *const texts[] = {"9007199254740993.0",
                                        "9007199254740992.5",
                                        "9007199254740995.0",
                                        "1e22",
                                        "1e23",
                                        "1e-22",
                                        "1.7976931348623157e308",
                                        "1.7976931348623158e308",
                                        "1.7976931348623159e308",
                                        "5e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "2.2250738585072011e-308",
                                        "2.2250738585072014e-308",
                                        "1e-400",
                                        "0.1",
                                        "123456789012345678901234567890.5e-10",
                                        "0.000000000000000000000000000000000000001",
                                        "6929495644600919.5",
                                        "3.7455744005952583e15",
                                        "7.3177701707893310e15",
                                        "9223372036854775808.0",
                                        "18446744073709551615.0e0",
                                        "0.500000000000000166533453693773481063544750213623046875"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_read_as_the_library_reads(texts[i]);
}
END_TEST

START_TEST(random_reals_are_read_as_the_library_reads_them)
{
    uint64_t state = 17;
    char text[64];
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        snprintf(text, sizeof(text), "%s%lu.%lue%d", next_random(&state) % 2 ? "-" : "",
                 (unsigned long)(next_random(&state) >> next_random(&state) % 64),
                 (unsigned long)(next_random(&state) >> next_random(&state) % 64),
                 (int)(next_random(&state) % 700) - 350);
        assert_read_as_the_library_reads(text);
    }
}
END_TEST

START_TEST(random_doubles_are_printed_as_the_library_prints_them)
{
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        uint64_t bits = next_random(&state);
        double value;
        memcpy(&value, &bits, sizeof(value));
        assert_printed_as_the_library_prints(value);
        assert_printed_as_the_library_prints((double)(bits % 1000000) / 1000);
        assert_printed_as_the_library_prints((double)(bits % 1000) / (double)(bits >> 40));
    }
}
END_TEST

START_TEST(doubles_at_the_edges_are_printed_as_the_library_prints_them)
{
    for (int exponent = -1074; exponent < 1024; exponent++)
        for (int i = 0; i < 8; i++) {
            double value = ldexp(1 + i / 8.0, exponent);
            assert_printed_as_the_library_prints(value);
            assert_printed_as_the_library_prints(-nextafter(value, 0));
            assert_printed_as_the_library_prints(nextafter(value, INFINITY));
        }
    for (int exponent = -307; exponent < 309; exponent++) {
        double value = pow(10, exponent);
        for (int i = 0; i < 4; i++, value = nextafter(value, INFINITY))
            assert_printed_as_the_library_prints(value);
    }
}
END_TEST

START_TEST(random_floats_are_printed_as_the_library_prints_them)
{
    uint64_t state = 42;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        uint32_t bits = (uint32_t)next_random(&state);
        float value;
        memcpy(&value, &bits, sizeof(value));
        assert_float_printed_as_the_library_prints(value);
        assert_float_printed_as_the_library_prints((float)(bits % 100000) / 1000);
    }
    for (int exponent = -149; exponent < 128; exponent++)
        assert_float_printed_as_the_library_prints(ldexpf(1, exponent));
}
END_TEST

RUN_TESTS("number", integers_are_exact, short_integers_are_read_at_once,
          other_numbers_are_not_read_at_once, what_is_no_number_is_declined,
          what_no_type_holds_is_declined, a_number_ends_where_its_characters_end,
          zeros_keep_the_sign_that_json_gives_them, hard_reals_are_read_as_the_library_reads_them,
          random_reals_are_read_as_the_library_reads_them,
          random_doubles_are_printed_as_the_library_prints_them,
          doubles_at_the_edges_are_printed_as_the_library_prints_them,
          random_floats_are_printed_as_the_library_prints_them)
