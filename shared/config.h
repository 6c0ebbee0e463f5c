/* config: one kind of table reads the environment and the objects of a pipeline file; --help, the
 * README and the JSON Schema are printed from the same rows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CONFIG_H
#define MILLRACE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

/* Type of the struct member that a row fills:
 * FLAG bool; COUNT int64_t, not negative; REAL double; TEXT const char *; MILLISECONDS int64_t
 * ("250", "250ms", "2s", "5min", "1h", "30d"); NODE const json_t * (pipeline files only; any JSON
 * value, the reader of the object checks it). TEXT read from the environment lives as long as the
 * process; TEXT and NODE read from a node live as long as the document. */
enum setting_type {
    SETTING_FLAG,
    SETTING_COUNT,
    SETTING_REAL,
    SETTING_TEXT,
    SETTING_MILLISECONDS,
    SETTING_NODE,
};

struct setting {
    const char *name, *fallback, *help; /* fallback NULL: required; "" for TEXT/NODE: NULL value */
    enum setting_type type;
    size_t at;
    bool secret; /* masked by --print-config */
};
#define SETTING(owner, field, kind, fallback, help)                                                \
    {                                                                                              \
#field, fallback, help, SETTING_##kind, offsetof(struct owner, field), 0                   \
    }
#define SETTING_SECRET(owner, field, fallback, help)                                               \
    {                                                                                              \
#field, fallback, help, SETTING_TEXT, offsetof(struct owner, field), 1                     \
    }

/* A value in a parsed JSON document and the JSON pointer to it (RFC 6901). */
struct json_t;
struct node {
    const struct json_t *value;
    const char *pointer; /* "" for the root */
};

/* The variable of row `name` is MILLRACE_<NAME>; MILLRACE_<NAME>_FILE names a file that holds it
 * (a final newline is dropped; 64 KiB at most). An empty variable counts as not set. `tables` is
 * NULL-ended, outs[i] belongs to tables[i]. Every mistake is added: unparsable values, missing
 * required ones, both NAME and NAME_FILE. -1 if any; what could be read is written all the same.
 * For one thread, at start. */
int config_from_env(const struct setting *const tables[], void *const outs[],
                    struct mistakes *) MUST_CHECK;
/* Adds a mistake for every MILLRACE_* variable that no table knows, with "did you mean";
 * MILLRACE_KAFKA_* is passed through to librdkafka and is not looked at. */
int config_unknown_env(const struct setting *const tables[], struct mistakes *) MUST_CHECK;
/* Reads an object by its table; unknown keys (but those in `also`, NULL-ended or NULL, and
 * "$schema",
 * "$comment") are mistakes with "did you mean". Pointers are node->pointer + "/" + key. */
int config_from_node(const struct setting *, const struct node *, const char *const also[],
                     void *out, struct mistakes *) MUST_CHECK;

/* "--help": a line per variable with default and sentence. "--print-config": value and origin
 * (default | environment | file PATH), secrets as "***". */
void config_print_help(FILE *, const struct setting *const tables[]);
void config_print_values(FILE *, const struct setting *const tables[]);
/* A JSON Schema "properties" object (new reference) for a table. */
struct json_t *config_json_schema(const struct setting *);
/* The name in NULL-ended `names` closest to `word` by edit distance (at most 3, and half of the
 * longer one), or NULL. */
const char *config_did_you_mean(const char *word, const char *const names[]);

#endif
