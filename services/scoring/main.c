/* scoring: features in, decisions with reasons and the model's identity out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "score.h"
#include "service.h"

static const struct mapping keeps[] = {
    {.stage = "decisions", .schema = "decision"},
    {0},
};
static const struct service scoring = {
    .name = "scoring",
    .summary = "decides by the promoted model and says why",
    .reads = (const char *const[]){"features", NULL},
    .writes = (const char *const[]){"decisions", NULL},
    .keeps = keeps,
    .metrics = score_metrics,
    .adopts = "champion",
    .open = score_open,
    .handle = score_handle,
    .adopt = score_adopt,
    .close = score_close,
};

int
main(int argc, char **argv)
{
    return service_main(&scoring, argc, argv);
}
