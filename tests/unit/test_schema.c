/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include "schema.h"

START_TEST(every_type_is_found_by_its_name)
{
    for (int i = 0; i < COLUMN_TYPES; i++)
        ck_assert_int_eq(column_type_find(column_type_name((enum column_type)i)), i);
}
END_TEST

START_TEST(an_unknown_type_is_not_found)
{
    ck_assert_int_eq(column_type_find("integer"), -1);
    ck_assert_int_eq(column_type_find(""), -1);
}
END_TEST

START_TEST(types_have_their_sql_names)
{
    ck_assert_str_eq(column_type_sql(COLUMN_BOOL), "boolean");
    ck_assert_str_eq(column_type_sql(COLUMN_INT64), "bigint");
    ck_assert_str_eq(column_type_sql(COLUMN_FLOAT64), "double precision");
    ck_assert_str_eq(column_type_sql(COLUMN_TEXT), "text");
    ck_assert_str_eq(column_type_sql(COLUMN_TIMESTAMP), "timestamptz");
    ck_assert_str_eq(column_type_sql(COLUMN_BYTES), "bytea");
    ck_assert_str_eq(column_type_sql(COLUMN_VECTOR), "real[]");
    ck_assert_str_eq(column_type_sql(COLUMN_JSON), "jsonb");
}
END_TEST

START_TEST(columns_are_found_by_name_not_by_json_key)
{
    static const struct schema_field fields[] = {
        {.name = "age", .from = "Age", .type = COLUMN_INT64},
        {.name = "city", .type = COLUMN_TEXT},
    };
    static const struct schema schema = {.name = "loan.raw", .count = 2, .field = fields};
    ck_assert_int_eq(schema_find(&schema, "age"), 0);
    ck_assert_int_eq(schema_find(&schema, "city"), 1);
    ck_assert_int_eq(schema_find(&schema, "Age"), -1);
}
END_TEST

RUN_TESTS("schema", every_type_is_found_by_its_name, an_unknown_type_is_not_found,
          types_have_their_sql_names, columns_are_found_by_name_not_by_json_key)
