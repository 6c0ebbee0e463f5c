/* pipeline_kinds: the registries as lists of one shape.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clean/rule.h"
#include "encode/encoder.h"
#include "feature/step.h"
#include "model/model.h"
#include "pipeline_reader.h"
#include "tune/search.h"

struct kind
rule_kind(size_t i)
{
    const struct rule_type *type = rule_types[i];
    if (type == NULL)
        return (struct kind){0};
    return (struct kind){type->name, type->summary, type->table, type->settings_size};
}

struct kind
step_kind(size_t i)
{
    const struct step_type *type = step_types[i];
    if (type == NULL)
        return (struct kind){0};
    return (struct kind){type->name, type->summary, type->table, type->settings_size};
}

struct kind
encoder_kind(size_t i)
{
    const struct encoder_type *type = encoder_types[i];
    if (type == NULL)
        return (struct kind){0};
    return (struct kind){type->name, type->summary, type->table, type->settings_size};
}

struct kind
model_kind(size_t i)
{
    const struct model_type *type = model_types[i];
    if (type == NULL)
        return (struct kind){0};
    return (struct kind){type->name, type->summary, type->table, type->settings_size};
}

struct kind
search_kind(size_t i)
{
    const struct search_type *type = search_types[i];
    if (type == NULL)
        return (struct kind){0};
    return (struct kind){type->name, type->summary, type->table, type->settings_size};
}
