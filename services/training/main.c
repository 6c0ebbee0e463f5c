/* training: labelled history in, registered models out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

static const struct service training = {
    .name = "training",
    .summary = "fits models on labelled history and registers them as challengers",
    .table = train_table,
    .settings_size = sizeof(struct train_settings),
    .metrics = train_metrics,
    .needs_postgresql = true,
    .task_every_ms = 500,
    .task = train_task,
    .task_close = train_task_close,
};

int
main(int argc, char **argv)
{
    return service_main(&training, argc, argv);
}
