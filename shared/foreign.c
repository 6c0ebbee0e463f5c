/* foreign: whose model a file is, and what all readers do with it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "foreign.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "foreign_private.h"
#include "learner.h"
#include "model/model.h"

#define LIGHTGBM_MARK "tree\n"
#define FORMAT_KEY    "format"

int
foreign_load(const char *learner, struct bytes saved, struct foreign *foreign, struct error *err)
{
    foreign->learner = model_find(learner);
    return foreign->learner->load(saved, &foreign->model, err);
}

void
foreign_free(struct foreign *foreign)
{
    if (foreign->model != NULL)
        foreign->learner->free(&foreign->model);
}

/* Names of columns that bear none, as XGBoost calls them. */
static const char *const *
number_columns(struct arena *arena, size_t columns)
{
    const char **name = arena_alloc(arena, columns + 1, sizeof(*name));
    for (size_t j = 0; name != NULL && j < columns; j++) {
        name[j] = arena_print(arena, "f%zu", j);
        if (name[j] == NULL)
            return NULL;
    }
    return name;
}

struct named {
    const char *name;
    uint32_t at;
};

static int
by_name(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Finds each of the model's columns among those of the matrix. */
static int
find_names(const struct foreign_columns *wanted, size_t columns, const char *const *name,
           struct arena *arena, uint32_t *at, struct error *err)
{
    struct named *sorted = arena_alloc(arena, wanted->count + 1, sizeof(*sorted));
    bool *taken = arena_alloc(arena, wanted->count + 1, sizeof(*taken));
    if (sorted == NULL || taken == NULL)
        return error_memory(err, "names of columns");
    for (uint32_t j = 0; j < wanted->count; j++)
        sorted[j] = (struct named){wanted->name[j], j};
    qsort(sorted, wanted->count, sizeof(*sorted), by_name);
    for (size_t j = 0; j < columns; j++) {
        const struct named sought = {name[j], 0};
        const struct named *found =
            bsearch(&sought, sorted, wanted->count, sizeof(*sorted), by_name);
        if (found == NULL)
            return error_set(err, ERROR_INPUT,
                             "the model's column \"%s\" is none of the %zu that there are (\"%s\" "
                             "and so on): train it on the exported rows, under their names",
                             name[j], wanted->count, wanted->count > 0 ? wanted->name[0] : "");
        if (taken[found->at])
            return error_set(err, ERROR_INPUT, "the model names the column \"%s\" twice", name[j]);
        taken[found->at] = true;
        at[j] = found->at;
    }
    return 0;
}

int
foreign_match(const struct foreign_columns *wanted, size_t columns, const char *const *name,
              struct arena *arena, uint32_t **out, struct foreign *foreign, struct error *err)
{
    if (columns == 0 || columns > LEARNER_COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "the model has %zu columns; there must be 1 to %d",
                         columns, LEARNER_COLUMNS_MAX);
    uint32_t *at = arena_alloc(arena, columns, sizeof(*at));
    if (at == NULL)
        return error_memory(err, "columns of a model");
    for (uint32_t j = 0; j < columns; j++)
        at[j] = j;
    const struct foreign_columns own = {columns, name, NULL};
    if (name != NULL &&
        find_names(wanted != NULL ? wanted : &own, columns, name, arena, at, err) != 0)
        return -1;
    if (wanted != NULL && name == NULL && columns != wanted->count)
        return error_set(err, ERROR_INPUT,
                         "the model has %zu columns without names, the matrix has %zu: train it on "
                         "all of them, or with their names",
                         columns, wanted->count);
    foreign->columns = wanted != NULL ? wanted->count : columns;
    foreign->name = wanted != NULL ? wanted->name
                    : name != NULL ? name
                                   : number_columns(arena, columns);
    *out = at;
    return foreign->name != NULL ? 0 : error_memory(err, "names of columns");
}

bool
foreign_codes_plain(const json_t *list)
{
    bool plain = true;
    for (size_t i = 0; plain && i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        plain = json_is_number(value) && json_number_value(value) == (double)i;
    }
    return plain;
}

static int
read_document(const json_t *document, const struct foreign_columns *wanted, struct arena *arena,
              struct foreign *out, struct error *err)
{
    if (json_object_get(document, FORMAT_KEY) != NULL)
        return foreign_read_linear(document, wanted, arena, out, err);
    if (json_object_get(document, "learner") != NULL)
        return foreign_read_xgboost(document, wanted, arena, out, err);
    return error_set(err, ERROR_INPUT,
                     "this JSON is no model of XGBoost (no \"learner\"), nor a linear one of ours "
                     "(no \"" FORMAT_KEY "\")");
}

static void
let_go(json_t **document)
{
    json_decref(*document);
}

/* XGBoost writes NaN and Infinity where it has them, as JSON does not: they become texts of blanks,
 * of the same length, which nobody takes for a number. */
static void
blank_words(struct bytes bytes, uint8_t *out)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    bool text = false;
    memcpy(out, bytes.at, bytes.length);
    for (size_t i = 0; i < bytes.length; i++) {
        if (out[i] == '"')
            text = !text;
        else if (text && out[i] == '\\')
            i++;
        for (size_t w = 0; !text && w < sizeof(words) / sizeof(words[0]); w++) {
            size_t length = strlen(words[w]);
            if (out[i] != (uint8_t)*words[w] || bytes.length - i < length ||
                memcmp(out + i, words[w], length) != 0)
                continue;
            memset(out + i, ' ', length);
            out[i] = out[i + 1] = '"';
            i += length - 1;
        }
    }
}

static int
parse(struct bytes bytes, struct arena *arena, json_t **out, struct error *err)
{
    uint8_t *plain = arena_alloc(arena, bytes.length, 1);
    json_error_t why;
    if (plain == NULL)
        return error_memory(err, "model to be read");
    blank_words(bytes, plain);
    *out = json_loadb((const char *)plain, bytes.length, JSON_REJECT_DUPLICATES, &why);
    if (*out != NULL)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "not JSON at byte %d (%s); XGBoost's binary form (UBJSON) is not read, JSON "
                     "is written to a name that ends in .json",
                     why.position, why.text);
}

static int
read_any(struct bytes bytes, const struct foreign_columns *wanted, struct arena *arena,
         struct foreign *out, struct error *err)
{
    size_t mark = sizeof(LIGHTGBM_MARK) - 1;
    if (bytes.length >= mark && memcmp(bytes.at, LIGHTGBM_MARK, mark) == 0)
        return foreign_read_lightgbm(bytes, wanted, arena, out, err);
    if (bytes.at[0] != '{')
        return error_set(
            err, ERROR_INPUT,
            "the file begins neither as a JSON object nor as LightGBM's text: it takes "
            "what save_model writes, of XGBoost to a name that ends in .json");
    DEFER(let_go) json_t *document = NULL;
    if (parse(bytes, arena, &document, err) != 0)
        return -1;
    return read_document(document, wanted, arena, out, err);
}

int
foreign_read(struct bytes bytes, const struct foreign_columns *wanted, struct arena *arena,
             struct foreign *out, struct error *err)
{
    if (bytes.length == 0 || bytes.length > FOREIGN_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "a model to be read has 1 to %zu bytes, this has %zu",
                         FOREIGN_BYTES_MAX, bytes.length);
    struct foreign made = {0};
    if (read_any(bytes, wanted, arena, &made, err) != 0) {
        foreign_free(&made);
        return -1;
    }
    *out = made;
    return 0;
}
