/* pipeline_schema: the JSON Schema (2020-12) of pipeline files, printed from the tables that read
 * them. It helps editors; pipeline_read is the judge, because most of what makes a file right
 * (columns and their types) no schema can say. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "model/model.h"
#include "pipeline_reader.h"

#define NAME_PATTERN   "^[a-z][a-z0-9]{0,30}$"
#define LANE_PATTERN   "^[a-z][a-z0-9-]{0,30}$"
#define COLUMN_PATTERN "^[a-z][a-z0-9_]{0,62}$"

/* Adds a keyword to the property `key` of an object's schema; the value is stolen. */
static void
set(json_t *schema, const char *key, const char *keyword, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties");
    json_object_set_new(json_object_get(properties, key), keyword, value);
}

static void
set_choices(json_t *schema, const char *key, const char *const choices[])
{
    json_t *list = json_array();
    for (size_t i = 0; choices[i] != NULL; i++)
        json_array_append_new(list, json_string(choices[i]));
    set(schema, key, "enum", list);
}

static void
set_list(json_t *schema, const char *key, size_t least, size_t most, json_t *items)
{
    set(schema, key, "type", json_string("array"));
    set(schema, key, "minItems", json_integer((json_int_t)least));
    set(schema, key, "maxItems", json_integer((json_int_t)most));
    set(schema, key, "items", items);
}

/* A member that is an object itself: its schema under the sentence of the table. */
static void
set_object(json_t *schema, const char *key, json_t *object)
{
    json_t *property = json_object_get(json_object_get(schema, "properties"), key);
    json_object_update_missing(property, object);
    json_decref(object);
}

static void
add_table(const struct setting *table, json_t *properties, json_t *required)
{
    json_t *more = config_json_schema(table);
    json_object_update(properties, more);
    json_decref(more);
    for (; table->name != NULL; table++)
        if (table->fallback == NULL)
            json_array_append_new(required, json_string(table->name));
}

/* The object that two tables (`own` may be NULL) read as one. */
static json_t *
object_schema(const struct setting *common, const struct setting *own)
{
    json_t *properties = json_object(), *required = json_array();
    add_table(common, properties, required);
    if (own != NULL)
        add_table(own, properties, required);
    json_object_set_new(properties, "$comment", json_pack("{s:s}", "type", "string"));
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}

/* An entry is one of the kinds; `key` says which. */
static json_t *
kinds_schema(const char *key, const struct setting *common, kind_at *kind)
{
    json_t *list = json_array();
    for (size_t i = 0; kind(i).name != NULL; i++) {
        json_t *schema = object_schema(common, kind(i).table);
        json_object_set_new(schema, "title", json_string(kind(i).name));
        json_object_set_new(schema, "description", json_string(kind(i).summary));
        set(schema, key, "const", json_string(kind(i).name));
        json_array_append_new(list, schema);
    }
    return json_pack("{s:o}", "oneOf", list);
}

static void
set_in_each(json_t *kinds, const char *key, const char *keyword, const char *text)
{
    size_t i;
    json_t *schema;
    json_array_foreach(json_object_get(kinds, "oneOf"), i, schema)
    {
        set(schema, key, keyword, json_string(text));
    }
}

static json_t *
source_schema(void)
{
    json_t *field = object_schema(field_table, NULL), *source = object_schema(source_table, NULL);
    set(field, "name", "pattern", json_string(COLUMN_PATTERN));
    set_choices(field, "type", field_type_names);
    set_choices(field, "pii", pii_names);
    set(source, "name", "pattern", json_string(COLUMN_PATTERN));
    set_choices(source, "role", source_roles);
    set_choices(source, "unknown_fields", unknown_fields_names);
    set(source, "partitions", "minimum", json_integer(1));
    set(source, "partitions", "maximum", json_integer(PIPELINE_PARTITIONS_MAX));
    set_list(source, "fields", 1, PIPELINE_FIELDS_MAX, field);
    return source;
}

static json_t *
encoders_schema(void)
{
    json_t *kinds = kinds_schema("encoder", encoder_object_table, encoder_kind), *schema;
    size_t i;
    json_array_foreach(json_object_get(kinds, "oneOf"), i, schema)
    {
        set_list(schema, "features", 1, PIPELINE_FIELDS_MAX + PIPELINE_STEPS_MAX,
                 json_pack("{s:s}", "type", "string"));
    }
    return kinds;
}

/* A setting in a search: a value, a list of values, or of numbers a range. */
static json_t *
searched_schema(const struct setting *setting, const json_t *value)
{
    json_t *any = json_pack("[O, {s:s, s:i, s:i, s:O}]", value, "type", "array", "minItems", 1,
                            "maxItems", SPACE_CHOICES_MAX, "items", value);
    if (setting->type == SETTING_REAL || setting->type == SETTING_COUNT)
        json_array_append_new(any, json_pack("{s:s}", "$ref", "#/$defs/range"));
    return json_pack("{s:o}", "anyOf", any);
}

static json_t *
space_schema(void)
{
    json_t *learners = json_object();
    for (size_t i = 0; model_types[i] != NULL; i++) {
        json_t *values = config_json_schema(model_types[i]->table), *settings = json_object();
        for (const struct setting *at = model_types[i]->table; at->name != NULL; at++)
            json_object_set_new(settings, at->name,
                                searched_schema(at, json_object_get(values, at->name)));
        json_decref(values);
        json_object_set_new(learners, model_types[i]->name,
                            json_pack("{s:s, s:o, s:b}", "type", "object", "properties", settings,
                                      "additionalProperties", 0));
    }
    return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", learners,
                     "additionalProperties", 0);
}

static json_t *
range_schema(void)
{
    json_t *range = object_schema(range_table, NULL);
    set_choices(range, "scale", scale_names);
    return range;
}

static json_t *
budget_schema(void)
{
    json_t *budget = object_schema(budget_table, NULL);
    set(budget, "trials", "minimum", json_integer(1));
    set(budget, "trials", "maximum", json_integer(SPACE_TRIALS_MAX));
    set(budget, "minutes", "minimum", json_integer(0));
    set(budget, "minutes", "maximum", json_integer(BUDGET_MINUTES_MAX));
    set(budget, "replicas", "maximum", json_integer(BUDGET_REPLICAS_MAX));
    return budget;
}

static json_t *
search_schema(void)
{
    json_t *kinds = kinds_schema("method", search_object_table, search_kind), *schema;
    size_t i;
    json_array_foreach(json_object_get(kinds, "oneOf"), i, schema)
    {
        set_choices(schema, "metric", search_metric_names);
        set(schema, "folds", "maximum", json_integer(SEARCH_FOLDS_MAX));
        set(schema, "space", "$ref", json_string("#/$defs/space"));
        set(schema, "budget", "$ref", json_string("#/$defs/budget"));
    }
    return kinds;
}

static json_t *
threshold_schema(void)
{
    json_t *rules = json_array();
    for (size_t i = 0; threshold_names[i] != NULL; i++)
        json_array_append_new(rules, json_string(threshold_names[i]));
    return json_pack("[{s:s, s:i, s:i}, {s:o}]", "type", "number", "exclusiveMinimum", 0,
                     "exclusiveMaximum", 1, "enum", rules);
}

/* One learner, or a search among several. */
static json_t *
train_schema(void)
{
    json_t *train = kinds_schema("learner", train_object_table, model_kind), *names, *schema;
    json_t *searched = object_schema(search_train_table, NULL);
    size_t i = 0;
    names = json_array();
    for (; model_types[i] != NULL; i++)
        json_array_append_new(names, json_string(model_types[i]->name));
    set_list(searched, "learners", 1, SPACE_LEARNERS_MAX, json_pack("{s:o}", "enum", names));
    set_object(searched, "search", search_schema());
    json_object_set_new(searched, "title", json_string("search"));
    json_array_append_new(json_object_get(train, "oneOf"), searched);
    json_array_foreach(json_object_get(train, "oneOf"), i, schema)
    {
        set_choices(schema, "split", split_names);
        set_choices(schema, "sample", sampling_names);
        set(schema, "threshold", "anyOf", threshold_schema());
        set(schema, "threshold", "default", json_real(0.5));
        set(schema, "replicas", "maximum", json_integer(BUDGET_REPLICAS_MAX));
    }
    return train;
}

static json_t *
label_schema(void)
{
    json_t *label = object_schema(label_table, NULL);
    set(label, "positive", "minLength", json_integer(1));
    set_list(label, "classes", 3, PIPELINE_CLASSES_MAX,
             json_pack("{s:s, s:i}", "type", "string", "minLength", 1));
    json_object_set_new(label, "oneOf",
                        json_pack("[{s:[s]}, {s:[s]}, {s:[s], s:{s:{s:b}}}]", "required",
                                  "positive", "required", "classes", "required", "number",
                                  "properties", "number", "const", 1));
    return label;
}

static json_t *
score_schema(void)
{
    json_t *band = object_schema(band_table, NULL), *score = object_schema(score_table, NULL);
    set(band, "decision", "minLength", json_integer(1));
    set(score, "reasons", "maximum", json_integer(PIPELINE_REASONS_MAX));
    set_list(score, "policy", 1, PIPELINE_BANDS_MAX, band);
    return score;
}

static json_t *
breaker_schema(void)
{
    json_t *breaker = object_schema(breaker_table, NULL);
    set(breaker, "share", "minimum", json_integer(0));
    set(breaker, "share", "maximum", json_integer(1));
    set(breaker, "window", "minimum", json_integer(PIPELINE_WINDOW_MIN));
    set(breaker, "window", "maximum", json_integer(PIPELINE_WINDOW_MAX));
    return breaker;
}

static json_t *
store_schema(void)
{
    json_t *store = object_schema(store_table, NULL);
    set_choices(store, "partition", partition_names);
    set_object(store, "layers", object_schema(layers_table, NULL));
    set_object(store, "retention", object_schema(retention_table, NULL));
    return store;
}

struct json_t *
pipeline_json_schema(void)
{
    json_t *schema = object_schema(pipeline_table, NULL);
    json_t *rules = kinds_schema("rule", rule_object_table, rule_kind);
    json_t *steps = kinds_schema("step", step_object_table, step_kind);
    set_in_each(rules, "id", "pattern", COLUMN_PATTERN);
    set_in_each(steps, "name", "pattern", COLUMN_PATTERN);
    json_object_set_new(schema, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "title", json_string("Millrace pipeline"));
    json_object_set_new(json_object_get(schema, "properties"), "$schema",
                        json_pack("{s:s}", "type", "string"));
    set(schema, "name", "pattern", json_string(NAME_PATTERN));
    set(schema, "lane", "pattern", json_string(LANE_PATTERN));
    set_list(schema, "sources", 1, 1, source_schema());
    set_object(schema, "duplicates", object_schema(duplicates_table, NULL));
    set_list(schema, "clean", 0, PIPELINE_RULES_MAX, rules);
    set_list(schema, "features", 0, PIPELINE_STEPS_MAX, steps);
    set_list(schema, "encode", 1, PIPELINE_ENCODERS_MAX, encoders_schema());
    set_object(schema, "label", label_schema());
    set_object(schema, "train", train_schema());
    json_object_set_new(schema, "$defs",
                        json_pack("{s:o, s:o, s:o}", "space", space_schema(), "budget",
                                  budget_schema(), "range", range_schema()));
    set_object(schema, "score", score_schema());
    set_object(schema, "breaker", breaker_schema());
    set_object(schema, "store", store_schema());
    return schema;
}
