/* pipeline_store: how long the warehouse keeps the rows of each layer, and in which pieces.
 * SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"
#include "pipeline_reader.h"

#define DAY_MS INT64_C(86400000)

static void
read_retention(struct reader *reader, const struct node *node)
{
    struct retention_object own = {0};
    if (config_from_node(retention_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    const int64_t kept_ms[STAGE_LAYERS] = {own.raw,      own.clean, own.feature,
                                           own.decision, own.label, own.dead};
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        if (kept_ms[i] != 0 && (kept_ms[i] < DAY_MS || kept_ms[i] > PIPELINE_RETENTION_MS))
            entry_mistake(reader->mistakes, node, retention_table[i].name,
                          "must be 1d to 36500d, or 0: for ever");
        reader->pipeline->store.retention_ms[i] = kept_ms[i];
    }
}

void
read_store(struct reader *reader, const struct node *node)
{
    struct store_object own = {.partition = partition_names[PARTITION_NONE]};
    if (node->value != NULL &&
        config_from_node(store_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    int found = entry_choice(reader->mistakes, node, "partition", own.partition, partition_names);
    if (found < 0)
        return;
    reader->pipeline->store.partition = (enum partitioning)found;
    if (own.retention == NULL)
        return;
    if (found == PARTITION_NONE)
        entry_mistake(reader->mistakes, node, "retention",
                      "needs \"partition\": \"day\" or \"month\": old rows go by dropping the "
                      "partition they are in");
    struct node retention = reader_member(reader, node, "retention", own.retention);
    read_retention(reader, &retention);
}
