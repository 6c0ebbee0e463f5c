/* metrics: a cell per label value. Counting walks a short list without a lock and adds atomically;
 * a lock is taken only to make a new cell. Cells are never removed, so a pointer once read stays
 * good.
 * SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define TABLES_MAX 64
#define CELLS_MAX  1000 /* label values of a metric; the rest is counted under "other" */
#define SLOTS      64   /* of a metric's hash table */

/* Upper ends in seconds, inclusive; observations above the last are counted as +Inf. */
static const double bucket_ends[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                     0.5,   1,      2.5,   5,    10,    25,   50,  60};
#define BUCKETS (sizeof(bucket_ends) / sizeof(bucket_ends[0]))

struct cell {
    struct cell *next_in_slot;
    struct cell *_Atomic next; /* in the order they were made, for printing */
    bool listed;               /* `key` is a whole label list, not a value */
    _Atomic int64_t count;     /* of a counter */
    _Atomic double real;       /* of a gauge; of a histogram its sum */
    _Atomic int64_t bucket[BUCKETS + 1];
    char key[];
};

struct cells {
    struct cell *_Atomic slot[SLOTS];
    struct cell *_Atomic first;
    struct cell *last;
    size_t count;
};

/* Guards the list of tables and the making of cells. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *tables[TABLES_MAX];
static size_t table_count;

void
metrics_register(struct metric *table)
{
    pthread_mutex_lock(&lock);
    bool known = false;
    for (size_t i = 0; i < table_count; i++)
        known = known || tables[i] == table;
    if (!known) {
        assert(table_count < TABLES_MAX);
        tables[table_count++] = table;
    }
    pthread_mutex_unlock(&lock);
}

/* FNV-1a, by Fowler, Noll and Vo: http://www.isthe.com/chongo/tech/comp/fnv/ */
static size_t
slot_of(const char *key)
{
    uint32_t hash = 2166136261u;
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash % SLOTS;
}

static struct cell *
find_cell(struct cells *cells, size_t slot, const char *key, bool listed)
{
    struct cell *cell = atomic_load_explicit(&cells->slot[slot], memory_order_acquire);
    while (cell && (cell->listed != listed || strcmp(cell->key, key) != 0))
        cell = cell->next_in_slot;
    return cell;
}

static struct cell *
add_cell(struct cells *cells, size_t slot, const char *key, bool listed)
{
    size_t length = strlen(key);
    struct cell *cell = calloc(1, sizeof(*cell) + length + 1);
    if (!cell)
        return NULL;
    memcpy(cell->key, key, length + 1);
    cell->listed = listed;
    cell->next_in_slot = atomic_load(&cells->slot[slot]);
    atomic_store_explicit(&cells->slot[slot], cell, memory_order_release);
    if (cells->last)
        atomic_store_explicit(&cells->last->next, cell, memory_order_release);
    else
        atomic_store_explicit(&cells->first, cell, memory_order_release);
    cells->last = cell;
    cells->count++;
    return cell;
}

static struct cell *
make_cell(struct metric *metric, const char *key, bool listed)
{
    pthread_mutex_lock(&lock);
    struct cells *cells = __atomic_load_n(&metric->cells, __ATOMIC_ACQUIRE);
    if (!cells) {
        cells = calloc(1, sizeof(*cells));
        __atomic_store_n(&metric->cells, cells, __ATOMIC_RELEASE);
    }
    struct cell *cell = NULL;
    if (cells) {
        if (cells->count >= CELLS_MAX) {
            key = "other";
            listed = false;
        }
        cell = find_cell(cells, slot_of(key), key, listed);
        if (!cell)
            cell = add_cell(cells, slot_of(key), key, listed);
    }
    pthread_mutex_unlock(&lock);
    return cell;
}

/* NULL when memory ran out: then a count is lost, which is better than a batch. Past CELLS_MAX each
 * count of a value unknown takes the lock; that is slow, but a sign of a mistake anyway. */
static struct cell *
cell_of(struct metric *metric, const char *key, bool listed)
{
    if (!key)
        key = "";
    struct cells *cells = __atomic_load_n(&metric->cells, __ATOMIC_ACQUIRE);
    struct cell *cell = cells ? find_cell(cells, slot_of(key), key, listed) : NULL;
    return cell ? cell : make_cell(metric, key, listed);
}

static void
add_real(_Atomic double *sum, double value)
{
    double old = atomic_load_explicit(sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(sum, &old, old + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
}

void
metric_add(struct metric *metric, const char *value, int64_t n)
{
    assert(metric->type != METRIC_SECONDS);
    struct cell *cell = cell_of(metric, value, false);
    if (!cell)
        return;
    if (metric->type == METRIC_COUNTER)
        atomic_fetch_add_explicit(&cell->count, n, memory_order_relaxed);
    else
        add_real(&cell->real, (double)n);
}

static void
set_cell(struct metric *metric, struct cell *cell, double to)
{
    assert(metric->type != METRIC_SECONDS);
    if (!cell)
        return;
    if (metric->type == METRIC_COUNTER)
        atomic_store_explicit(&cell->count, (int64_t)to, memory_order_relaxed);
    else
        atomic_store_explicit(&cell->real, to, memory_order_relaxed);
}

void
metric_set(struct metric *metric, const char *value, double to)
{
    set_cell(metric, cell_of(metric, value, false), to);
}

void
metric_set_labels(struct metric *metric, const char *labels, double to)
{
    set_cell(metric, cell_of(metric, labels, true), to);
}

void
metric_observe(struct metric *metric, const char *value, double seconds)
{
    assert(metric->type == METRIC_SECONDS);
    struct cell *cell = isfinite(seconds) ? cell_of(metric, value, false) : NULL;
    if (!cell)
        return;
    if (seconds < 0) /* clocks of several machines differ a little */
        seconds = 0;
    size_t i = 0;
    while (i < BUCKETS && seconds > bucket_ends[i])
        i++;
    atomic_fetch_add_explicit(&cell->bucket[i], 1, memory_order_relaxed);
    add_real(&cell->real, seconds);
}

static int64_t
observations(const struct cell *cell)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= BUCKETS; i++)
        sum += atomic_load_explicit(&cell->bucket[i], memory_order_relaxed);
    return sum;
}

double
metric_value(struct metric *metric, const char *value)
{
    const char *key = value ? value : "";
    struct cells *cells = __atomic_load_n(&metric->cells, __ATOMIC_ACQUIRE);
    struct cell *cell = cells ? find_cell(cells, slot_of(key), key, false) : NULL;
    if (!cell)
        return 0;
    if (metric->type == METRIC_SECONDS)
        return (double)observations(cell);
    if (metric->type == METRIC_COUNTER)
        return (double)atomic_load_explicit(&cell->count, memory_order_relaxed);
    return atomic_load_explicit(&cell->real, memory_order_relaxed);
}

/* In help texts a quote stays as it is. */
static void
print_escaped(FILE *file, const char *text, bool in_quotes)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", file);
        else if (*text == '\\' || (*text == '"' && in_quotes))
            fprintf(file, "\\%c", *text);
        else
            fputc(*text, file);
    }
}

/* `bound` is the bucket's end, or NULL. */
static void
print_labels(FILE *file, const struct metric *metric, const struct cell *cell, const char *bound)
{
    if (cell->key[0] == '\0' && !bound)
        return;
    fputc('{', file);
    if (cell->listed) {
        fputs(cell->key, file);
    } else if (cell->key[0] != '\0') {
        fprintf(file, "%s=\"", metric->label ? metric->label : "pipeline");
        print_escaped(file, cell->key, true);
        fputc('"', file);
    }
    if (bound)
        fprintf(file, "%sle=\"%s\"", cell->key[0] != '\0' ? "," : "", bound);
    fputc('}', file);
}

static void
print_real(FILE *file, double real)
{
    if (isnan(real))
        fputs(" NaN\n", file);
    else if (isinf(real))
        fputs(real > 0 ? " +Inf\n" : " -Inf\n", file);
    else
        fprintf(file, " %.15g\n", real);
}

static void
print_histogram(FILE *file, const struct metric *metric, const struct cell *cell)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        char bound[32] = "+Inf";
        if (i < BUCKETS)
            snprintf(bound, sizeof(bound), "%g", bucket_ends[i]);
        sum += atomic_load_explicit(&cell->bucket[i], memory_order_relaxed);
        fprintf(file, "%s_bucket", metric->name);
        print_labels(file, metric, cell, bound);
        fprintf(file, " %" PRId64 "\n", sum);
    }
    fprintf(file, "%s_sum", metric->name);
    print_labels(file, metric, cell, NULL);
    print_real(file, atomic_load_explicit(&cell->real, memory_order_relaxed));
    fprintf(file, "%s_count", metric->name);
    print_labels(file, metric, cell, NULL);
    fprintf(file, " %" PRId64 "\n", sum);
}

static void
print_cell(FILE *file, const struct metric *metric, const struct cell *cell)
{
    if (metric->type == METRIC_SECONDS) {
        print_histogram(file, metric, cell);
        return;
    }
    fputs(metric->name, file);
    print_labels(file, metric, cell, NULL);
    if (metric->type == METRIC_COUNTER)
        fprintf(file, " %" PRId64 "\n", atomic_load_explicit(&cell->count, memory_order_relaxed));
    else
        print_real(file, atomic_load_explicit(&cell->real, memory_order_relaxed));
}

static void
print_metric(FILE *file, const struct metric *metric)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    fprintf(file, "# HELP %s ", metric->name);
    print_escaped(file, metric->help, false);
    fprintf(file, "\n# TYPE %s %s\n", metric->name, types[metric->type]);
    struct cells *cells = __atomic_load_n(&metric->cells, __ATOMIC_ACQUIRE);
    struct cell *cell = cells ? atomic_load_explicit(&cells->first, memory_order_acquire) : NULL;
    for (; cell; cell = atomic_load_explicit(&cell->next, memory_order_acquire))
        print_cell(file, metric, cell);
}

char *
metrics_print(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (!file)
        return NULL;
    pthread_mutex_lock(&lock);
    size_t count = table_count;
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < count; i++) {
        for (const struct metric *metric = tables[i]; metric->name; metric++)
            print_metric(file, metric);
    }
    process_print_metrics(file);
    if (fclose(file) == 0)
        return text;
    free(text);
    return NULL;
}
