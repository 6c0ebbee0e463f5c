/* fake_catalog: see the header.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fake_catalog.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIPELINES_MAX 16

struct catalog {
    pthread_mutex_t lock;
    struct pipeline *pipeline[PIPELINES_MAX];
    struct announcement model[PIPELINES_MAX];
    struct bytes artefact[PIPELINES_MAX];
    size_t pipelines, models;
    uint64_t generation;
};

struct catalog *
fake_catalog_open(void)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    pthread_mutex_init(&catalog->lock, NULL);
    catalog->generation = 1;
    return catalog;
}

void
fake_catalog_announce(struct catalog *catalog, const char *json, int32_t version)
{
    struct mistakes *mistakes = mistakes_create();
    char *text = strdup(json);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    struct pipeline *pipeline = pipeline_read(bytes_of(text), mistakes);
    ck_assert_msg(pipeline != NULL, "%s", pipeline == NULL ? mistakes_message(mistakes, 0) : "");
    free(text);
    mistakes_free(&mistakes);
    pipeline->version = version;
    pthread_mutex_lock(&catalog->lock);
    ck_assert_uint_lt(catalog->pipelines, PIPELINES_MAX);
    catalog->pipeline[catalog->pipelines++] = pipeline;
    catalog->generation++;
    pthread_mutex_unlock(&catalog->lock);
}

void
fake_catalog_promote(struct catalog *catalog, const char *pipeline, int32_t version,
                     const char *artefact)
{
    pthread_mutex_lock(&catalog->lock);
    ck_assert_uint_lt(catalog->models, PIPELINES_MAX);
    struct announcement *model = &catalog->model[catalog->models];
    *model = (struct announcement){.alias = "champion", .version = version};
    model->revision = (int64_t)catalog->models + 1;
    snprintf(model->pipeline, sizeof(model->pipeline), "%s", pipeline);
    snprintf(model->digest, sizeof(model->digest), "%064d", version);
    catalog->artefact[catalog->models++] = bytes_of(artefact);
    catalog->generation++;
    pthread_mutex_unlock(&catalog->lock);
}

uint64_t
catalog_generation(struct catalog *catalog)
{
    pthread_mutex_lock(&catalog->lock);
    uint64_t generation = catalog->generation;
    pthread_mutex_unlock(&catalog->lock);
    return generation;
}

/* version 0: the newest. */
static const struct pipeline *
find(const struct catalog *catalog, const char *name, int32_t version)
{
    const struct pipeline *found = NULL;
    for (size_t i = 0; i < catalog->pipelines; i++) {
        const struct pipeline *pipeline = catalog->pipeline[i];
        if (strcmp(pipeline->name, name) == 0 &&
            (version == 0 ? found == NULL || pipeline->version > found->version
                          : pipeline->version == version))
            found = pipeline;
    }
    return found;
}

const struct pipeline *
catalog_find(struct catalog *catalog, const char *name, int32_t version)
{
    pthread_mutex_lock(&catalog->lock);
    const struct pipeline *found = find(catalog, name, version);
    pthread_mutex_unlock(&catalog->lock);
    return found;
}

size_t
catalog_pipelines(struct catalog *catalog, const struct pipeline **out, size_t max)
{
    size_t count = 0;
    pthread_mutex_lock(&catalog->lock);
    for (size_t i = 0; i < catalog->pipelines && count < max; i++)
        if (find(catalog, catalog->pipeline[i]->name, 0) == catalog->pipeline[i])
            out[count++] = catalog->pipeline[i];
    pthread_mutex_unlock(&catalog->lock);
    return count;
}

bool
catalog_model(struct catalog *catalog, const char *pipeline, struct announcement *model,
              struct bytes *artefact)
{
    bool found = false;
    pthread_mutex_lock(&catalog->lock);
    for (size_t i = 0; i < catalog->models; i++)
        if (strcmp(catalog->model[i].pipeline, pipeline) == 0) {
            *model = catalog->model[i];
            *artefact = catalog->artefact[i];
            found = true;
        }
    pthread_mutex_unlock(&catalog->lock);
    return found;
}
