/* wide: functions compiled for the wider registers of newer processors too; which of them runs is
 * chosen once, when the program starts. They have no part in the bits: nothing is fused or
 * reordered
 * (-ffp-contract=off), each lane does what a row alone would. What chooses runs before
 * ThreadSanitizer is ready, and gcc 12 instruments it all the same.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_WIDE_H
#define MILLRACE_WIDE_H

#if defined(NARROW) /* by a test, which compares */
#define ALSO_WIDE
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                           \
    !defined(__SANITIZE_THREAD__)
#define ALSO_WIDE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define ALSO_WIDE
#endif
/* What such a function is made of; by itself it would be compiled for all processors alike. */
#define PART_OF_WIDE static inline __attribute__((always_inline))
/* What is large and written before it is read, so that no time goes into zeros. */
#define UNINITIALISED __attribute__((uninitialized))

#endif
