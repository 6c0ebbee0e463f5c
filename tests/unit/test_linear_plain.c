/* What a program without BLAS answers. The Makefile links BLAS into every test, so the plain file
 * is included here under other names. SPDX-License-Identifier: Apache-2.0 */
#define linear_normal_equations plain_normal_equations
#define linear_add_products     plain_add_products
#define linear_solve_spd        plain_solve_spd
#define linear_eigen            plain_eigen
#define linear_multiply         plain_multiply
#include "linear_plain.c"

#include <string.h>

#include "check_main.h"

static void
check_refused(int answer, const struct error *err)
{
    ck_assert_int_eq(answer, -1);
    ck_assert_int_eq(err->kind, ERROR_FATAL);
    ck_assert_ptr_nonnull(strstr(err->message, "links no BLAS"));
}

START_TEST(fitting_without_blas_says_so)
{
    const float x[1] = {1};
    double a[1] = {1}, b[1] = {1}, h[4], y[2];
    struct error err = {0};
    check_refused(plain_normal_equations(x, 1, 1, NULL, NULL, b, h, y, &err), &err);
    check_refused(plain_add_products(x, 1, 1, NULL, b, 1, y, &err), &err);
    check_refused(plain_solve_spd(a, 1, b, &err), &err);
    check_refused(plain_eigen(a, 1, b, h, &err), &err);
    check_refused(plain_multiply(LINEAR_AS_STORED, a, b, 1, 1, 1, h, &err), &err);
}
END_TEST

RUN_TESTS("linear_plain", fitting_without_blas_says_so)
