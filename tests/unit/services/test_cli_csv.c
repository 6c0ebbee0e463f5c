/* The CSV reader: the corners of RFC 4180.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../../services/cli/csv_reader.h"
#include "check_main.h"

static char *seen; /* "<line>:<cell>|<cell>;" a record */
static size_t seen_length;
static FILE *seen_file;
static int stop_after;

static int
note(void *self, const struct csv_record *record, struct error *err)
{
    (void)err;
    int *count = self;
    fprintf(seen_file, "%lld:", (long long)record->line);
    for (size_t i = 0; i < record->cells; i++) {
        ck_assert_ptr_nonnull(record->cell[i].at);
        fprintf(seen_file, "%s%.*s", i > 0 ? "|" : "", (int)record->cell[i].length,
                (const char *)record->cell[i].at);
    }
    fputc(';', seen_file);
    return ++*count == stop_after;
}

static int
read_bytes(const char *bytes, size_t length, struct error *err)
{
    int count = 0;
    FILE *file = tmpfile();
    fwrite(bytes, 1, length, file);
    rewind(file);
    seen_file = open_memstream(&seen, &seen_length);
    int result = csv_read(file, note, &count, err);
    fclose(seen_file);
    fclose(file);
    return result;
}

static void
ck_records(const char *csv, const char *expected)
{
    struct error err = {0};
    ck_ok(read_bytes(csv, strlen(csv), &err), err);
    ck_assert_str_eq(seen, expected);
    free(seen);
}

static void
ck_refused(const char *csv, const char *reason, const char *part)
{
    struct error err = {0};
    ck_assert_int_eq(read_bytes(csv, strlen(csv), &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, reason);
    ck_assert_msg(strstr(err.message, part) != NULL, "%s", err.message);
    free(seen);
}

START_TEST(records_are_read_in_order)
{
    ck_records("a,b\n1,2\n3,4\n", "1:a|b;2:1|2;3:3|4;");
}
END_TEST

START_TEST(the_last_line_needs_no_end)
{
    ck_records("a,b\n1,2", "1:a|b;2:1|2;");
}
END_TEST

START_TEST(carriage_return_and_line_feed_end_a_line)
{
    ck_records("a\r\nb\r\nc", "1:a;2:b;3:c;");
}
END_TEST

START_TEST(a_carriage_return_alone_ends_a_line)
{
    ck_records("a\rb\rc", "1:a;2:b;3:c;");
}
END_TEST

START_TEST(quotes_hold_commas_and_quotes)
{
    ck_records("\"a,b\",\"say \"\"hi\"\"\"\n", "1:a,b|say \"hi\";");
}
END_TEST

START_TEST(a_line_end_inside_quotes_belongs_to_the_cell)
{
    ck_records("\"a\nb\",1\nc,2\n", "1:a\nb|1;3:c|2;");
}
END_TEST

START_TEST(windows_line_ends_inside_quotes_are_kept)
{
    ck_records("\"a\r\nb\",1\r\nc,2\r\n", "1:a\r\nb|1;3:c|2;");
}
END_TEST

START_TEST(empty_lines_are_passed_over_but_counted)
{
    ck_records("a\n\n\r\nb\n", "1:a;4:b;");
}
END_TEST

START_TEST(empty_cells_have_no_bytes)
{
    ck_records(",x,\n\"\",y,\"\"\n", "1:|x|;2:|y|;");
}
END_TEST

START_TEST(a_file_of_empty_cells_alone_is_read)
{
    ck_records(",\n", "1:|;");
}
END_TEST

START_TEST(spaces_belong_to_a_cell)
{
    ck_records(" a , b\n", "1: a | b;");
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    ck_records("\xef\xbb\xbf"
               "a,b\n",
               "1:a|b;");
}
END_TEST

START_TEST(bytes_that_are_no_text_pass_through)
{
    ck_records("\xff\xfe,b\n", "1:\xff\xfe|b;");
}
END_TEST

START_TEST(an_empty_file_has_no_records)
{
    ck_records("", "");
}
END_TEST

START_TEST(a_reader_can_be_stopped)
{
    stop_after = 2;
    ck_records("a\nb\nc\n", "1:a;2:b;");
}
END_TEST

START_TEST(a_quote_inside_an_unquoted_cell_is_refused)
{
    ck_refused("a\nb\"c\n", "csv.syntax", "line 2");
}
END_TEST

START_TEST(text_after_a_closing_quote_is_refused)
{
    ck_refused("\"a\"b\n", "csv.syntax", "line 1");
}
END_TEST

START_TEST(a_quote_never_closed_is_refused_where_it_began)
{
    ck_refused("a\n\"b\nc\nd\n", "csv.syntax", "line 2");
}
END_TEST

START_TEST(too_many_cells_are_refused)
{
    char line[CSV_CELLS_MAX + 8];
    memset(line, ',', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    ck_refused(line, "csv.cells", "line 1");
}
END_TEST

START_TEST(a_record_past_its_limit_is_refused)
{
    char *big = malloc(CSV_RECORD_MAX + 2);
    memset(big, 'x', CSV_RECORD_MAX + 1);
    big[CSV_RECORD_MAX + 1] = '\0';
    ck_refused(big, "csv.size", "line 1");
    free(big);
}
END_TEST

START_TEST(a_quote_never_closed_ends_at_the_limit)
{
    size_t length = (size_t)CSV_RECORD_MAX + 1000000;
    char *big = malloc(length);
    memset(big, '\n', length);
    big[0] = '"';
    struct error err = {0};
    ck_assert_int_eq(read_bytes(big, length, &err), -1);
    ck_assert_str_eq(err.reason, "csv.size");
    free(big);
    free(seen);
}
END_TEST

START_TEST(lines_are_counted_across_chunks)
{
    char *csv = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&csv, &length);
    for (int i = 1; i <= 20000; i++)
        fprintf(text, "%d,\"x\r\"\r\n", i);
    fclose(text);
    struct error err = {0};
    ck_ok(read_bytes(csv, length, &err), err);
    ck_assert_ptr_nonnull(strstr(seen, "39999:20000|x\r;"));
    free(csv);
    free(seen);
}
END_TEST

RUN_TESTS("cli_csv", records_are_read_in_order, the_last_line_needs_no_end,
          carriage_return_and_line_feed_end_a_line, a_carriage_return_alone_ends_a_line,
          quotes_hold_commas_and_quotes, a_line_end_inside_quotes_belongs_to_the_cell,
          windows_line_ends_inside_quotes_are_kept, empty_lines_are_passed_over_but_counted,
          empty_cells_have_no_bytes, a_file_of_empty_cells_alone_is_read, spaces_belong_to_a_cell,
          a_byte_order_mark_is_passed_over, bytes_that_are_no_text_pass_through,
          an_empty_file_has_no_records, a_reader_can_be_stopped,
          a_quote_inside_an_unquoted_cell_is_refused, text_after_a_closing_quote_is_refused,
          a_quote_never_closed_is_refused_where_it_began, too_many_cells_are_refused,
          a_record_past_its_limit_is_refused, a_quote_never_closed_ends_at_the_limit,
          lines_are_counted_across_chunks)
