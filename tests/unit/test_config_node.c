/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <jansson.h>
#include <string.h>

#include "config.h"

struct rule {
    const char *field, *note;
    int64_t limit, window;
    double low;
    bool strict;
    const json_t *map;
};

static const struct setting rule_table[] = {
    SETTING(rule, field, TEXT, NULL, "the field it works on"),
    SETTING(rule, note, TEXT, "", "why it is there"),
    SETTING(rule, limit, COUNT, "10", "how many"),
    SETTING(rule, window, MILLISECONDS, "1h", "how far back"),
    SETTING(rule, low, REAL, "0.5", "the least value"),
    SETTING(rule, strict, FLAG, "true", "refuse instead of repair"),
    SETTING(rule, map, NODE, "", "old values to new ones"),
    {0},
};

static struct rule rule;
static struct mistakes *mistakes;
static json_t *document;

static int
read_rule_also(const char *json, const char *const also[])
{
    mistakes = mistakes_create();
    document = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(document);
    struct node node = {document, "/clean/3"};
    return config_from_node(rule_table, &node, also, &rule, mistakes);
}

static int
read_rule(const char *json)
{
    return read_rule_also(json, NULL);
}

static void
done(void)
{
    json_decref(document);
    mistakes_free(&mistakes);
}

static void
assert_only_mistake(const char *where, const char *message)
{
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_str_eq(mistakes_message(mistakes, 0), message);
    done();
}

START_TEST(an_object_is_read_by_its_table)
{
    ck_assert_int_eq(read_rule("{\"field\": \"age\", \"note\": \"old\", \"limit\": 3, \"low\": 2,"
                               " \"window\": \"5min\", \"strict\": false, \"map\": {\"a\": 1}}"),
                     0);
    ck_assert_str_eq(rule.field, "age");
    ck_assert_str_eq(rule.note, "old");
    ck_assert_int_eq(rule.limit, 3);
    ck_assert_int_eq(rule.window, 300000);
    ck_assert_double_eq(rule.low, 2);
    ck_assert(!rule.strict);
    ck_assert_ptr_eq(rule.map, json_object_get(document, "map"));
    done();
}
END_TEST

START_TEST(absent_keys_have_their_defaults)
{
    ck_assert_int_eq(read_rule("{\"field\": \"age\"}"), 0);
    ck_assert_ptr_null(rule.note);
    ck_assert_int_eq(rule.limit, 10);
    ck_assert_int_eq(rule.window, 3600000);
    ck_assert_double_eq(rule.low, 0.5);
    ck_assert(rule.strict);
    ck_assert_ptr_null(rule.map);
    done();
}
END_TEST

START_TEST(milliseconds_may_be_a_number)
{
    ck_assert_int_eq(read_rule("{\"field\": \"age\", \"window\": 250}"), 0);
    ck_assert_int_eq(rule.window, 250);
    done();
}
END_TEST

START_TEST(a_required_key_that_is_missing_is_a_mistake)
{
    ck_assert_int_eq(read_rule("{}"), -1);
    assert_only_mistake("/clean/3/field", "is required: the field it works on");
}
END_TEST

START_TEST(an_unknown_key_is_a_mistake_with_the_nearest_name)
{
    ck_assert_int_eq(read_rule("{\"field\": \"age\", \"stric\": true}"), -1);
    assert_only_mistake("/clean/3/stric", "is not known; did you mean \"strict\"?");
}
END_TEST

START_TEST(a_pointer_escapes_what_it_must)
{
    ck_assert_int_eq(read_rule("{\"field\": \"age\", \"a/b~c and something else\": 1}"), -1);
    assert_only_mistake("/clean/3/a~1b~0c and something else", "is not known");
}
END_TEST

START_TEST(comments_schemas_and_what_the_caller_reads_are_known)
{
    static const char *const also[] = {"rule", NULL};
    ck_assert_int_eq(read_rule_also("{\"field\": \"age\", \"rule\": \"trim\", \"$comment\": \"x\","
                                    " \"$schema\": \"y\"}",
                                    also),
                     0);
    done();
}
END_TEST

START_TEST(a_key_of_the_caller_may_be_the_nearest_name)
{
    static const char *const also[] = {"rule", NULL};
    ck_assert_int_eq(read_rule_also("{\"field\": \"age\", \"ruel\": \"trim\"}", also), -1);
    assert_only_mistake("/clean/3/ruel", "is not known; did you mean \"rule\"?");
}
END_TEST

START_TEST(all_mistakes_are_reported_at_once)
{
    ck_assert_int_eq(read_rule("{\"field\": 1, \"note\": null, \"limit\": -1, \"low\": \"0.5\","
                               " \"window\": \"soon\", \"strict\": 1, \"x\": 0}"),
                     -1);
    static const char *const expected[][2] = {
        {"/clean/3/field", "1 is not a text"},
        {"/clean/3/note", "null is not a text"},
        {"/clean/3/limit", "-1 is not a whole number from 0"},
        {"/clean/3/window", "\"soon\" is not a time such as 250ms, 2s, 5min, 1h or 30d"},
        {"/clean/3/low", "\"0.5\" is not a number"},
        {"/clean/3/strict", "1 is not true or false"},
        {"/clean/3/x", "is not known"},
    };
    ck_assert_uint_eq(mistakes_count(mistakes), sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < mistakes_count(mistakes); i++) {
        ck_assert_str_eq(mistakes_where(mistakes, i), expected[i][0]);
        ck_assert_str_eq(mistakes_message(mistakes, i), expected[i][1]);
    }
    done();
}
END_TEST

START_TEST(a_fraction_is_no_count_and_no_time)
{
    ck_assert_int_eq(read_rule("{\"field\": \"age\", \"limit\": 1.5, \"window\": 1.5}"), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 2);
    done();
}
END_TEST

START_TEST(objects_and_arrays_are_no_values)
{
    ck_assert_int_eq(read_rule("{\"field\": [], \"limit\": {}}"), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 2);
    ck_assert_str_eq(mistakes_message(mistakes, 0), "an array is not a text");
    ck_assert_str_eq(mistakes_message(mistakes, 1), "an object is not a whole number from 0");
    done();
}
END_TEST

START_TEST(a_text_with_a_nul_is_a_mistake)
{
    ck_assert_int_eq(read_rule("{\"field\": \"a\\u0000b\", \"window\": \"1\\u0000s\"}"), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 2);
    done();
}
END_TEST

START_TEST(what_is_no_object_is_a_mistake)
{
    ck_assert_int_eq(read_rule("[1]"), -1);
    assert_only_mistake("/clean/3", "an array is not an object");
}
END_TEST

START_TEST(nothing_is_no_object)
{
    mistakes = mistakes_create();
    struct node node = {NULL, ""};
    ck_assert_int_eq(config_from_node(rule_table, &node, NULL, &rule, mistakes), -1);
    assert_only_mistake("", "nothing is not an object");
}
END_TEST

START_TEST(a_key_longer_than_a_pointer_is_cut)
{
    char json[3000] = "{\"field\": \"age\", \"";
    size_t length = strlen(json);
    memset(json + length, '~', 2000);
    strcpy(json + length + 2000, "\": 1}");
    ck_assert_int_eq(read_rule(json), -1);
    ck_assert_uint_lt(strlen(mistakes_where(mistakes, 0)), 256);
    done();
}
END_TEST

START_TEST(the_json_schema_has_type_description_and_default)
{
    json_t *schema = config_json_schema(rule_table);
    json_t *expected = json_loads(
        "{\"field\": {\"type\": \"string\", \"description\": \"the field it works on\"},"
        " \"note\": {\"type\": \"string\", \"description\": \"why it is there\"},"
        " \"limit\": {\"type\": \"integer\", \"minimum\": 0, \"description\": \"how many\","
        "             \"default\": 10},"
        " \"window\": {\"type\": [\"integer\", \"string\"], \"minimum\": 0,"
        "              \"pattern\": \"^[0-9]+(ms|s|min|h|d)?$\", \"description\": \"how far back\","
        "              \"default\": \"1h\"},"
        " \"low\": {\"type\": \"number\", \"description\": \"the least value\", \"default\": 0.5},"
        " \"strict\": {\"type\": \"boolean\", \"description\": \"refuse instead of repair\","
        "              \"default\": true},"
        " \"map\": {\"description\": \"old values to new ones\"}}",
        0, NULL);
    ck_assert_ptr_nonnull(expected);
    ck_assert(json_equal(schema, expected));
    json_decref(schema);
    json_decref(expected);
}
END_TEST

RUN_TESTS("config_node", an_object_is_read_by_its_table, absent_keys_have_their_defaults,
          milliseconds_may_be_a_number, a_required_key_that_is_missing_is_a_mistake,
          an_unknown_key_is_a_mistake_with_the_nearest_name, a_pointer_escapes_what_it_must,
          comments_schemas_and_what_the_caller_reads_are_known,
          a_key_of_the_caller_may_be_the_nearest_name, all_mistakes_are_reported_at_once,
          a_fraction_is_no_count_and_no_time, objects_and_arrays_are_no_values,
          a_text_with_a_nul_is_a_mistake, what_is_no_object_is_a_mistake, nothing_is_no_object,
          a_key_longer_than_a_pointer_is_cut, the_json_schema_has_type_description_and_default)
