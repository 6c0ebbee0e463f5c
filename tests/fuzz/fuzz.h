/* fuzz: what the fuzz targets share. A target is one file, target_<name>.c, with libFuzzer's one
 * function; it must neither crash nor break what it REQUIREs, whatever the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FUZZ_H
#define MILLRACE_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "character.h"

#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

/* Called before a failure ends the program, if it is set. */
__attribute__((unused)) static void (*fuzz_failed)(void);

static inline _Noreturn void
fuzz_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    if (fuzz_failed != NULL)
        fuzz_failed();
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Empty at the beginning of a run, kept from run to run. */
static inline struct arena *
fuzz_arena(void)
{
    static struct arena *arena;
    struct error err = {0};
    if (arena == NULL && arena_open(&arena, (size_t)256 << 20, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    arena_reset(arena);
    return arena;
}

/* What a refusal must bear to become a dead letter. */
static inline void
require_refusal(const struct error *err)
{
    REQUIRE(err->kind == ERROR_INPUT);
    REQUIRE(err->reason[0] != '\0' && err->message[0] != '\0');
    REQUIRE(characters_valid(bytes_of(err->where)));
}

#endif
