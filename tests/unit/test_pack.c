/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <math.h>

#include "check_main.h"

static struct arena *
open_arena(size_t limit)
{
    struct arena *arena;
    struct error err = {0};
    ck_ok(arena_open(&arena, limit, &err), err);
    return arena;
}

START_TEST(what_was_packed_is_unpacked)
{
    struct arena *arena = open_arena(1 << 20);
    struct packer p = {.arena = arena};
    struct bytes out;
    struct error err = {0};
    pack_u32(&p, 0x01020304);
    pack_u64(&p, UINT64_MAX - 1);
    pack_real(&p, -0.1);
    pack_bytes(&p, bytes_of("seven b"));
    for (uint32_t i = 0; i < 1000; i++)
        pack_u32(&p, i);
    ck_ok(pack_end(&p, &out, &err), err);
    ck_assert_uint_eq(out.at[0], 4);
    struct unpacker u = {.rest = out};
    ck_assert_uint_eq(unpack_u32(&u), 0x01020304);
    ck_assert_uint_eq(unpack_u64(&u), UINT64_MAX - 1);
    ck_assert(unpack_real(&u) == -0.1);
    ck_assert(bytes_equal_text(unpack_bytes(&u), "seven b"));
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(unpack_u32(&u), i);
    ck_ok(unpack_end(&u, "test", &err), err);
    arena_close(&arena);
}
END_TEST

START_TEST(a_full_arena_is_fatal_at_the_end)
{
    struct arena *arena = open_arena(1024);
    struct packer p = {.arena = arena};
    struct bytes out;
    struct error err = {0};
    for (uint32_t i = 0; i < 100000; i++)
        pack_u32(&p, i);
    ck_assert_int_eq(pack_end(&p, &out, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&arena);
}
END_TEST

START_TEST(missing_bytes_give_zeros_and_are_refused_at_the_end)
{
    const uint8_t three[] = {1, 2, 3};
    struct unpacker u = {.rest = {three, sizeof(three)}};
    struct error err = {0};
    ck_assert_uint_eq(unpack_u32(&u), 0);
    ck_assert_uint_eq(unpack_raw(&u, 1).length, 0);
    ck_assert_int_eq(unpack_end(&u, "test", &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_length_beyond_the_bytes_is_refused)
{
    const uint8_t hostile[] = {0xff, 0xff, 0xff, 0xff, 1};
    struct unpacker u = {.rest = {hostile, sizeof(hostile)}};
    struct error err = {0};
    ck_assert_uint_eq(unpack_bytes(&u).length, 0);
    ck_assert_int_eq(unpack_end(&u, "test", &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(bytes_left_over_are_refused)
{
    const uint8_t five[] = {1, 0, 0, 0, 9};
    struct unpacker u = {.rest = {five, sizeof(five)}};
    struct error err = {0};
    ck_assert_uint_eq(unpack_u32(&u), 1);
    ck_assert_int_eq(unpack_end(&u, "test", &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_number_that_is_not_finite_is_refused)
{
    const double nan = NAN;
    struct unpacker u = {.rest = {(const uint8_t *)&nan, sizeof(nan)}};
    struct error err = {0};
    ck_assert(unpack_real(&u) == 0);
    ck_assert_int_eq(unpack_end(&u, "test", &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

RUN_TESTS("pack", what_was_packed_is_unpacked, a_full_arena_is_fatal_at_the_end,
          missing_bytes_give_zeros_and_are_refused_at_the_end, a_length_beyond_the_bytes_is_refused,
          bytes_left_over_are_refused, a_number_that_is_not_finite_is_refused)
