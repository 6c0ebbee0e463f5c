/* SPDX-License-Identifier: Apache-2.0 */
#include "monotone.h"

#include <jansson.h>
#include <string.h>

static int
constrain(const struct dataset *data, size_t column, const json_t *given, int8_t *out,
          struct error *err)
{
    json_int_t direction = json_integer_value(given);
    if (!json_is_integer(given) || direction < -1 || direction > 1)
        return error_set(err, ERROR_INPUT,
                         "monotone has something other than 1, 0 or -1 for column %zu", column);
    if (direction != 0 && data->category != NULL && data->category[column] > 0)
        return error_set(err, ERROR_INPUT,
                         "monotone names column %zu, whose categories have no order", column);
    out[column] = (int8_t)direction;
    return 0;
}

static int
read_list(const json_t *list, const struct dataset *data, int8_t *out, struct error *err)
{
    if (json_array_size(list) != data->x.columns)
        return error_set(err, ERROR_INPUT, "monotone is a list of %zu for %zu columns",
                         json_array_size(list), data->x.columns);
    for (size_t j = 0; j < data->x.columns; j++)
        if (constrain(data, j, json_array_get(list, j), out, err) != 0)
            return -1;
    return 0;
}

static int
read_feature(const char *name, const json_t *given, const struct dataset *data,
             const struct fitting *fitting, int8_t *out, struct error *err)
{
    bool found = false;
    for (size_t j = 0; fitting->feature != NULL && j < data->x.columns; j++) {
        if (strcmp(fitting->feature[j], name) != 0)
            continue;
        found = true;
        if (constrain(data, j, given, out, err) != 0)
            return error_wrap(err, "feature \"%.80s\"", name);
    }
    if (found)
        return 0;
    return error_set(err, ERROR_INPUT, "monotone names \"%.80s\", of which no column is made",
                     name);
}

int
monotone_read(const struct json_t *given, const struct dataset *data, const struct fitting *fitting,
              int8_t *out, struct error *err)
{
    const char *name;
    json_t *value, *object = (json_t *)(uintptr_t)given;
    if (json_is_array(given))
        return read_list(given, data, out, err);
    if (!json_is_object(given))
        return error_set(err, ERROR_INPUT,
                         "monotone is neither an object of features nor a list of columns");
    json_object_foreach(object, name, value)
    {
        if (read_feature(name, value, data, fitting, out, err) != 0)
            return -1;
    }
    return 0;
}
