/* structured: what may be wrapped around an event's JSON at the door: the prefix of serialisers and
 * CloudEvents' structured mode. What is unwrapped is JSON again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../services/ingestion/structured.h"
#include "document.h"
#include "fuzz.h"

#include <jansson.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct bytes whole = {data, size}, value = registry_strip(whole), before = value;
    struct origin origin = {.time_us = 5};
    struct error err = {0};
    REQUIRE(value.length == size || value.length + 5 == size);
    if (structured_unwrap(arena, &value, &origin, &err) != 0) {
        require_refusal(&err);
        REQUIRE(value.at == before.at && origin.id.at == NULL && origin.time_us == 5);
        return 0;
    }
    if (value.at == before.at) {
        REQUIRE(value.length == before.length && origin.id.at == NULL && origin.type.at == NULL);
        return 0;
    }
    REQUIRE(origin.id.at != NULL && origin.source.at != NULL && origin.type.at != NULL);
    json_t *parsed = json_loadb((const char *)value.at, value.length,
                                JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    REQUIRE(parsed != NULL && characters_valid(value));
    json_decref(parsed);
    struct bytes once = value;
    REQUIRE(structured_unwrap(arena, &value, &origin, &err) == 0 && value.at == once.at);
    return 0;
}
