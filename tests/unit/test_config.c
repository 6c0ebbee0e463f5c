/* Check runs each test in a process of its own, so that none sees another's environment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

struct sample {
    const char *servers, *password;
    int64_t rows, wait;
    double share;
    bool loud;
};

static const struct setting sample_table[] = {
    SETTING(sample, servers, TEXT, NULL, "where the servers are"),
    SETTING_SECRET(sample, password, "", "how to get in"),
    SETTING(sample, rows, COUNT, "1000", "rows of a batch at most"),
    SETTING(sample, wait, MILLISECONDS, "2s", "how long to wait"),
    SETTING(sample, share, REAL, "0.2", "share of rows to test with"),
    SETTING(sample, loud, FLAG, "false", "say more"),
    {0},
};
static const struct setting *const tables[] = {sample_table, NULL};

static struct sample sample;
static struct mistakes *mistakes;

static int
read_sample(void)
{
    mistakes = mistakes_create();
    return config_from_env(tables, (void *const[]){&sample, NULL}, mistakes);
}

static void
assert_only_mistake(const char *where, const char *part)
{
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_msg(strstr(mistakes_message(mistakes, 0), part), "%s", mistakes_message(mistakes, 0));
}

static const char *
write_file(const char *content, size_t length)
{
    static char path[] = "/tmp/millrace-config-XXXXXX";
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, length), (ssize_t)length);
    close(fd);
    return path;
}

START_TEST(what_is_not_set_has_its_default)
{
    setenv("MILLRACE_SERVERS", "a:9092", 1);
    ck_assert_int_eq(read_sample(), 0);
    ck_assert_str_eq(sample.servers, "a:9092");
    ck_assert_ptr_null(sample.password);
    ck_assert_int_eq(sample.rows, 1000);
    ck_assert_int_eq(sample.wait, 2000);
    ck_assert_double_eq(sample.share, 0.2);
    ck_assert(!sample.loud);
}
END_TEST

START_TEST(what_is_set_is_read)
{
    setenv("MILLRACE_SERVERS", "a:9092", 1);
    setenv("MILLRACE_PASSWORD", "secret", 1);
    setenv("MILLRACE_ROWS", "7", 1);
    setenv("MILLRACE_WAIT", "5min", 1);
    setenv("MILLRACE_SHARE", "0.5", 1);
    setenv("MILLRACE_LOUD", "true", 1);
    ck_assert_int_eq(read_sample(), 0);
    ck_assert_str_eq(sample.password, "secret");
    ck_assert_int_eq(sample.rows, 7);
    ck_assert_int_eq(sample.wait, 300000);
    ck_assert_double_eq(sample.share, 0.5);
    ck_assert(sample.loud);
}
END_TEST

START_TEST(a_text_outlives_its_variable)
{
    setenv("MILLRACE_SERVERS", "a:9092", 1);
    ck_assert_int_eq(read_sample(), 0);
    setenv("MILLRACE_SERVERS", "b:9092", 1);
    ck_assert_str_eq(sample.servers, "a:9092");
}
END_TEST

START_TEST(an_empty_variable_counts_as_not_set)
{
    setenv("MILLRACE_SERVERS", "", 1);
    setenv("MILLRACE_ROWS", "", 1);
    ck_assert_int_eq(read_sample(), -1);
    ck_assert_int_eq(sample.rows, 1000);
    assert_only_mistake("MILLRACE_SERVERS", "is required: where the servers are");
}
END_TEST

START_TEST(all_mistakes_are_reported_at_once)
{
    setenv("MILLRACE_ROWS", "many", 1);
    setenv("MILLRACE_WAIT", "soon", 1);
    setenv("MILLRACE_SHARE", "half", 1);
    setenv("MILLRACE_LOUD", "maybe", 1);
    ck_assert_int_eq(read_sample(), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 5);
    ck_assert_str_eq(mistakes_where(mistakes, 1), "MILLRACE_ROWS");
    ck_assert_str_eq(mistakes_message(mistakes, 1), "\"many\" is not a whole number from 0");
}
END_TEST

START_TEST(a_file_holds_a_secret_without_its_last_newline)
{
    setenv("MILLRACE_SERVERS", "a:9092", 1);
    const char *path = write_file("top secret\n", 11);
    setenv("MILLRACE_PASSWORD_FILE", path, 1);
    int result = read_sample();
    unlink(path);
    ck_assert_int_eq(result, 0);
    ck_assert_str_eq(sample.password, "top secret");
}
END_TEST

START_TEST(a_file_may_hold_a_number)
{
    setenv("MILLRACE_SERVERS", "a:9092", 1);
    const char *path = write_file("12", 2);
    setenv("MILLRACE_ROWS_FILE", path, 1);
    int result = read_sample();
    unlink(path);
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(sample.rows, 12);
}
END_TEST

START_TEST(a_value_and_a_file_are_one_too_much)
{
    setenv("MILLRACE_SERVERS", "a:9092", 1);
    setenv("MILLRACE_ROWS", "7", 1);
    setenv("MILLRACE_ROWS_FILE", "/dev/null", 1);
    ck_assert_int_eq(read_sample(), -1);
    assert_only_mistake("MILLRACE_ROWS", "MILLRACE_ROWS_FILE");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_a_mistake)
{
    setenv("MILLRACE_SERVERS_FILE", "/nowhere/secret", 1);
    ck_assert_int_eq(read_sample(), -1);
    assert_only_mistake("MILLRACE_SERVERS_FILE", "cannot read /nowhere/secret");
}
END_TEST

START_TEST(an_empty_file_is_a_mistake)
{
    setenv("MILLRACE_SERVERS_FILE", "/dev/null", 1);
    ck_assert_int_eq(read_sample(), -1);
    assert_only_mistake("MILLRACE_SERVERS_FILE", "is empty");
}
END_TEST

START_TEST(a_file_with_a_nul_is_a_mistake)
{
    const char *path = write_file("a\0b", 3);
    setenv("MILLRACE_SERVERS_FILE", path, 1);
    int result = read_sample();
    unlink(path);
    ck_assert_int_eq(result, -1);
    assert_only_mistake("MILLRACE_SERVERS_FILE", "NUL");
}
END_TEST

START_TEST(a_file_without_end_is_a_mistake)
{
    setenv("MILLRACE_SERVERS_FILE", "/dev/zero", 1);
    ck_assert_int_eq(read_sample(), -1);
    assert_only_mistake("MILLRACE_SERVERS_FILE", "longer than");
}
END_TEST

START_TEST(known_variables_are_no_mistakes)
{
    mistakes = mistakes_create();
    setenv("MILLRACE_ROWS", "7", 1);
    setenv("MILLRACE_PASSWORD_FILE", "/x", 1);
    setenv("MILLRACE_KAFKA_LINGER_MS", "5", 1);
    setenv("MILLRACETRACK", "x", 1);
    ck_assert_int_eq(config_unknown_env(tables, mistakes), 0);
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
}
END_TEST

START_TEST(an_unknown_variable_is_a_mistake_with_the_nearest_name)
{
    mistakes = mistakes_create();
    setenv("MILLRACE_PASWORD", "x", 1);
    ck_assert_int_eq(config_unknown_env(tables, mistakes), -1);
    assert_only_mistake("MILLRACE_PASWORD", "did you mean MILLRACE_PASSWORD?");
}
END_TEST

START_TEST(an_unknown_variable_near_to_nothing_is_a_mistake_too)
{
    mistakes = mistakes_create();
    setenv("MILLRACE_COFFEE_MACHINE", "x", 1);
    ck_assert_int_eq(config_unknown_env(tables, mistakes), -1);
    assert_only_mistake("MILLRACE_COFFEE_MACHINE", "--help");
}
END_TEST

START_TEST(the_nearest_name_is_at_most_three_edits_away)
{
    static const char *const names[] = {"trim", "range", "missing", NULL};
    ck_assert_str_eq(config_did_you_mean("trm", names), "trim");
    ck_assert_str_eq(config_did_you_mean("misisng", names), "missing");
    ck_assert_str_eq(config_did_you_mean("range", names), "range");
    ck_assert_ptr_null(config_did_you_mean("m", names));
    ck_assert_ptr_null(config_did_you_mean("", names));
    ck_assert_ptr_null(config_did_you_mean("miss", names + 3));
    ck_assert_ptr_null(config_did_you_mean("commission", names));
}
END_TEST

START_TEST(a_hostile_word_has_no_nearest_name)
{
    static const char *const names[] = {"trim", NULL};
    char *word = malloc(1 << 20);
    memset(word, 't', (1 << 20) - 1);
    word[(1 << 20) - 1] = '\0';
    ck_assert_ptr_null(config_did_you_mean(word, names));
    free(word);
}
END_TEST

static char *
printed(void (*print)(FILE *, const struct setting *const[]))
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    print(file, tables);
    fclose(file);
    return text;
}

START_TEST(help_has_a_line_for_every_variable)
{
    char *text = printed(config_print_help);
    ck_assert_ptr_nonnull(strstr(text, "  MILLRACE_SERVERS   (required)  where the servers are\n"));
    ck_assert_ptr_nonnull(strstr(text, "  MILLRACE_PASSWORD  (none)      how to get in\n"));
    ck_assert_ptr_nonnull(strstr(text, "  MILLRACE_WAIT      2s          how long to wait\n"));
    free(text);
}
END_TEST

START_TEST(values_are_printed_with_their_origin)
{
    const char *path = write_file("b:9092\n", 7);
    setenv("MILLRACE_SERVERS_FILE", path, 1);
    setenv("MILLRACE_ROWS", "7", 1);
    char *text = printed(config_print_values);
    unlink(path);
    char line[200];
    snprintf(line, sizeof(line), "MILLRACE_SERVERS=b:9092  # file %s\n", path);
    ck_assert_ptr_nonnull(strstr(text, line));
    ck_assert_ptr_nonnull(strstr(text, "MILLRACE_ROWS=7  # environment\n"));
    ck_assert_ptr_nonnull(strstr(text, "MILLRACE_WAIT=2s  # default\n"));
    free(text);
}
END_TEST

START_TEST(a_secret_is_never_printed)
{
    setenv("MILLRACE_PASSWORD", "hunter2", 1);
    char *text = printed(config_print_values);
    ck_assert_ptr_null(strstr(text, "hunter2"));
    ck_assert_ptr_nonnull(strstr(text, "MILLRACE_PASSWORD=***  # environment\n"));
    free(text);
}
END_TEST

RUN_TESTS("config", what_is_not_set_has_its_default, what_is_set_is_read,
          a_text_outlives_its_variable, an_empty_variable_counts_as_not_set,
          all_mistakes_are_reported_at_once, a_file_holds_a_secret_without_its_last_newline,
          a_file_may_hold_a_number, a_value_and_a_file_are_one_too_much,
          a_file_that_is_not_there_is_a_mistake, an_empty_file_is_a_mistake,
          a_file_with_a_nul_is_a_mistake, a_file_without_end_is_a_mistake,
          known_variables_are_no_mistakes, an_unknown_variable_is_a_mistake_with_the_nearest_name,
          an_unknown_variable_near_to_nothing_is_a_mistake_too,
          the_nearest_name_is_at_most_three_edits_away, a_hostile_word_has_no_nearest_name,
          help_has_a_line_for_every_variable, values_are_printed_with_their_origin,
          a_secret_is_never_printed)
