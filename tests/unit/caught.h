/* caught: what a test's process writes to standard output, through a pipe; no more than the pipe
 * holds. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_CAUGHT_H
#define MILLRACE_TESTS_CAUGHT_H

#include <stdio.h>
#include <unistd.h>

#include "check_main.h"

static char output[1 << 20];
static int pipe_ends[2], real_stdout;

static void
catch_output(void)
{
    ck_assert_int_eq(pipe(pipe_ends), 0);
    fflush(stdout);
    real_stdout = dup(STDOUT_FILENO);
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[1]);
}

static const char *
caught_output(void)
{
    dup2(real_stdout, STDOUT_FILENO);
    close(real_stdout);
    size_t length = 0;
    ssize_t n;
    while ((n = read(pipe_ends[0], output + length, sizeof(output) - 1 - length)) > 0)
        length += (size_t)n;
    close(pipe_ends[0]);
    output[length] = '\0';
    return output;
}

#endif
