/* SPDX-License-Identifier: Apache-2.0 */
#include "processors.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define HIERARCHY "/sys/fs/cgroup"
#define SETS      8 /* of 1,024 processors each; a machine of more than all of them counts as one */

static unsigned
count_affinity(void)
{
    cpu_set_t set[SETS];
    memset(set, 0, sizeof(set));
    if (sched_getaffinity(0, sizeof(set), set) != 0)
        return 1;
    int count = CPU_COUNT_S(sizeof(set), set);
    return count > 0 ? (unsigned)count : 1;
}

/* "<quota> <period>", both in microseconds; "max <period>" is no quota. */
static unsigned
read_quota(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    long long quota, period;
    int read = fscanf(file, "%18lld %18lld", &quota, &period);
    fclose(file);
    if (read != 2 || quota <= 0 || period <= 0)
        return 0;
    long long whole = quota / period + (quota % period != 0);
    return whole < UINT_MAX ? (unsigned)whole : 0;
}

unsigned
processors_quota(const char *root, const char *group)
{
    char path[PATH_MAX];
    size_t end = strlen(group);
    unsigned least = 0;
    for (;;) {
        while (end > 0 && group[end - 1] == '/')
            end--;
        int length = snprintf(path, sizeof(path), "%s%.*s/cpu.max", root, (int)end, group);
        unsigned quota = length > 0 && length < (int)sizeof(path) ? read_quota(path) : 0;
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
        if (end == 0)
            return least;
        while (end > 0 && group[end - 1] != '/')
            end--;
    }
}

/* The line "0::<group>" is the one of version 2; those of version 1 say nothing of cpu.max. */
static unsigned
own_quota(void)
{
    char line[PATH_MAX + 8];
    unsigned quota = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) == 0)
            quota = processors_quota(HIERARCHY, line + 3);
    }
    fclose(file);
    return quota;
}

unsigned
processors_usable(void)
{
    unsigned may = count_affinity(), quota = own_quota();
    return quota > 0 && quota < may ? quota : may;
}
