/* Tests of pipeline_schema: the JSON Schema in schemas/ is the one the tables print, and the
 * examples there are pipelines. Run from the project's root. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "check_main.h"
#include "model/model.h"
#include "pipeline.h"

#define SCHEMA_FILE  "schemas/pipeline.schema.json"
#define PRINTED_FILE "build/pipeline.schema.json"

static char *
read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
    fclose(file);
    return text;
}

static void
write_whole(const char *path, const char *text)
{
    mkdir("build", 0777);
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    ck_assert_int_ge(fprintf(file, "%s\n", text), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(the_file_is_what_the_tables_print)
{
    json_error_t problem;
    json_t *printed = pipeline_json_schema(), *file = json_load_file(SCHEMA_FILE, 0, &problem);
    if (!json_equal(printed, file)) {
        char *text = json_dumps(printed, JSON_INDENT(4) | JSON_REAL_PRECISION(15));
        write_whole(PRINTED_FILE, text);
        ck_abort_msg("%s is out of date: copy %s over it", SCHEMA_FILE, PRINTED_FILE);
    }
    json_decref(printed);
    json_decref(file);
}
END_TEST

START_TEST(every_kind_is_in_the_schema)
{
    json_t *schema = pipeline_json_schema();
    const json_t *train = json_object_get(json_object_get(schema, "properties"), "train");
    const json_t *kinds = json_object_get(train, "oneOf");
    for (size_t i = 0; model_types[i] != NULL; i++)
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(kinds, i), "title")),
                         model_types[i]->name);
    json_decref(schema);
}
END_TEST

static void
is_pipeline(const char *path, const char *name)
{
    struct mistakes *mistakes = mistakes_create();
    char *text = read_whole(path);
    struct pipeline *pipeline = pipeline_read(bytes_of(text), mistakes);
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        ck_abort_msg("%s%s: %s", path, mistakes_where(mistakes, i), mistakes_message(mistakes, i));
    ck_assert_str_eq(pipeline->name, name);
    ck_assert_ptr_nonnull(pipeline->train.learner);
    pipeline_free(&pipeline);
    mistakes_free(&mistakes);
    free(text);
}

START_TEST(the_loan_example_is_a_pipeline)
{
    is_pipeline("schemas/pipelines/loan.json", "loan");
}
END_TEST

START_TEST(the_lending_example_is_a_pipeline)
{
    is_pipeline("schemas/pipelines/lending.json", "lending");
}
END_TEST

RUN_TESTS("pipeline_schema", the_file_is_what_the_tables_print, every_kind_is_in_the_schema,
          the_loan_example_is_a_pipeline, the_lending_example_is_a_pipeline)
