/* seeds: writes the seed corpora, from the data of the tests and cases of their own. The same data
 * give the same files. Usage: fuzz_seeds FOLDER (tests/fuzz/corpus).
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "copied.h"
#include "credit.h"
#include "envelope.h"
#include "scorer.h"

#define MODEL_ROWS 300
#define CUT        "\x1e" /* between the pieces of a message */
#define TRACE      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const char *folder;

static void
write_seed(const char *target, int number, struct bytes seed)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof(path), "%s/%s/%02d", folder, target, number);
    FILE *file = fopen(path, "wb");
    REQUIRE(file != NULL && fwrite(seed.at, 1, seed.length, file) == seed.length);
    fclose(file);
}

/* The first `lines` lines of a file after `head`. */
static struct bytes
beginning(struct arena *arena, const char *head, const char *path, int lines)
{
    char line[65536]; /* longer ones come in pieces */
    struct text text = {.arena = arena};
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    text_puts(&text, head);
    while (lines-- > 0 && fgets(line, sizeof(line), file) != NULL)
        text_puts(&text, line);
    fclose(file);
    return text_bytes(&text);
}

static void
write_texts(const char *target, const char *const texts[])
{
    for (int i = 0; texts[i] != NULL; i++)
        write_seed(target, i, bytes_of(texts[i]));
}

/* The first character chooses the strictness of the schema by its two lowest bits. */
static const char *const codec[] = {
    "0{\"flag\":true,\"count\":-9223372036854775808,\"amount\":0.1,\"na/m~e \\\"\u00fc\":\"x\","
    "\"at\":\"2026-01-31T23:59:59.123456Z\",\"vector\":[1,-0.0,1e-40],\"more\":{\"a\":[1,1.0,null]}"
    "}",
    "3{\"amount\":1}",
    "1{\"flag\":null,\"amount\":1e308,\"count\":1e3}",
    "2{\"unknown\":1}",
    "0{\"at\":\"9999-12-31T23:59:60Z\"}",
    "0{\"at\":\"2016-12-31T23:59:60+00:00\",\"count\":9007199254740993.0}",
    "0{\"at\":\"0001-01-01\",\"count\":9223372036854775808}",
    "0{\"na/m~e \\\"\u00fc\":\"\\ud83d\\ude00\\u0001\\u007f\\\"\\\\/\"}",
    "0{\"na/m~e \\\"\u00fc\":\"\\u0000\"}",
    "0{\"more\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    "0{\"more\":\"\\ud800\",\"amount\":1e400}",
    "0{\"flag\":true,\"flag\":false}",
    "0{\"vector\":[1,2]} ",
    "0{\"vector\":[1e39,2,3]}",
    "0{\"amount\":NaN}",
    "0[1]",
    "0 {\"amount\" : 1E+2 , \"count\" : 5e-324 }\n",
    "1{\"picture\":\"AA==\",\"amount\":2.5}",
    NULL,
};
static const char *const messages[] = {
    "=k1" CUT "={\"age\":17}" CUT "=1700000000000000",
    "=k1" CUT "={\"age\":17}" CUT "=1700000000000000" CUT "=ce_specversion" CUT "=1.0" CUT
    "=ce_id" CUT "=e-1" CUT "=ce_source" CUT "=/bank/branch" CUT "=ce_type" CUT "=loan.applied" CUT
    "=ce_time" CUT "=2026-01-31T23:59:59.5Z" CUT "=ce_origin" CUT "=/bank" CUT "=traceparent" CUT
    "=" TRACE CUT "=ce_traceparent" CUT "=" TRACE CUT "=millrace_received_at" CUT
    "=2026-02-01T00:00:00Z" CUT "=millrace_pipeline_version" CUT "=7" CUT "=millrace_seq" CUT
    "=3:17",
    "-" CUT "-" CUT "=-1" CUT "=ce_id" CUT "=" CUT "=ce_id" CUT "-" CUT "=millrace_seq" CUT
    "=2147483648:1",
    "=k" CUT "=[" CUT "=9223372036854775807" CUT "=ce_id" CUT "=\xff\xfe" CUT "=ce_time" CUT
    "=0001-01-01" CUT "=millrace_pipeline_version" CUT "=99999999999999999999",
    "=k1" CUT "={\"age\":17}" CUT "=1700000000000000" CUT "=__connect.errors.topic" CUT
    "=millrace.loan.raw" CUT "=__connect.errors.partition" CUT "=3" CUT
    "=__connect.errors.offset" CUT "=42" CUT "=__connect.errors.connector.name" CUT "=cleaning" CUT
    "=__connect.errors.task.id" CUT "=0" CUT "=__connect.errors.stage" CUT "=clean" CUT
    "=__connect.errors.class.name" CUT "=rule.range" CUT
    "=__connect.errors.exception.class.name" CUT "=rule.range" CUT
    "=__connect.errors.exception.message" CUT "=17 is below 18" CUT "=millrace_error" CUT
    "={\"reason\":\"rule.range\",\"pointer\":\"/age\",\"value_class\":\"integer\",\"version\":7,"
    "\"attempt\":1}" CUT "=millrace_event_id" CUT "=e-1" CUT "=millrace_attempt" CUT "=2",
    "=\xc0\x80" CUT "=\x01\x02" CUT "=0" CUT "=millrace_error" CUT "={\"a\":\"\\u0000\"}" CUT
    "=x" CUT "-" CUT "=x" CUT "=2" CUT "=\xff" CUT "=3",
    NULL,
};
static const char changelog[] = /* a record, its tombstone, and records that are none of a state */
    "=k:a" CUT "=\x0a\0\0\x01\x8b\xcf\xe5\x68\0value" CUT "=k:a" CUT "-" CUT "=position" CUT
    "={}" CUT "=k:" CUT "=" CUT "=k:b" CUT "=\xff";
static const char *const structured[] = {
    "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/bank\",\"type\":\"loan.applied\","
    "\"time\":\"2026-01-31T23:59:59Z\",\"traceparent\":\"" TRACE "\",\"data\":{\"age\":17}}",
    "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"e30="
    "\"}",
    "{\"specversion\":\"1.1\",\"id\":\"\\u0000\",\"source\":\"s\",\"type\":\"t\",\"data\":"
    "\"\\u0000\"}",
    "{\"specversion\":\"0.3\",\"id\":\"e\",\"source\":\"s\",\"type\":\"t\",\"data\":1}",
    "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\",\"type\":\"t\",\"data\":1.0,\"time\":"
    "5}",
    "{\"specversion\"",
    "{\"age\":17}",
    NULL,
};
static const char *const csv[] = {
    "0Age,Home\n17,rent\n \"18\",owner\n",
    "1Age,Home,Price\r\n17,\"r\"\"e\nnt\",1e5\r\n\r\n-0,,1.5\r\n",
    "2\xef\xbb\xbf"
    "Age,since,tags,member\n1e3,2026-01-01,\"{\"\"a\"\":[1]}\",TRUE\n,x,y,z\n",
    "8Age,Status\n17,bad\n18,\n",
    "4Age,Status\n99999999999999999999,bad\n",
    "0\"Age\"x\n",
    "0Age,Age\n",
    "0Age\n\"never closed",
    "0Home\n\xff\xfe\n",
    NULL,
};
static const char *const jsonl[] = {
    "0{\"Age\":17,\"Home\":\"rent\",\"Status\":\"bad\"}\n{\"Age\":18}\r\n\n",
    "3{\"Age\":17.5,\"since\":\"2026-01-01\"}\nno json\n{\"Age\":{}}",
    "8{\"event_id\":\"e-1\",\"label\":\"bad\"}\n{\"Status\":1}\n{\"a\":1}\n",
    "4{\"Status\":\"good\",\"Age\":1}\n",
    "0{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\",\"type\":\"t\",\"data\":{\"Home\":"
    "\"x\"}}\n",
    "0\xff\n[1]\n\"x\"\nnull",
    NULL,
};
static const char *const http[] = {
    "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /readyz?verbose HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /healthz?verbose=1&exclude=kafka,postgresql HTTP/1.0\r\n\r\n",
    "HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /startupz HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "PUT /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET /%2e%2e/%00livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /readyz?exclude=%FF%00,,,&exclude HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    "GET",
    "\r\n\r\n",
    NULL,
};

static int
count_of(const char *const texts[])
{
    int count = 0;
    while (texts[count] != NULL)
        count++;
    return count;
}

static void
write_csv(struct arena *arena)
{
    int next = count_of(csv);
    write_texts("csv", csv);
    write_seed("csv", next, beginning(arena, "0", "tests/data/credit_data.csv", 6));
    write_seed("csv", next + 1, beginning(arena, "4", "tests/data/lending_club.csv", 3));
}

/* The loan pipeline with a search for its "train". */
static struct bytes
searching(struct arena *arena, const char *train)
{
    char line[65536];
    struct text text = {.arena = arena};
    FILE *file = fopen("schemas/pipelines/loan.json", "r");
    REQUIRE(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL)
        text_puts(&text, strstr(line, "\"train\":") != NULL ? train : line);
    fclose(file);
    return text_bytes(&text);
}

static void
write_pipelines(struct arena *arena)
{
    write_seed("pipeline", 0, beginning(arena, "", "schemas/pipelines/loan.json", 10000));
    write_seed("pipeline", 1, beginning(arena, "", "schemas/pipelines/lending.json", 10000));
    write_seed("pipeline", 2, bytes_of("{\"name\":\"a\",\"sources\":[{}],\"clean\":[{}],\"x\":1}"));
    write_seed(
        "pipeline", 3,
        searching(arena,
                  "\"train\":{\"learners\":[\"logistic\",\"tree\"],\"search\":{\"method\":\"grid\","
                  "\"points\":2,\"budget\":{\"trials\":30,\"minutes\":1},\"space\":{\"logistic\":{"
                  "\"l2\":{\"from\":0.1,\"to\":10,\"scale\":\"log\"},\"tolerance\":[1e-6,1e-8]},"
                  "\"tree\":{\"depth_max\":{\"from\":1,\"to\":6,\"points\":3}}}}},\n"));
}

/* Bytes of the model file are as good a source of values as any. */
static void
write_copies(struct arena *arena, struct bytes bytes)
{
    static const size_t lengths[] = {2, 60, 200, 2000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct bytes seed = {bytes.at + 40 * i, lengths[i]};
        write_seed("copy", (int)i, seed);
        write_seed("copy_reader", (int)i,
                   copied_bytes(arena, copied_frame(arena, seed.at, seed.length)));
    }
}

static struct bytes
model_file(struct arena *arena, const struct pipeline *pipeline)
{
    const struct frame *rows = credit_read(arena, MODEL_ROWS);
    struct scorer *scorer = NULL;
    struct error err = {0};
    struct bytes file;
    double *y = credit_outcomes(rows, arena);
    for (size_t i = 0; pipeline->label.task == TASK_CLASSES && i < rows->rows; i++)
        y[i] = (double)(i % 3);
    ck_ok(scorer_fit(pipeline,
                     &(struct lesson){rows, credit_all_rows(rows, arena), rows->rows, y, 1},
                     &scorer, &err),
          err);
    if (pipeline->label.task == TASK_REGRESSION)
        ck_ok(scorer_measure_spread(scorer, y, y, rows->rows, &err), err);
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    scorer_free(&scorer);
    return file;
}

/* Of each program and form. */
static void
write_foreign(struct arena *arena)
{
    static const char *const files[] = {
        "xgboost_some.json",   "xgboost_2_1.json",    "lightgbm_3_3.txt",
        "lightgbm_filled.txt", "linear_scaled.json",  "linear_classes.json",
        "xgboost_binary.json", "lightgbm_binary.txt", "xgboost_dart.json"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        write_seed(
            "foreign", (int)i,
            beginning(arena, "", arena_print(arena, "tests/data/foreign/%s", files[i]), 10000));
}

/* A few trees of each learner of trees. */
static void
write_tree_models(struct arena *arena, int number)
{
    static const struct {
        const char *learner, *count;
    } kinds[] = {
        {"boosting", "rounds"}, {"forest", "trees"}, {"isolation", "trees"}, {"tree", "depth_max"}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct model_type *learner = model_find(kinds[i].learner);
        const struct pipeline *pipeline = credit_tree_pipeline(arena, learner);
        credit_set_count((void *)(uintptr_t)pipeline->train.settings, learner->table,
                         kinds[i].count, 3);
        write_seed("model", number + (int)i, model_file(arena, pipeline));
    }
}

/* What a file ends in where the outcome is none of two. */
static void
write_outcome_models(struct arena *arena, int number)
{
    static const char *const names[] = {"a", "b", "c"};
    const struct model_type *boosting = model_find("boosting");
    struct pipeline *several = credit_tree_pipeline(arena, boosting);
    struct pipeline *numbers = credit_tree_pipeline(arena, boosting);
    credit_set_count((void *)(uintptr_t)several->train.settings, boosting->table, "rounds", 2);
    credit_set_count((void *)(uintptr_t)numbers->train.settings, boosting->table, "rounds", 2);
    several->label.task = TASK_CLASSES;
    several->label.class_name = names;
    several->label.classes = 3;
    numbers->label.task = TASK_REGRESSION;
    write_seed("model", number, model_file(arena, several));
    write_seed("model", number + 1, model_file(arena, numbers));
}

/* A test, because what reads the credit data asserts as tests do. */
START_TEST(the_seeds_are_written)
{
    struct arena *arena = fuzz_arena();
    struct bytes model = model_file(arena, credit_pipeline(arena));
    write_texts("codec", codec);
    write_texts("envelope", messages);
    write_texts("dead", messages);
    write_seed("state", 0, (struct bytes){(const uint8_t *)changelog, sizeof(changelog) - 1});
    write_texts("structured", structured);
    write_csv(arena);
    write_texts("jsonl", jsonl);
    write_texts("http", http);
    write_pipelines(arena);
    write_seed("model", 0, model);
    write_tree_models(arena, 1);
    write_outcome_models(arena, 5);
    write_foreign(arena);
    write_copies(arena, model);
}
END_TEST

int
main(int argc, char **argv)
{
    const TTest *const tests[] = {the_seeds_are_written};
    REQUIRE(argc == 2);
    folder = argv[1];
    mkdir(folder, 0777);
    return run_tests("seeds", tests, 1);
}
