/* processors: how many this process may use at once, which is less than the machine has where a
 * container or an affinity limits it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PROCESSORS_H
#define MILLRACE_PROCESSORS_H

/* At least 1: those the scheduler may put this thread on (sched_getaffinity), and no more than the
 * quota of its control group or of one above it allows. */
unsigned processors_usable(void);

/* The least quota in cpu.max of `group` and of the groups above it, under the mounted hierarchy
 * `root` (cgroup v2), in whole processors, rounded up: half a processor more is worth a thread. 0:
 * none of them has one that can be read. `group` is as /proc/self/cgroup names it, from "/" on. */
unsigned processors_quota(const char *root, const char *group);

#endif
