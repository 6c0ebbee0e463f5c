/* codec_plan: keys of a schema as they are met and written, found by hash where they come out of
 * order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "codec_private.h"

#include <string.h>

#define ROOM_MAX ((size_t)16 * 1024) /* taken from the arena at once, unless more is needed */
#define ROOM_ROW 256                 /* the same for each row that the frame can hold */

static size_t
hash_of(struct bytes key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < key.length; i++)
        hash = (hash ^ key.at[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

static size_t
find_slot(const struct codec_plan *plan, struct bytes key)
{
    size_t slot = hash_of(key) & (plan->slots - 1);
    while (plan->slot[slot] != 0 && !bytes_equal(plan->field[plan->slot[slot] - 1].key, key))
        slot = (slot + 1) & (plan->slots - 1);
    return slot;
}

size_t
codec_find(const struct codec_plan *plan, struct bytes key)
{
    uint32_t found = plan->slot[find_slot(plan, key)];
    return found == 0 ? plan->fields : found - 1;
}

static bool
plan_field(struct codec_plan *plan, struct arena *arena, size_t i, const char *key)
{
    struct codec_field *field = &plan->field[i];
    struct text token = {.arena = arena};
    field->key = bytes_of(key);
    text_put(&token, ",", 1);
    text_put_json_string(&token, field->key);
    text_put(&token, ":", 1);
    field->token_length = token.length;
    if (text_room(&token, CODEC_TOKEN_PIECE) == NULL)
        return false;
    field->token = (const uint8_t *)token.at;
    bool plain = field->token_length == field->key.length + 4 &&
                 memcmp(token.at + 2, key, field->key.length) == 0;
    field->expected_length = plain ? field->token_length - 1 : 0;
    size_t slot = find_slot(plan, field->key);
    plan->ambiguous |= plan->slot[slot] != 0;
    plan->slot[slot] = (uint32_t)i + 1;
    return true;
}

static struct codec_plan *
create(struct arena *arena, const struct schema *schema)
{
    struct codec_plan *plan = arena_alloc(arena, 1, sizeof(*plan));
    if (plan == NULL)
        return NULL;
    plan->schema = schema;
    plan->fields = schema->count;
    plan->slots = 4;
    while (plan->slots < 2 * schema->count)
        plan->slots *= 2;
    plan->field = arena_alloc(arena, schema->count + 1, sizeof(*plan->field));
    plan->seen = arena_alloc(arena, schema->count + 1, sizeof(*plan->seen));
    plan->slot = arena_alloc(arena, plan->slots, sizeof(*plan->slot));
    if (plan->field == NULL || plan->seen == NULL || plan->slot == NULL)
        return NULL;
    for (size_t i = 0; i < schema->count; i++) {
        plan->required += schema->field[i].required;
        if (!plan_field(plan, arena, i, codec_key(&schema->field[i])))
            return NULL;
    }
    return plan;
}

struct codec_plan *
codec_plan(const struct frame *frame)
{
    if (frame->memo->plan == NULL || frame->memo->plan->schema != frame->schema)
        frame->memo->plan = create(frame->arena, frame->schema);
    return frame->memo->plan;
}

bool
codec_make_room(const struct frame *frame, size_t needed)
{
    struct codec_memo *memo = frame->memo;
    if (memo->left >= needed)
        return true;
    size_t size = frame->capacity < ROOM_MAX / ROOM_ROW ? frame->capacity * ROOM_ROW : ROOM_MAX;
    size = size < needed ? needed : size;
    char *room = arena_alloc(frame->arena, size, 1);
    if (room == NULL)
        return false;
    memo->room = room;
    memo->left = size;
    return true;
}
