/* failpoint: steps at which the tests end or stop a process, and ingredients of the protocol that
 * they take away to see that somebody notices. Both exist in the sanitised build alone
 * (MILLRACE_TEST); the product holds no trace of them.
 *
 * FAILPOINT=<name>[@<program>]:<n>[:stop|:fail],... ends the process by _exit(137), as SIGKILL
 * would be reported, when it reaches that point for the n-th time, or stops it by SIGSTOP, or lets
 * the step fail as if its server had been lost then (points that say FAILS; others pass). `program`
 * is the file's name, such as millrace-scoring. FAILPOINT_ONCE names a folder: a point strikes only
 * where it can create the file <name>[@<program>]:<n> there, which then tells the pid and the
 * program, so a program that is started again passes. Anything else in these ends the process with
 * status 78.
 *
 * CRIPPLED=<name>,... names what is taken away. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FAILPOINT_H
#define MILLRACE_FAILPOINT_H

#include <stdbool.h>

#ifdef MILLRACE_TEST
/* Names are literals, "<loop>.<step>", so that tests/fault/points finds them. */
#define FAILPOINT(name) ((void)failpoint_reach(name))
#define FAILS(name)     failpoint_reach(name)
#define CRIPPLED(name)  failpoint_crippled(name)
bool failpoint_reach(const char *name); /* true: the step is to fail */
bool failpoint_crippled(const char *name);
#else
#define FAILPOINT(name) ((void)0)
#define FAILS(name)     false
#define CRIPPLED(name)  false
#endif

#endif
