/* process: what this process is and takes, as metrics, and how long it keeps its memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PROCESS_H
#define MILLRACE_PROCESS_H

#include <stdint.h>
#include <stdio.h>

#define PROCESS_REST_MS 2000 /* without work for so long a loop gives its memory back */

/* Memory that was freed goes back to the system after two seconds; before, it would be asked for
 * again at once, and the kernel's share of a loaded loop is a fifth. */
void process_tune_memory(void);

/* process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds and
 * millrace_build_info{version,revision} in Prometheus' text format. What the system does not tell
 * is left out. */
void process_print_metrics(FILE *);

#endif
