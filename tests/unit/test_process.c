/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

static char *
printed(void)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    process_print_metrics(file);
    fclose(file);
    return text;
}

static double
metric_of(const char *name)
{
    char *text = printed(), line[128];
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(text, line);
    ck_assert_msg(at != NULL, "no %s in %s", name, text);
    double value = strtod(at + strlen(line), NULL);
    free(text);
    return value;
}

START_TEST(memory_and_time_are_those_of_a_living_process)
{
    ck_assert_double_gt(metric_of("process_resident_memory_bytes"), 100000);
    ck_assert_double_lt(metric_of("process_resident_memory_bytes"), 1e13);
    ck_assert_double_ge(metric_of("process_cpu_seconds_total"), 0);
}
END_TEST

START_TEST(an_opened_file_is_counted)
{
    double before = metric_of("process_open_fds");
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_double_eq(metric_of("process_open_fds"), before + 1);
    close(fd);
    ck_assert_double_eq(metric_of("process_open_fds"), before);
}
END_TEST

START_TEST(the_build_is_named)
{
    char *text = printed();
    const char *build =
        strstr(text, "\nmillrace_build_info{version=\"" MILLRACE_VERSION "\",revision=\"");
    ck_assert_ptr_nonnull(build);
    ck_assert_ptr_nonnull(strstr(build, "\"} 1\n"));
    free(text);
}
END_TEST

RUN_TESTS("process", memory_and_time_are_those_of_a_living_process, an_opened_file_is_counted,
          the_build_is_named)
