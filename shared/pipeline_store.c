/* pipeline_store: which layers the warehouse keeps, for how long, and in which pieces.
 * SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"
#include "pipeline_reader.h"

#define DAY_MS INT64_C(86400000)

static void
read_layers(struct reader *reader, const struct node *node)
{
    struct pipeline *pipeline = reader->pipeline;
    struct layers_object own = {0};
    if (config_from_node(layers_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    if (!own.feature && (pipeline->train.learner != NULL || pipeline->search.method != NULL))
        entry_mistake(reader->mistakes, node, "feature",
                      "must be true where there is \"train\": training learns from the rows of "
                      "this layer");
    const bool kept[STAGE_LAYERS] = {own.raw, own.clean, own.feature, true, true, true};
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        pipeline->store.off[i] = !kept[i];
}

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
        else if (kept_ms[i] != 0 && reader->pipeline->store.off[i])
            entry_mistake(reader->mistakes, node, retention_table[i].name,
                          "must be left out: by \"layers\" no rows of this layer are kept");
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
    struct node which = reader_member(reader, node, "layers", own.layers);
    if (own.layers != NULL)
        read_layers(reader, &which);
    if (own.retention == NULL)
        return;
    if (found == PARTITION_NONE)
        entry_mistake(reader->mistakes, node, "retention",
                      "needs \"partition\": \"day\" or \"month\": old rows go by dropping the "
                      "partition they are in");
    struct node retention = reader_member(reader, node, "retention", own.retention);
    read_retention(reader, &retention);
}
