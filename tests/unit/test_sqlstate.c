/* Tests of sqlstate.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sqlstate.h"

#include <string.h>

#include "check_main.h"

static struct error err;

static void
all_are(enum error_kind kind, const char *const states[])
{
    for (; *states != NULL; states++)
        ck_assert_msg(sqlstate_kind(*states) == kind, "%s", *states);
}

START_TEST(what_passes_is_transient)
{
    all_are(ERROR_TRANSIENT, (const char *const[]){"08006", "40001", "40P01", "53100", "53300",
                                                   "55P03", "57014", "57P01", NULL});
}
END_TEST

START_TEST(what_the_data_cause_is_input)
{
    all_are(ERROR_INPUT, (const char *const[]){"22001", "23505", "54000", "08P01", NULL});
}
END_TEST

START_TEST(bugs_and_missing_rights_are_fatal)
{
    all_are(ERROR_FATAL, (const char *const[]){"42601", "42501", "42P01", "XX000", "", NULL});
}
END_TEST

START_TEST(a_sentence_has_state_detail_and_place)
{
    struct complaint complaint = {"23505", "twice", "Key (n)=(1) already exists.",
                                  "COPY t, line 2"};
    ck_assert_int_eq(sqlstate_error(&complaint, &err), -1);
    ck_assert_str_eq(err.message, "PostgreSQL: twice (SQLSTATE 23505; Key (n)=(1) already exists.; "
                                  "COPY t, line 2)");
    ck_assert_str_eq(err.reason, "postgresql.23505");
}
END_TEST

START_TEST(what_quotes_data_stays_out)
{
    struct complaint row = {"23502", "null", "Failing row contains (sesame).", NULL};
    struct complaint json = {"22P02", "json", "Token \"sesame\"", "JSON data: sesame\nCOPY t"};
    sqlstate_error(&row, &err);
    ck_assert_str_eq(err.message, "PostgreSQL: null (SQLSTATE 23502)");
    sqlstate_error(&json, &err);
    ck_assert_str_eq(err.message, "PostgreSQL: json (SQLSTATE 22P02; COPY t)");
}
END_TEST

START_TEST(a_long_detail_is_cut_between_characters)
{
    char detail[400] = "x";
    for (size_t i = 1; i + 2 < sizeof(detail); i += 2)
        memcpy(detail + i, "\u00e9", 3);
    struct complaint complaint = {"42601", "long", detail, NULL};
    sqlstate_error(&complaint, &err);
    ck_assert_uint_eq(strlen(err.message), strlen("PostgreSQL: long (SQLSTATE 42601; )") + 159);
}
END_TEST

RUN_TESTS("sqlstate", what_passes_is_transient, what_the_data_cause_is_input,
          bugs_and_missing_rights_are_fatal, a_sentence_has_state_detail_and_place,
          what_quotes_data_stays_out, a_long_detail_is_cut_between_characters)
