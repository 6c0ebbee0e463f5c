/* The command's options: what is read, and what is said about what cannot be read.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../../services/cli/options.h"
#include "check_main.h"

struct own {
    const char *pipeline, *id_field;
    int64_t limit, timeout;
    double rate;
    bool dry_run;
};
static const struct option_row own_table[] = {
    OPTION_REQUIRED(own, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(own, id_field, 0, TEXT, "FIELD", NULL, "the id"),
    OPTION(own, limit, 'n', COUNT, "N", "20", "at most"),
    OPTION(own, timeout, 0, MILLISECONDS, "TIME", "30s", "give up"),
    OPTION(own, rate, 0, REAL, "R", NULL, "a second"),
    OPTION(own, dry_run, 0, FLAG, NULL, NULL, "nothing"),
    {0},
};

static struct own own;
static struct mistakes *mistakes;
static int first;

#define READ(...) read_words((const char *[]){"millrace", __VA_ARGS__, NULL})

static int
read_words(const char *words[])
{
    static char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = strdup(words[argc]);
    argv[argc] = NULL;
    own = (struct own){0};
    mistakes = mistakes_create();
    return options_read((const struct option_row *const[]){own_table, NULL}, (void *const[]){&own},
                        argc, argv, &first, mistakes);
}

static void
ck_one_mistake(const char *where, const char *part)
{
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_msg(strstr(mistakes_message(mistakes, 0), part) != NULL, "%s",
                  mistakes_message(mistakes, 0));
}

START_TEST(options_of_every_type_are_read)
{
    ck_assert_int_eq(READ("-p", "loan", "--id-field=id", "--limit", "7", "--timeout", "5min",
                          "--rate", "2.5", "--dry-run"),
                     0);
    ck_assert_str_eq(own.pipeline, "loan");
    ck_assert_str_eq(own.id_field, "id");
    ck_assert_int_eq(own.limit, 7);
    ck_assert_int_eq(own.timeout, 300000);
    ck_assert_double_eq(own.rate, 2.5);
    ck_assert(own.dry_run);
}
END_TEST

START_TEST(an_option_not_given_has_its_fallback)
{
    ck_assert_int_eq(READ("-p", "loan"), 0);
    ck_assert_int_eq(own.limit, 20);
    ck_assert_int_eq(own.timeout, 30000);
    ck_assert_ptr_null(own.id_field);
    ck_assert(!own.dry_run);
}
END_TEST

START_TEST(arguments_may_stand_before_options)
{
    ck_assert_int_eq(READ("file.csv", "-p", "loan", "other.csv"), 0);
    ck_assert_int_eq(first, 3);
}
END_TEST

START_TEST(what_follows_two_hyphens_is_an_argument)
{
    ck_assert_int_eq(READ("-p", "loan", "--", "--limit"), 0);
    ck_assert_int_eq(first, 4);
    ck_assert_int_eq(own.limit, 20);
}
END_TEST

START_TEST(a_misspelt_option_is_guessed)
{
    ck_assert_int_eq(READ("-p", "loan", "--limti=3"), -1);
    ck_one_mistake("--limti", "did you mean --limit?");
}
END_TEST

START_TEST(an_unknown_letter_is_a_mistake)
{
    ck_assert_int_eq(READ("-p", "loan", "-x"), -1);
    ck_one_mistake("-x", "unknown option");
}
END_TEST

START_TEST(a_required_option_is_asked_for)
{
    ck_assert_int_eq(READ("--dry-run"), -1);
    ck_one_mistake("--pipeline", "is required");
}
END_TEST

START_TEST(an_option_without_its_value_is_a_mistake)
{
    ck_assert_int_eq(READ("-p", "loan", "--limit"), -1);
    ck_one_mistake("--limit", "needs a value: N");
}
END_TEST

START_TEST(a_flag_takes_no_value)
{
    ck_assert_int_eq(READ("-p", "loan", "--dry-run=yes"), -1);
    ck_one_mistake("--dry-run", "takes no value");
}
END_TEST

START_TEST(a_negative_count_is_a_mistake)
{
    ck_assert_int_eq(READ("-p", "loan", "--limit", "-3"), -1);
    ck_one_mistake("--limit", "'-3' is not a whole number");
}
END_TEST

START_TEST(a_count_past_64_bits_is_a_mistake)
{
    ck_assert_int_eq(READ("-p", "loan", "-n", "99999999999999999999"), -1);
    ck_one_mistake("--limit", "is not a whole number");
}
END_TEST

START_TEST(a_rate_that_is_no_number_is_a_mistake)
{
    ck_assert_int_eq(READ("-p", "loan", "--rate", "nan"), -1);
    ck_one_mistake("--rate", "'nan' is not a number");
}
END_TEST

START_TEST(every_mistake_is_reported)
{
    ck_assert_int_eq(READ("--limit", "x", "--rate", "y", "--nothing-like-it"), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 4);
}
END_TEST

START_TEST(milliseconds_have_units)
{
    int64_t ms = -1;
    ck_assert_int_eq(milliseconds_read("250", &ms), 0);
    ck_assert_int_eq(ms, 250);
    ck_assert_int_eq(milliseconds_read("250ms", &ms), 0);
    ck_assert_int_eq(ms, 250);
    ck_assert_int_eq(milliseconds_read("2s", &ms), 0);
    ck_assert_int_eq(ms, 2000);
    ck_assert_int_eq(milliseconds_read("1h", &ms), 0);
    ck_assert_int_eq(ms, 3600000);
}
END_TEST

START_TEST(milliseconds_that_make_no_sense_are_refused)
{
    static const char *const bad[] = {"", "s", "-1s", "1 s", "1.5s", "1d", "9223372036854775807h"};
    int64_t ms = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(milliseconds_read(bad[i], &ms) == -1, "%s", bad[i]);
    ck_assert_int_eq(ms, 42);
}
END_TEST

RUN_TESTS("cli_options", options_of_every_type_are_read, an_option_not_given_has_its_fallback,
          arguments_may_stand_before_options, what_follows_two_hyphens_is_an_argument,
          a_misspelt_option_is_guessed, an_unknown_letter_is_a_mistake,
          a_required_option_is_asked_for, an_option_without_its_value_is_a_mistake,
          a_flag_takes_no_value, a_negative_count_is_a_mistake, a_count_past_64_bits_is_a_mistake,
          a_rate_that_is_no_number_is_a_mistake, every_mistake_is_reported, milliseconds_have_units,
          milliseconds_that_make_no_sense_are_refused)
