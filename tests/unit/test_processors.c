/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "processors.h"

static char root[] = "/tmp/processors-XXXXXX";
static const char *const folders[] = {"/pod", "/pod/container"};

static void
path_of(const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s%s", root, name);
}

static void
write_limit(const char *folder, const char *content)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof(name), "%s/cpu.max", folder);
    path_of(name, path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    fclose(file);
}

static void
make_hierarchy(void)
{
    char path[PATH_MAX];
    memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(root));
    for (size_t i = 0; i < 2; i++) {
        path_of(folders[i], path);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
}

static void
remove_hierarchy(void)
{
    static const char *const files[] = {"/pod/container/cpu.max", "/pod/cpu.max", "/cpu.max",
                                        "/pod/container",         "/pod",         ""};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        path_of(files[i], path);
        remove(path);
    }
}

START_TEST(the_least_quota_of_all_groups_above_counts)
{
    make_hierarchy();
    write_limit("/pod/container", "max 100000\n");
    write_limit("/pod", "300000 100000\n");
    ck_assert_uint_eq(processors_quota(root, "/pod/container"), 3);
    write_limit("/pod/container", "100000 50000\n");
    ck_assert_uint_eq(processors_quota(root, "/pod/container"), 2);
    ck_assert_uint_eq(processors_quota(root, "/pod"), 3);
    remove_hierarchy();
}
END_TEST

START_TEST(in_a_container_the_root_is_its_own_group)
{
    make_hierarchy();
    write_limit("", "150000 100000\n");
    ck_assert_uint_eq(processors_quota(root, "/"), 2);
    write_limit("", "1000 100000\n");
    ck_assert_uint_eq(processors_quota(root, "/"), 1);
    ck_assert_uint_eq(processors_quota(root, "/group/that/is/not/there/"), 1);
    remove_hierarchy();
}
END_TEST

START_TEST(what_is_no_quota_limits_nothing)
{
    static const char *const contents[] = {
        "",         "max",           "max 100000", "0 100000",
        "100000",   "100000 0",      "-1 100000",  "100000 -100000",
        "many few", "1e9999999 1e9", "\n\n",       "999999999999999999 1",
    };
    make_hierarchy();
    ck_assert_uint_eq(processors_quota(root, "/pod"), 0);
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        write_limit("/pod", contents[i]);
        ck_assert_msg(processors_quota(root, "/pod") == 0, "\"%s\"", contents[i]);
    }
    remove_hierarchy();
}
END_TEST

START_TEST(an_affinity_to_one_processor_leaves_one)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    ck_assert_uint_ge(processors_usable(), 1);
    ck_assert_uint_le(processors_usable(), (unsigned)CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_uint_eq(processors_usable(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
}
END_TEST

RUN_TESTS("processors", the_least_quota_of_all_groups_above_counts,
          in_a_container_the_root_is_its_own_group, what_is_no_quota_limits_nothing,
          an_affinity_to_one_processor_leaves_one)
