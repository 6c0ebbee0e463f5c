/* counted: see counted.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "counted.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_LENGTH_MAX 32

static int
read_count(const json_t *record, const char *name, int64_t *out, struct error *err)
{
    const json_t *value = json_object_get(record, name);
    if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0))
        return error_set(err, ERROR_INPUT, "%s of a position record is no count", name);
    *out = value == NULL ? 0 : json_integer_value(value);
    return 0;
}

/* "raw/3": records written to partition 3 of the stage raw. Stages that nobody here knows are left
 * out, so that a newer service can have more of them. */
static int
read_sequence(const char *key, int64_t n, enum topic output, int partitions,
              struct counted *counted, struct error *err)
{
    const char *slash = strchr(key, '/');
    char stage[STAGE_LENGTH_MAX], *end = NULL;
    if (slash == NULL || (size_t)(slash - key) >= sizeof(stage))
        return error_set(err, ERROR_INPUT, "a sequence of a position record has no stage");
    memcpy(stage, key, (size_t)(slash - key));
    stage[slash - key] = '\0';
    long partition = strtol(slash + 1, &end, 10);
    if (end == slash + 1 || *end != '\0' || partition < 0 || partition >= partitions)
        return error_set(err, ERROR_INPUT, "a sequence of %s names no partition of %d", stage,
                         partitions);
    int topic = topic_find(stage);
    if (topic < 0)
        return 0;
    if (__builtin_add_overflow(counted->written[topic], n, &counted->written[topic]))
        return error_set(err, ERROR_INPUT, "sequences of %s are too large to be added", stage);
    if ((enum topic)topic == output)
        counted->sent[partition] = n;
    return 0;
}

static int
read_sequences(const json_t *record, enum topic output, int partitions, struct counted *counted,
               struct error *err)
{
    json_t *sequences = json_object_get(record, "seq");
    const char *key;
    json_t *value;
    if (sequences != NULL && !json_is_object(sequences))
        return error_set(err, ERROR_INPUT, "seq of a position record is no object");
    json_object_foreach(sequences, key, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return error_set(err, ERROR_INPUT, "a sequence of a position record is no count");
        if (read_sequence(key, json_integer_value(value), output, partitions, counted, err) != 0)
            return -1;
    }
    return 0;
}

int
counted_read(struct bytes json, enum topic output, int partitions, struct counted *counted,
             struct error *err)
{
    json_auto_t *record =
        json.at == NULL ? NULL : json_loadb((const char *)json.at, json.length, 0, NULL);
    if (!json_is_object(record))
        return error_set(err, ERROR_INPUT, "a position record is no JSON object");
    memset(counted->written, 0, sizeof(counted->written));
    memset(counted->sent, 0, sizeof(counted->sent[0]) * (size_t)partitions);
    if (read_count(record, "in", &counted->in, err) != 0 ||
        read_count(record, "out", &counted->out, err) != 0 ||
        read_count(record, "outcomes", &counted->outcomes, err) != 0 ||
        read_count(record, "dead", &counted->dead, err) != 0 ||
        read_count(record, "duplicate", &counted->duplicate, err) != 0 ||
        read_count(record, "replayed", &counted->replayed, err) != 0)
        return -1;
    return read_sequences(record, output, partitions, counted, err);
}
