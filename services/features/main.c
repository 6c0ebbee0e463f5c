/* features: clean events in, typed features out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "compute.h"
#include "feature/window.h"

static const struct mapping keeps[] = {
    {.stage = "features", .schema = "feature"},
    {0},
};
static const struct service features = {
    .name = "features",
    .summary = "computes the pipeline's feature columns; it learns nothing",
    .reads = (const char *const[]){"clean", NULL},
    .writes = (const char *const[]){"features", NULL},
    .keeps = keeps,
    .metrics = window_metrics,
    .open = compute_open,
    .handle = compute_handle,
    .close = compute_close,
};

int
main(int argc, char **argv)
{
    return service_main(&features, argc, argv);
}
