/* process: what this process is and takes, as metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PROCESS_H
#define MILLRACE_PROCESS_H

#include <stdio.h>

#define PROCESS_REST_MS 2000 /* without work for so long a loop gives its memory back */

/* process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds and
 * millrace_build_info{version,revision} in Prometheus' text format. What the system does not tell
 * is left out. */
void process_print_metrics(FILE *);

#endif
