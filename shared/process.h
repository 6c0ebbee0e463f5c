/* process: what this process is and takes, as metrics, and how it keeps its memory small.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PROCESS_H
#define MILLRACE_PROCESS_H

#include <stdint.h>
#include <stdio.h>

#define PROCESS_REST_MS 2000 /* without work for so long a loop gives its memory back */

/* Few heaps for many threads, and large blocks that go back to the system as they are freed. Before
 * the first thread. */
void process_tune_memory(void);
/* What was freed goes back to the system; takes milliseconds, so it is for idle loops. */
void process_give_back(void);

/* process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds and
 * millrace_build_info{version,revision} in Prometheus' text format. What the system does not tell
 * is left out. */
void process_print_metrics(FILE *);

#endif
