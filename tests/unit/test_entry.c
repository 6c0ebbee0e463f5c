/* Tests of entry: mistakes, words and columns named in a pipeline file's objects.
 * SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"

static const struct node node = {NULL, "/clean/3"};
static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct schema_field fields[] = {
    {.name = "income", .type = COLUMN_INT64},
    {.name = "home", .type = COLUMN_TEXT},
    {.name = "hidden", .type = (enum column_type)COLUMN_TYPES},
};
static const struct schema known = {.name = "t", .count = 3, .field = fields};

static void
expect_one(struct mistakes *mistakes, const char *where, const char *message)
{
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_str_eq(mistakes_message(mistakes, 0), message);
    mistakes_free(&mistakes);
}

START_TEST(a_pointer_is_escaped)
{
    char pointer[ENTRY_POINTER_MAX];
    entry_pointer(&node, "a/b~c", pointer);
    ck_assert_str_eq(pointer, "/clean/3/a~1b~0c");
}
END_TEST

START_TEST(a_pointer_too_long_is_cut_inside_its_buffer)
{
    char key[1000], pointer[ENTRY_POINTER_MAX];
    memset(key, '/', sizeof(key));
    key[999] = '\0';
    entry_pointer(&node, key, pointer);
    ck_assert_uint_lt(strlen(pointer), ENTRY_POINTER_MAX);
    entry_pointer(&(struct node){NULL, key}, key, pointer);
    ck_assert_uint_lt(strlen(pointer), ENTRY_POINTER_MAX);
}
END_TEST

START_TEST(a_mistake_without_a_key_is_the_objects)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_mistake(mistakes, &node, NULL, "is %s", "odd"), -1);
    expect_one(mistakes, "/clean/3", "is odd");
}
END_TEST

START_TEST(a_word_has_its_index)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_choice(mistakes, &node, "colour", "blue", colours), 2);
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(a_word_close_to_another_gets_a_hint)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_choice(mistakes, &node, "colour", "gren", colours), -1);
    expect_one(mistakes, "/clean/3/colour",
               "\"gren\" is not known, did you mean \"green\"? It is one of red, green or blue");
}
END_TEST

START_TEST(a_word_far_from_all_gets_the_list)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_choice(mistakes, &node, "colour", "transparent", colours), -1);
    expect_one(mistakes, "/clean/3/colour",
               "\"transparent\" is not known; it is one of red, green or blue");
}
END_TEST

START_TEST(a_word_that_is_not_there_is_no_second_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_choice(mistakes, &node, "colour", NULL, colours), -1);
    ck_assert_int_eq(entry_column(mistakes, &node, "of", &known, NULL, UINT32_MAX), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(a_column_has_its_index)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_column(mistakes, &node, "of", &known, "home", UINT32_MAX), 1);
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(a_column_far_from_all_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_column(mistakes, &node, "of", &known, "temperature", UINT32_MAX), -1);
    expect_one(mistakes, "/clean/3/of", "there is no column \"temperature\" here");
}
END_TEST

START_TEST(a_column_of_another_type_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_column(mistakes, &node, "of", &known, "home", ENTRY_NUMBERS), -1);
    expect_one(mistakes, "/clean/3/of",
               "\"home\" is text here, but must be bool, int64 or float64");
}
END_TEST

START_TEST(a_type_hidden_by_a_mistake_is_accepted)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_int_eq(entry_column(mistakes, &node, "of", &known, "hidden", ENTRY_NUMBERS), 2);
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(identifiers_are_told_from_others)
{
    char longest[65];
    memset(longest, 'a', sizeof(longest));
    longest[63] = '\0';
    ck_assert(entry_identifier("a"));
    ck_assert(entry_identifier("a_9"));
    ck_assert(entry_identifier(longest));
    longest[63] = 'a';
    longest[64] = '\0';
    ck_assert(!entry_identifier(longest));
    ck_assert(!entry_identifier(""));
    ck_assert(!entry_identifier("9a"));
    ck_assert(!entry_identifier("_a"));
    ck_assert(!entry_identifier("aB"));
    ck_assert(!entry_identifier("a\";drop"));
}
END_TEST

RUN_TESTS("entry", a_pointer_is_escaped, a_pointer_too_long_is_cut_inside_its_buffer,
          a_mistake_without_a_key_is_the_objects, a_word_has_its_index,
          a_word_close_to_another_gets_a_hint, a_word_far_from_all_gets_the_list,
          a_word_that_is_not_there_is_no_second_mistake, a_column_has_its_index,
          a_column_far_from_all_is_a_mistake, a_column_of_another_type_is_a_mistake,
          a_type_hidden_by_a_mistake_is_accepted, identifiers_are_told_from_others)
