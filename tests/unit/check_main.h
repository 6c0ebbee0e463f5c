/* check_main: one main for every unit test program.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CHECK_MAIN_H
#define MILLRACE_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

#include "error.h"

/* Use: RUN_TESTS("codec", test_a, test_b) where each was defined by START_TEST .. END_TEST. Check
 * forks for each test, so one that crashes fails alone. */
__attribute__((unused)) static int
run_tests(const char *name, const TTest *const tests[], size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define RUN_TESTS(name, ...)                                                                       \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return run_tests(name, tests, sizeof(tests) / sizeof(tests[0]));                           \
    }

/* Fails the test with the error's sentence. */
#define ck_ok(call, err) ck_assert_msg((call) == 0, "%s", (err).message)

#endif
