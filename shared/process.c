/* process: read anew for each scrape from getrusage and /proc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MILLRACE_VERSION
#define MILLRACE_VERSION "unknown"
#endif
#ifndef MILLRACE_REVISION
#define MILLRACE_REVISION "unknown"
#endif

/* jemalloc, which the product is linked with, looks for its settings here (its manual, TUNING);
 * those in MALLOC_CONF come after them. What was freed goes back to the system within two seconds,
 * by a thread of jemalloc's, whether or not the loops are at rest; sooner, a loaded loop would ask
 * the kernel for it again at once. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0";

static void
print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
print_resident_memory(FILE *out)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    long long pages;
    if (fscanf(file, "%*d %lld", &pages) == 1) {
        print_head(out, "process_resident_memory_bytes", "gauge", "Memory in use now.");
        fprintf(out, "process_resident_memory_bytes %lld\n", pages * sysconf(_SC_PAGESIZE));
    }
    fclose(file);
}

static double
seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void
print_cpu_seconds(FILE *out)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    print_head(out, "process_cpu_seconds_total", "counter", "User and system time spent.");
    fprintf(out, "process_cpu_seconds_total %.6f\n",
            seconds(usage.ru_utime) + seconds(usage.ru_stime));
}

static void
print_open_fds(FILE *out)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return;
    int count = -1; /* the one that lists the others */
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    print_head(out, "process_open_fds", "gauge", "Open file descriptors.");
    fprintf(out, "process_open_fds %d\n", count);
}

void
process_print_metrics(FILE *out)
{
    print_resident_memory(out);
    print_cpu_seconds(out);
    print_open_fds(out);
    print_head(out, "millrace_build_info", "gauge", "Always 1; what was built is in the labels.");
    fprintf(out, "millrace_build_info{version=\"%s\",revision=\"%s\"} 1\n", MILLRACE_VERSION,
            MILLRACE_REVISION);
}
