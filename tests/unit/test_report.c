/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"

static char *
print(const struct report *report)
{
    char *text = NULL;
    size_t length = 0;
    struct error err = {0};
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    ck_ok(report_print(out, report, &err), err);
    fclose(out);
    return text;
}

static const double y[] = {0, 0, 1, 1}, p[] = {0.1, 0.2, 0.8, 0.9};
static const double steps[] = {1, 2, 3}, training[] = {0.6, 0.4, 0.3}, held[] = {0.7, 0.5, NAN};
static const size_t confusion[] = {2, 0, 1, 1};
static const char *const classes[] = {"good", "bad <b>"};
static const struct report_fact facts[] = {{"version", "loan/3"}, {"learner", "perceptron"}};
static const struct report_figure figures[] = {{"AUC", 1, 0.9, 1}, {"KS", NAN, NAN, NAN}};
static const struct report_segment segments[] = {{"rent", {2, 0.75}}, {"own", {0, NAN}}};
static const struct report_column columns[] = {{"income", {0.2, 0.01}}, {"age", {-0.05, 0.02}}};
static const struct report_column gains[] = {{"income", {1, NAN}}};
static const struct report_line lines[] = {{"training", training}, {"validation", held}};

static struct report
full(struct curve_point point[4], struct calibration_bin bin[2])
{
    struct error err = {0};
    struct report report = {
        .title = "Model loan/3",
        .fact = facts,
        .facts = 2,
        .figure = figures,
        .figures = 2,
        .segment = segments,
        .segments = 2,
        .segment_name = "home",
        .segment_figure = "AUC",
        .confusion = confusion,
        .class_name = classes,
        .classes = 2,
        .point = point,
        .bin = bin,
        .bins = 2,
        .column = columns,
        .columns = 2,
        .importance_figure = "fall of the AUC",
        .gain = gains,
        .gains = 1,
        .line = lines,
        .lines = 2,
        .step = steps,
        .steps = 3,
        .step_name = "round",
        .line_figure = "loss",
    };
    ck_ok(evaluate_curve(y, p, 4, point, &report.points, &err), err);
    ck_ok(evaluate_calibration(y, p, 4, CALIBRATION_WIDTH, bin, 2, &err), err);
    return report;
}

static size_t
count(const char *text, const char *part)
{
    size_t found = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        found++;
    return found;
}

START_TEST(every_part_with_data_is_there)
{
    struct curve_point point[4];
    struct calibration_bin bin[2];
    const struct report report = full(point, bin);
    char *text = print(&report);
    static const char *const parts[] = {
        "<h1>Model loan/3</h1>",
        "<th>learner</th><td>perceptron</td>",
        "<td>AUC</td><td class=\"n\">1.0000</td><td class=\"n\">0.9000</td>",
        "<td>KS</td><td class=\"n\">-</td>",
        "<th>good</th><td class=\"n\">2</td><td class=\"n\">0</td>",
        "<td>own</td><td class=\"n\">0</td><td class=\"n\">-</td>",
        "<figcaption>ROC</figcaption>",
        "<figcaption>Precision by recall</figcaption>",
        "<figcaption>Calibration</figcaption>",
        "<figcaption>Learning curve</figcaption>",
        "<figcaption>Importance</figcaption>",
        "<figcaption>Gain</figcaption>",
        "<title>1</title>",
        "<title>2 rows</title>",
        ">validation</text>",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "no %s in %s", parts[i], text);
    free(text);
}
END_TEST

START_TEST(parts_without_data_are_left_out)
{
    char *text = print(&(struct report){.title = "Nothing"});
    ck_assert_ptr_nonnull(strstr(text, "<h1>Nothing</h1>"));
    ck_assert_ptr_null(strstr(text, "<h2>"));
    ck_assert_ptr_null(strstr(text, "<svg"));
    free(text);
}
END_TEST

/* From (56, 252), which is (0, 0), up to (56, 14) and along to (366, 14). */
START_TEST(a_perfect_model_goes_up_the_edge_of_its_curve)
{
    struct curve_point point[4];
    struct calibration_bin bin[2];
    const struct report report = full(point, bin);
    char *text = print(&report);
    ck_assert_ptr_nonnull(
        strstr(text, "points=\"56.0,252.0 56.0,133.0 56.0,14.0 211.0,14.0 366.0,14.0 \""));
    /* calibration: 0.15 and 0 of two rows, 0.85 and 1 of two */
    ck_assert_ptr_nonnull(strstr(text, "<circle cx=\"102.5\" cy=\"252.0\""));
    ck_assert_ptr_nonnull(strstr(text, "<circle cx=\"319.5\" cy=\"14.0\""));
    free(text);
}
END_TEST

START_TEST(steps_without_a_value_are_left_out_of_the_line)
{
    struct curve_point point[4];
    struct calibration_bin bin[2];
    const struct report report = full(point, bin);
    char *text = print(&report);
    /* losses from 0.3, at the bottom, to 0.7, at the top */
    ck_assert_ptr_nonnull(strstr(text, "points=\"56.0,73.5 211.0,192.5 366.0,252.0 \""));
    ck_assert_ptr_nonnull(strstr(text, "points=\"56.0,14.0 211.0,133.0 \""));
    free(text);
}
END_TEST

START_TEST(nothing_is_asked_of_the_network)
{
    static const char *const asking[] = {
        "http://", "https://", "src=", "href=", "url(", "@import", "<script", "<link"};
    struct curve_point point[4];
    struct calibration_bin bin[2];
    const struct report report = full(point, bin);
    char *text = print(&report);
    for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
        ck_assert_msg(strstr(text, asking[i]) == NULL, "%s", asking[i]);
    ck_assert_ptr_nonnull(strstr(text, "default-src 'none'"));
    free(text);
}
END_TEST

START_TEST(hostile_texts_are_escaped)
{
    const char *const hostile = "</title><script>alert(\"1\")</script>&'\x01";
    const char *const names[] = {hostile};
    const size_t one[] = {1};
    const struct report_fact fact = {hostile, hostile};
    const struct report_column column = {hostile, {1, 0}};
    const struct report_line line = {hostile, training};
    const struct report report = {.title = hostile,
                                  .fact = &fact,
                                  .facts = 1,
                                  .confusion = one,
                                  .class_name = names,
                                  .classes = 1,
                                  .column = &column,
                                  .columns = 1,
                                  .importance_figure = hostile,
                                  .line = &line,
                                  .lines = 1,
                                  .step = steps,
                                  .steps = 3,
                                  .step_name = hostile,
                                  .line_figure = hostile};
    char *text = print(&report);
    ck_assert_ptr_null(strstr(text, "<script"));
    ck_assert_ptr_null(strchr(text, '\x01'));
    ck_assert_uint_ge(count(text, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"),
                      10);
    free(text);
}
END_TEST

/* Each element that begins ends, in order. */
START_TEST(elements_are_nested)
{
    struct curve_point point[4];
    struct calibration_bin bin[2];
    const struct report report = full(point, bin);
    char *text = print(&report), *open[64];
    size_t depth = 0, elements = 0;
    for (char *at = strchr(text + 1, '<'); at != NULL; at = strchr(at + 1, '<')) {
        char *end = strchr(at, '>'), *name = at + 1 + (at[1] == '/');
        size_t length = strcspn(name, " />");
        ck_assert_ptr_nonnull(end);
        elements++;
        if (at[1] == '/') {
            ck_assert_uint_gt(depth, 0);
            ck_assert_msg(strncmp(open[--depth], name, length) == 0, "%.60s", at);
        } else if (end[-1] != '/') {
            ck_assert_uint_lt(depth, 64);
            open[depth++] = name;
        }
    }
    ck_assert_uint_eq(depth, 0);
    ck_assert_uint_gt(elements, 100);
    free(text);
}
END_TEST

START_TEST(long_curves_are_thinned_to_their_ends)
{
    enum { POINTS = 20000 };
    static struct curve_point point[POINTS];
    for (size_t i = 0; i < POINTS; i++)
        point[i] = (struct curve_point){1, (double)(i + 1) / POINTS, (double)(i + 1) / POINTS, 0.5};
    char *text = print(&(struct report){.title = "Long", .point = point, .points = POINTS});
    ck_assert_uint_lt(strlen(text), 60000);
    ck_assert_ptr_nonnull(strstr(text, "points=\"56.0,252.0 "));
    ck_assert_ptr_nonnull(strstr(text, " 366.0,14.0 \""));
    free(text);
}
END_TEST

START_TEST(a_report_that_cannot_be_written_says_so)
{
    struct error err = {0};
    FILE *full_disk = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full_disk);
    ck_assert_int_eq(report_print(full_disk, &(struct report){.title = "x"}, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    fclose(full_disk);
}
END_TEST

RUN_TESTS("report", every_part_with_data_is_there, parts_without_data_are_left_out,
          a_perfect_model_goes_up_the_edge_of_its_curve,
          steps_without_a_value_are_left_out_of_the_line, nothing_is_asked_of_the_network,
          hostile_texts_are_escaped, elements_are_nested, long_curves_are_thinned_to_their_ends,
          a_report_that_cannot_be_written_says_so)
