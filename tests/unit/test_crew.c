/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <stdatomic.h>

#include "check_main.h"

#define PIECES 1000

static atomic_int done[PIECES];

static void
count(void *self, size_t piece)
{
    (void)self;
    atomic_fetch_add(&done[piece], 1);
}

START_TEST(every_piece_is_done_once_whatever_the_threads)
{
    for (unsigned threads = 0; threads < 5; threads++) {
        struct crew *crew = NULL;
        struct error err = {0};
        ck_ok(crew_open(threads, &crew, &err), err);
        ck_assert_uint_eq(crew_size(crew), threads > 1 ? threads : 1);
        for (int turn = 0; turn < 100; turn++)
            crew_run(crew, turn % 2 == 0 ? PIECES : 1, count, NULL);
        crew_close(&crew);
        for (size_t i = 0; i < PIECES; i++)
            ck_assert_int_eq(atomic_exchange(&done[i], 0), i == 0 ? 100 : 50);
    }
}
END_TEST

START_TEST(no_pieces_are_no_work)
{
    struct crew *crew = NULL;
    struct error err = {0};
    ck_ok(crew_open(2, &crew, &err), err);
    crew_run(crew, 0, count, NULL);
    crew_close(&crew);
    crew_close(&crew);
    ck_assert_int_eq(done[0], 0);
}
END_TEST

RUN_TESTS("crew", every_piece_is_done_once_whatever_the_threads, no_pieces_are_no_work)
