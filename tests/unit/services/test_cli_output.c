/* The command's output: tables, records, and bytes that must not reach a terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../../services/cli/output.h"
#include "../../../services/cli/progress.h"
#include "check_main.h"

static char *printed;
static size_t length;

static void
ck_table(const char *json, const char *const columns[], bool bold, const char *expected)
{
    FILE *out = open_memstream(&printed, &length);
    json_t *rows = json_loads(json, 0, NULL);
    ck_assert_ptr_nonnull(rows);
    output_table(out, rows, columns, bold);
    fclose(out);
    ck_assert_str_eq(printed, expected);
    json_decref(rows);
    free(printed);
}

static void
ck_printable(const char *bytes, size_t count, const char *expected)
{
    char *text = output_printable((struct bytes){(const uint8_t *)bytes, count});
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(columns_are_aligned_and_numbers_stand_right)
{
    ck_table("[{\"name\":\"loan\",\"n\":5},{\"name\":\"animals\",\"n\":1234}]",
             (const char *const[]){"name", "n", NULL}, false,
             "name        n\n"
             "loan        5\n"
             "animals  1234\n");
}
END_TEST

START_TEST(null_and_absent_are_empty_cells)
{
    ck_table("[{\"a\":null,\"b\":1},{\"b\":2}]", (const char *const[]){"a", "b", NULL}, false,
             "a  b\n   1\n   2\n");
}
END_TEST

START_TEST(a_column_can_be_cut)
{
    ck_table("[{\"digest\":\"0123456789\"}]", (const char *const[]){"digest:4", NULL}, false,
             "digest\n0123\n");
}
END_TEST

START_TEST(a_cut_counts_characters_not_bytes)
{
    ck_table("[{\"t\":\"äöü\"}]", (const char *const[]){"t:2", NULL}, false, "t\näö\n");
}
END_TEST

START_TEST(umlauts_take_one_place)
{
    ck_table("[{\"a\":\"äö\",\"b\":\"x\"},{\"a\":\"abc\",\"b\":\"y\"}]",
             (const char *const[]){"a", "b", NULL}, false, "a    b\näö   x\nabc  y\n");
}
END_TEST

START_TEST(a_table_without_rows_has_its_header)
{
    ck_table("[]", (const char *const[]){"a", "b", NULL}, false, "a  b\n");
}
END_TEST

START_TEST(bold_marks_the_header_alone)
{
    ck_table("[{\"a\":1}]", (const char *const[]){"a", NULL}, true, "\033[1ma\n\033[0m1\n");
}
END_TEST

START_TEST(escape_sequences_in_a_cell_are_shown)
{
    ck_table("[{\"a\":\"\\u001b[2J\\n\"}]", (const char *const[]){"a", NULL}, false,
             "a\n\\x1b[2J\\x0a\n");
}
END_TEST

START_TEST(a_record_has_a_line_a_key)
{
    FILE *out = open_memstream(&printed, &length);
    json_t *object = json_loads("{\"a\":1,\"long\":\"x\",\"j\":[1,2],\"t\":true}", 0, NULL);
    output_record(out, object);
    fclose(out);
    ck_assert_str_eq(printed, "a     1\nlong  x\nj     [1,2]\nt     true\n");
    json_decref(object);
    free(printed);
}
END_TEST

START_TEST(good_text_is_printed_as_it_is)
{
    ck_printable("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10, "aä€😀");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_shown)
{
    ck_printable("\xff\xc0\xaf", 3, "\\xff\\xc0\\xaf");          /* never valid; overlong */
    ck_printable("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");          /* a surrogate */
    ck_printable("\xe2\x82", 2, "\\xe2\\x82");                   /* cut short */
    ck_printable("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
}
END_TEST

START_TEST(control_characters_are_shown)
{
    ck_printable("\0\x7f\xc2\x9b", 4, "\\x00\\x7f\\xc2\\x9b");
}
END_TEST

START_TEST(bytes_from_outside_become_a_json_string)
{
    json_t *good = output_json_bytes(bytes_of("ab"));
    json_t *bad = output_json_bytes(bytes_of("a\xff"));
    json_t *none = output_json_bytes(BYTES_NONE);
    ck_assert_str_eq(json_string_value(good), "ab");
    ck_assert_str_eq(json_string_value(bad), "a\\xff");
    ck_assert(json_is_null(none));
    json_decref(good);
    json_decref(bad);
}
END_TEST

START_TEST(progress_draws_its_share)
{
    char line[160];
    progress_line(line, sizeof(line), "sending", 50, 100, "half");
    ck_assert_str_eq(line, "sending [############............]  50 % 50/100 half");
}
END_TEST

START_TEST(progress_past_its_total_is_full)
{
    char line[160];
    progress_line(line, sizeof(line), "x", 9, 3, NULL);
    ck_assert_str_eq(line, "x [########################] 100 % 3/3 ");
}
END_TEST

START_TEST(progress_without_a_total_counts)
{
    char line[160];
    progress_line(line, sizeof(line), "x", 9, 0, "going");
    ck_assert_str_eq(line, "x 9 going");
}
END_TEST

RUN_TESTS("cli_output", columns_are_aligned_and_numbers_stand_right,
          null_and_absent_are_empty_cells, a_column_can_be_cut, a_cut_counts_characters_not_bytes,
          umlauts_take_one_place, a_table_without_rows_has_its_header, bold_marks_the_header_alone,
          escape_sequences_in_a_cell_are_shown, a_record_has_a_line_a_key,
          good_text_is_printed_as_it_is, bytes_that_are_no_text_are_shown,
          control_characters_are_shown, bytes_from_outside_become_a_json_string,
          progress_draws_its_share, progress_past_its_total_is_full,
          progress_without_a_total_counts)
