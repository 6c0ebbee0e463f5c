/* Tests of shared/character.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "character.h"
#include "check_main.h"

#include <string.h>

static bool
valid(const char *text)
{
    return characters_valid(bytes_of(text));
}

START_TEST(every_code_point_but_surrogates_is_valid)
{
    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        uint8_t at[4];
        size_t n = 0;
        if (c < 0x80) {
            at[n++] = (uint8_t)c;
        } else if (c < 0x800) {
            at[n++] = (uint8_t)(0xC0 | c >> 6);
            at[n++] = (uint8_t)(0x80 | (c & 0x3F));
        } else if (c < 0x10000) {
            at[n++] = (uint8_t)(0xE0 | c >> 12);
            at[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
            at[n++] = (uint8_t)(0x80 | (c & 0x3F));
        } else {
            at[n++] = (uint8_t)(0xF0 | c >> 18);
            at[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
            at[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
            at[n++] = (uint8_t)(0x80 | (c & 0x3F));
        }
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        ck_assert_uint_eq(character_length(at, n), surrogate ? 0 : n);
    }
}
END_TEST

START_TEST(overlong_forms_are_invalid)
{
    ck_assert(!valid("\xC0\x80"));
    ck_assert(!valid("\xC1\xBF"));
    ck_assert(!valid("\xE0\x9F\xBF"));
    ck_assert(!valid("\xF0\x8F\xBF\xBF"));
}
END_TEST

START_TEST(code_points_above_the_last_are_invalid)
{
    ck_assert(!valid("\xF4\x90\x80\x80"));
    ck_assert(!valid("\xF5\x80\x80\x80"));
    ck_assert(!valid("\xFF"));
}
END_TEST

START_TEST(a_character_cut_short_is_invalid)
{
    ck_assert(!valid("abcdefgh\xE2\x82"));
    ck_assert(!valid("\xF0\x9F\x98"));
    ck_assert(!valid("\xC3"));
}
END_TEST

START_TEST(a_lone_continuation_is_invalid_wherever_it_stands)
{
    for (size_t i = 0; i < 20; i++) {
        char text[21] = "aaaaaaaaaaaaaaaaaaaa";
        text[i] = (char)0x80;
        ck_assert(!valid(text));
    }
}
END_TEST

START_TEST(nul_is_valid_but_cannot_be_stored)
{
    struct bytes text = {(const uint8_t *)"a\0b", 3};
    ck_assert(characters_valid(text));
    ck_assert(!characters_storable(text));
    ck_assert(characters_storable(bytes_of("ab")));
    ck_assert(characters_storable(BYTES_NONE));
}
END_TEST

START_TEST(repairing_replaces_what_cannot_be_stored_and_nothing_else)
{
    struct error err = {0};
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, 1 << 20, &err), err);
    struct bytes broken = {(const uint8_t *)"\xC3\xA9\0z\xFF\xE2\x82", 7};
    struct bytes repaired = characters_repair(arena, broken);
    ck_assert(
        bytes_equal_text(repaired, "\xC3\xA9\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
    arena_close(&arena);
}
END_TEST

START_TEST(good_text_is_not_copied_by_repairing)
{
    struct bytes good = bytes_of("gut \xC3\xA9");
    ck_assert_ptr_eq(characters_repair(NULL, good).at, good.at);
}
END_TEST

START_TEST(repairing_past_the_arenas_limit_gives_nothing)
{
    struct error err = {0};
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, 16, &err), err);
    ck_assert_ptr_null(characters_repair(arena, bytes_of("\xFF 0123456789")).at);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("character", every_code_point_but_surrogates_is_valid, overlong_forms_are_invalid,
          code_points_above_the_last_are_invalid, a_character_cut_short_is_invalid,
          a_lone_continuation_is_invalid_wherever_it_stands, nul_is_valid_but_cannot_be_stored,
          repairing_replaces_what_cannot_be_stored_and_nothing_else,
          good_text_is_not_copied_by_repairing, repairing_past_the_arenas_limit_gives_nothing)
