/* cleaning: raw events in, trustworthy events out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clean.h"

static const struct mapping keeps[] = {
    {.stage = "clean", .schema = "clean"},
    {.stage = "dead", .schema = "dead"},
    {0},
};
static const struct service cleaning = {
    .name = "cleaning",
    .summary = "repairs what the rules can repair and refuses the rest, with the reason",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .keeps = keeps,
    .open = clean_open,
    .handle = clean_handle,
    .settle = clean_settle,
    .close = clean_close,
};

int
main(int argc, char **argv)
{
    return service_main(&cleaning, argc, argv);
}
