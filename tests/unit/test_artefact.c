/* Damage of every kind is tried on a whole model file in test_scorer.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "artefact.h"

#include <string.h>

#include "check_main.h"
#include "digest.h"

static struct arena *arena;

static struct bytes
write_two(void)
{
    const struct section sections[] = {{"first", bytes_of("abc")}, {"second", BYTES_NONE}};
    struct bytes file;
    struct error err = {0};
    ck_ok(arena_open(&arena, 1 << 20, &err), err);
    ck_ok(artefact_write(arena, sections, 2, &file, &err), err);
    return file;
}

static void
check_refused(struct bytes file, struct section *sections, size_t count, const char *says)
{
    struct error err = {0};
    ck_assert_int_eq(artefact_read(file, sections, count, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

/* The file with one byte changed and the digest over all made right again. */
static struct bytes
changed(struct bytes file, size_t at, uint8_t to)
{
    uint8_t *copy = arena_alloc(arena, file.length, 1);
    memcpy(copy, file.at, file.length);
    copy[at] = to;
    digest_sha256((struct bytes){copy, file.length - 32}, copy + file.length - 32);
    return (struct bytes){copy, file.length};
}

START_TEST(sections_are_read_as_they_were_written)
{
    struct bytes file = write_two();
    struct section sections[] = {{.name = "first"}, {.name = "second"}};
    struct error err = {0};
    ck_ok(artefact_read(file, sections, 2, &err), err);
    ck_assert(bytes_equal_text(sections[0].bytes, "abc"));
    ck_assert_uint_eq(sections[1].bytes.length, 0);
}
END_TEST

START_TEST(other_sections_than_expected_are_refused)
{
    struct bytes file = write_two();
    struct section renamed[] = {{.name = "first"}, {.name = "other"}};
    struct section one[] = {{.name = "first"}};
    check_refused(file, renamed, 2, "lacks the section \"other\"");
    check_refused(file, one, 1, "2 sections, not 1");
}
END_TEST

START_TEST(each_lie_of_the_head_is_refused_by_name)
{
    struct bytes file = write_two();
    struct section sections[] = {{.name = "first"}, {.name = "second"}};
    check_refused(changed(file, 0, 'X'), sections, 2, "no model file");
    check_refused(changed(file, 8, 2), sections, 2, "format 2 is unknown");
    check_refused(changed(file, 16 + 16, 1), sections, 2, "outside of its place");
    check_refused(changed(file, 16 + 24 + 7, 0xff), sections, 2, "outside of its place");
    check_refused(changed(file, 16 + 32, 0), sections, 2, "does not match its SHA-256");
}
END_TEST

RUN_TESTS("artefact", sections_are_read_as_they_were_written,
          other_sections_than_expected_are_refused, each_lie_of_the_head_is_refused_by_name)
