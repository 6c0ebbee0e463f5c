/* Tests of slab.
 * SPDX-License-Identifier: Apache-2.0 */
#include "slab.h"

#include <string.h>

#include "check_main.h"

#define BLOCKS 20000

START_TEST(blocks_of_all_sizes_do_not_touch_each_other)
{
    static uint32_t block[BLOCKS];
    struct slabs slabs = SLABS_EMPTY;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 1 + i * 7 % 3000;
        block[i] = slab_take(&slabs, size);
        ck_assert(block[i] != SLAB_NONE && slab_room(&slabs, block[i]) >= size);
        memset(slab_at(&slabs, block[i]), (int)(i % 251), slab_room(&slabs, block[i]));
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        const uint8_t *at = slab_at(&slabs, block[i]);
        size_t room = slab_room(&slabs, block[i]), same = 0;
        while (same < room && at[same] == i % 251)
            same++;
        ck_assert_uint_eq(same, room);
    }
    slab_free(&slabs);
}
END_TEST

START_TEST(a_block_is_an_eighth_larger_than_asked_for_at_most)
{
    struct slabs slabs = SLABS_EMPTY;
    for (size_t size = 64; size <= 16384; size++) {
        uint32_t block = slab_take(&slabs, size);
        ck_assert_uint_le(slab_room(&slabs, block), size + (size + 7) / 8);
        slab_release(&slabs, block);
    }
    slab_free(&slabs);
}
END_TEST

START_TEST(a_large_block_has_its_own_memory)
{
    struct slabs slabs = SLABS_EMPTY;
    uint32_t block = slab_take(&slabs, 1 << 20);
    memset(slab_at(&slabs, block), 1, 1 << 20);
    ck_assert_uint_ge(slabs.bytes, 1 << 20);
    slab_release(&slabs, block);
    ck_assert_uint_lt(slabs.bytes, 1 << 16);
    slab_free(&slabs);
}
END_TEST

START_TEST(released_blocks_are_used_again)
{
    static uint32_t block[BLOCKS];
    struct slabs slabs = SLABS_EMPTY;
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = slab_take(&slabs, 40);
    size_t bytes = slabs.bytes;
    for (size_t i = 0; i < BLOCKS; i += 2)
        slab_release(&slabs, block[i]);
    for (size_t i = 0; i < BLOCKS; i += 2)
        block[i] = slab_take(&slabs, 40);
    ck_assert_uint_eq(slabs.bytes, bytes);
    slab_free(&slabs);
}
END_TEST

START_TEST(what_came_first_and_goes_first_leaves_no_holes)
{
    static uint32_t block[BLOCKS];
    struct slabs slabs = SLABS_EMPTY;
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = slab_take(&slabs, 48);
    size_t bytes = slabs.bytes;
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            slab_release(&slabs, block[i]);
            block[i] = slab_take(&slabs, round % 2 == 0 ? 80 : 48);
        }
    }
    ck_assert_uint_le(slabs.bytes, bytes * 2);
    for (size_t i = 0; i < BLOCKS; i++)
        slab_release(&slabs, block[i]);
    ck_assert_uint_lt(slabs.bytes, 1 << 16);
    slab_free(&slabs);
    ck_assert_uint_eq(slabs.bytes, 0);
}
END_TEST

RUN_TESTS("slab", blocks_of_all_sizes_do_not_touch_each_other,
          a_block_is_an_eighth_larger_than_asked_for_at_most, a_large_block_has_its_own_memory,
          released_blocks_are_used_again, what_came_first_and_goes_first_leaves_no_holes)
