/* Tests of siphash against the vectors of the paper and of its reference implementation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "siphash.h"

#include "check_main.h"

static const uint64_t secret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

START_TEST(the_papers_example_comes_out)
{
    uint8_t input[15];
    for (uint8_t i = 0; i < sizeof(input); i++)
        input[i] = i;
    ck_assert_uint_eq(siphash(secret, (struct bytes){input, sizeof(input)}), 0xa129ca6149be45e5);
}
END_TEST

START_TEST(nothing_has_a_hash_too)
{
    ck_assert_uint_eq(siphash(secret, BYTES_NONE), 0x726fdb47dd0e0e31);
}
END_TEST

START_TEST(another_secret_gives_another_hash)
{
    const uint64_t other[2] = {1, 2};
    ck_assert_uint_ne(siphash(secret, bytes_of("key")), siphash(other, bytes_of("key")));
}
END_TEST

RUN_TESTS("siphash", the_papers_example_comes_out, nothing_has_a_hash_too,
          another_secret_gives_another_hash)
