/* What `train export` writes, and what `models import` reads of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/cli/exported.h"

#include <math.h>

#include "../../../services/cli/files.h"
#include "../credit.h"
#include "text.h"

#define FEW 300

static struct arena *arena;

static struct scorer *
encoders_of(const struct pipeline *pipeline, const struct frame *rows)
{
    struct scorer *encoders = NULL;
    struct error err = {0};
    ck_ok(scorer_fit_encoders(pipeline, rows, credit_all_rows(rows, arena), rows->rows, &encoders,
                              &err),
          err);
    return encoders;
}

static struct bytes
json_of(const struct pipeline *pipeline, const struct scorer *encoders)
{
    struct bytes json;
    struct error err = {0};
    const struct exported_rows rows = {240, 60, "0123"};
    ck_ok(exported_write(pipeline, &rows, encoders, arena, &json, &err), err);
    return json;
}

START_TEST(the_encoders_come_back_from_the_json)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    const struct pipeline *pipeline = credit_tree_pipeline(arena, model_find("boosting"));
    struct scorer *encoders = encoders_of(pipeline, rows), *again = NULL;
    struct error err = {0};
    struct bytes saved, resaved;
    ck_ok(exported_read(json_of(pipeline, encoders), pipeline, arena, &again, &err), err);
    ck_ok(scorer_save_encoders(encoders, arena, &saved, &err), err);
    ck_ok(scorer_save_encoders(again, arena, &resaved, &err), err);
    ck_assert(bytes_equal(saved, resaved));
    scorer_free(&encoders);
    scorer_free(&again);
    arena_close(&arena);
}
END_TEST

START_TEST(the_json_tells_types_and_settings)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    const struct pipeline *pipeline = credit_tree_pipeline(arena, model_find("boosting"));
    struct scorer *encoders = encoders_of(pipeline, rows);
    struct bytes text = json_of(pipeline, encoders);
    json_t *json = json_loadb((const char *)text.at, text.length, 0, NULL);
    const json_t *columns = json_object_get(json, "columns");
    ck_assert_uint_eq(json_array_size(columns), scorer_columns(encoders));
    const json_t *home = json_array_get(columns, 9), *age = json_array_get(columns, 2);
    ck_assert_str_eq(json_string_value(json_object_get(home, "name")), "home");
    ck_assert_str_eq(json_string_value(json_object_get(home, "type")), "category");
    ck_assert_int_gt(json_integer_value(json_object_get(home, "categories")), 2);
    ck_assert_str_eq(json_string_value(json_object_get(age, "type")), "float");
    ck_assert_ptr_null(json_object_get(age, "categories"));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "rows"), "train")),
                     240);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "train"), "learner")),
                     "logistic");
    json_decref(json);
    scorer_free(&encoders);
    arena_close(&arena);
}
END_TEST

START_TEST(a_row_is_a_line_that_readers_of_csv_take)
{
    arena = credit_arena();
    struct text text = {.arena = arena};
    static const char *const names[] = {"age", "home"};
    const float cells[] = {0.1f, NAN};
    exported_put_header(&text, &(struct foreign_columns){2, names, NULL});
    exported_put_row(&text, bytes_of("e-1"), false, 1, cells, 2);
    exported_put_row(&text, bytes_of("a,\"b\""), true, 0, (const float[]){-3, 1e30f}, 2);
    ck_assert(bytes_equal_text(text_bytes(&text),
                               "event_id,split,label,age,home\n"
                               "e-1,train,1,0.10000000149011612,\n"
                               "\"a,\"\"b\"\"\",test,0,-3,1.0000000150474662e+30\n"));
    arena_close(&arena);
}
END_TEST

static void
check_refused(const char *json, const struct pipeline *pipeline, const char *says)
{
    struct scorer *scorer = NULL;
    struct error err = {0};
    ck_assert_int_eq(exported_read(bytes_of(json), pipeline, arena, &scorer, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    ck_assert_ptr_null(scorer);
}

START_TEST(another_json_is_refused)
{
    arena = credit_arena();
    const struct pipeline *loan = credit_pipeline(arena);
    check_refused("[", loan, "not JSON at byte");
    check_refused("{}", loan, "\"format\" is not");
    check_refused("{\"format\":\"millrace-export-1\",\"pipeline\":\"cars\"}", loan,
                  "of the pipeline \"cars\", not of \"loan\"");
    check_refused("{\"format\":\"millrace-export-1\",\"pipeline\":\"loan\",\"encoders\":\"0g\"}",
                  loan, "no hexadecimal digits");
    check_refused("{\"format\":\"millrace-export-1\",\"pipeline\":\"loan\",\"encoders\":7}", loan,
                  "no hexadecimal digits");
    check_refused("{\"format\":\"millrace-export-1\",\"pipeline\":\"loan\",\"encoders\":\"00\"}",
                  loan, "a model file has from");
    arena_close(&arena);
}
END_TEST

START_TEST(a_file_is_there_whole_or_not_at_all)
{
    arena = credit_arena();
    struct error err = {0};
    struct file file;
    struct bytes bytes;
    char path[] = "/tmp/millrace-files-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    const char *name = arena_print(arena, "%s/file", path);
    ck_ok(file_begin(name, &file, &err), err);
    fputs("abc", file.out);
    ck_assert_int_eq(file_read(name, 9, arena, &bytes, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_ok(file_end(&file, &err), err);
    ck_ok(file_read(name, 9, arena, &bytes, &err), err);
    ck_assert(bytes_equal_text(bytes, "abc"));
    ck_ok(file_begin(name, &file, &err), err);
    fputs("torn", file.out);
    file_drop(&file);
    ck_ok(file_read(name, 9, arena, &bytes, &err), err);
    ck_assert(bytes_equal_text(bytes, "abc"));
    ck_assert_int_eq(file_read(name, 2, arena, &bytes, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "has 3 bytes, the limit is 2"));
    ck_assert_int_eq(file_read(path, 9, arena, &bytes, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "is no file"));
    ck_assert_int_eq(remove(name), 0);
    ck_assert_int_eq(remove(path), 0);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("cli_exported", the_encoders_come_back_from_the_json, the_json_tells_types_and_settings,
          a_row_is_a_line_that_readers_of_csv_take, another_json_is_refused,
          a_file_is_there_whole_or_not_at_all)
