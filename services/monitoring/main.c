/* monitoring: counts, lag, the law and live quality, in Prometheus and in monitor.*.
 * SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

static const struct service monitoring = {
    .name = "monitoring",
    .summary =
        "checks that nothing is lost, shows how far everything is and how good decisions are",
    .metrics = monitor_metrics,
    .task_every_ms = 1000,
    .task = monitor_turn,
    .task_close = monitor_close,
};

int
main(int argc, char **argv)
{
    return service_main(&monitoring, argc, argv);
}
