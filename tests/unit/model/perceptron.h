/* perceptron: fits by settings as a pipeline file would have them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_PERCEPTRON_H
#define MILLRACE_TESTS_PERCEPTRON_H

#include "../credit.h"

extern const struct model_type model_perceptron;

/* Single quotes stand for double ones. */
static inline void *
settings_of(struct arena *arena, const char *text)
{
    char *json = arena_text(arena, bytes_of(text));
    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *document = json_loads(json, 0, NULL);
    const struct node node = {document, ""};
    struct mistakes *mistakes = mistakes_create();
    void *settings = arena_alloc(arena, 1, model_perceptron.settings_size);
    ck_assert_msg(node.value != NULL, "%s", json);
    ck_assert_msg(config_from_node(model_perceptron.table, &node, NULL, settings, mistakes) == 0,
                  "%s %s", mistakes_count(mistakes) > 0 ? mistakes_where(mistakes, 0) : "", json);
    mistakes_free(&mistakes);
    for (const struct setting *row = model_perceptron.table; row->name != NULL; row++) {
        const char **member = (const char **)(void *)((char *)settings + row->at);
        if (row->type == SETTING_TEXT)
            *member = arena_text(arena, bytes_of(*member));
    }
    json_decref(document);
    return settings;
}

static inline struct model *
fit_as(struct arena *arena, const char *settings, const struct dataset *data,
       const struct fitting *fitting)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_ok(model_perceptron.fit(settings_of(arena, settings), data, fitting, &model, &err), err);
    return model;
}

#endif
