/* catalog: pipelines and models as the two announcement topics tell them. See catalog.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "announce.h"
#include "clock.h"
#include "digest.h"
#include "health.h"
#include "log.h"

#define FETCH_AGAIN_MS 1000

struct promoted {
    struct announcement newest;  /* as announced */
    struct announcement fetched; /* whose artefact is here; revision 0: none */
    struct bytes artefact;
};

struct catalog {
    struct broker *broker;
    struct catalog_options options;
    struct warehouse *warehouse; /* of the thread; NULL where no alias is adopted */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    const struct pipeline **pipeline;
    size_t pipelines;
    struct promoted *promoted;
    size_t promotions;
    uint64_t changes;
    bool complete;
    char why[256]; /* why an artefact is missing */
    atomic_bool stopping;
};

/* ---- readers */
uint64_t
catalog_generation(struct catalog *catalog)
{
    pthread_mutex_lock(&catalog->lock);
    uint64_t generation = catalog->complete ? catalog->changes + 1 : 0;
    pthread_mutex_unlock(&catalog->lock);
    return generation;
}

/* The newest entry wins: a version is announced again with another log epoch. */
static const struct pipeline *
find(const struct catalog *catalog, const char *name, int32_t version)
{
    const struct pipeline *best = NULL;
    for (size_t i = catalog->pipelines; i-- > 0;) {
        const struct pipeline *pipeline = catalog->pipeline[i];
        if (strcmp(pipeline->name, name) != 0 || (version != 0 && pipeline->version != version))
            continue;
        if (best == NULL || pipeline->version > best->version)
            best = pipeline;
    }
    return best;
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
    for (size_t i = 0; i < catalog->pipelines && count < max; i++) {
        const struct pipeline *newest = find(catalog, catalog->pipeline[i]->name, 0);
        if (newest == catalog->pipeline[i])
            out[count++] = newest;
    }
    pthread_mutex_unlock(&catalog->lock);
    return count;
}

static struct promoted *
find_promoted(struct catalog *catalog, const char *pipeline, const char *alias)
{
    for (size_t i = 0; i < catalog->promotions; i++) {
        struct promoted *promoted = &catalog->promoted[i];
        if (strcmp(promoted->newest.pipeline, pipeline) == 0 &&
            strcmp(promoted->newest.alias, alias) == 0)
            return promoted;
    }
    return NULL;
}

bool
catalog_model(struct catalog *catalog, const char *pipeline, struct announcement *announcement,
              struct bytes *artefact)
{
    const char *alias = catalog->options.adopts;
    pthread_mutex_lock(&catalog->lock);
    const struct promoted *promoted =
        alias == NULL ? NULL : find_promoted(catalog, pipeline, alias);
    bool found = promoted != NULL && promoted->fetched.revision > 0;
    if (found) {
        *announcement = promoted->fetched;
        *artefact = promoted->artefact;
    }
    pthread_mutex_unlock(&catalog->lock);
    return found;
}

bool
catalog_waits_for_artefact(struct catalog *catalog, char why[256])
{
    pthread_mutex_lock(&catalog->lock);
    bool waits = catalog->why[0] != '\0';
    memcpy(why, catalog->why, sizeof(catalog->why));
    pthread_mutex_unlock(&catalog->lock);
    return waits;
}

/* ---- announcements of pipelines: {"version":, "log_epoch":, "definition": {..}} */
static void
add_pipeline(struct catalog *catalog, struct pipeline *pipeline)
{
    const struct pipeline **more =
        reallocarray(catalog->pipeline, catalog->pipelines + 1, sizeof(struct pipeline *));
    if (more == NULL) {
        pipeline_free(&pipeline);
        return;
    }
    catalog->pipeline = more;
    more[catalog->pipelines++] = pipeline;
    catalog->changes++;
    log_info("pipeline known", field_text("pipeline", pipeline->name),
             field_int("version", pipeline->version), field_int("log_epoch", pipeline->log_epoch));
}

static void
see_pipeline(void *self, int32_t partition, struct bytes key, struct bytes value)
{
    (void)partition;
    struct catalog *catalog = self;
    json_t *root = json_loadb((const char *)value.at, value.length, 0, NULL);
    char *text = json_dumps(json_object_get(root, "definition"), JSON_COMPACT);
    json_int_t version = json_integer_value(json_object_get(root, "version"));
    json_int_t log_epoch = json_integer_value(json_object_get(root, "log_epoch"));
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *pipeline = text == NULL ? NULL : pipeline_read(bytes_of(text), mistakes);
    free(text);
    json_decref(root);
    if (pipeline == NULL) {
        log_error("an announced pipeline cannot be read and is left out",
                  field_text("mistake", mistakes_count(mistakes) == 0
                                            ? "no definition"
                                            : mistakes_message(mistakes, 0)),
                  field_int("key_bytes", (int64_t)key.length));
        mistakes_free(&mistakes);
        return;
    }
    mistakes_free(&mistakes);
    pipeline->version = (int32_t)version;
    pipeline->log_epoch = log_epoch;
    const char *lane = catalog->options.lane;
    pthread_mutex_lock(&catalog->lock);
    const struct pipeline *known = find(catalog, pipeline->name, pipeline->version);
    if ((lane == NULL || strcmp(pipeline->lane, lane) == 0) &&
        (known == NULL || known->log_epoch < pipeline->log_epoch))
        add_pipeline(catalog, pipeline);
    else
        pipeline_free(&pipeline);
    pthread_mutex_unlock(&catalog->lock);
}

int
catalog_announce_pipeline(struct broker *broker, const char *prefix,
                          const struct pipeline *pipeline, struct error *err)
{
    char topic[256], key[128];
    snprintf(topic, sizeof(topic), "%s.pipelines", prefix);
    snprintf(key, sizeof(key), "%s/%d", pipeline->name, pipeline->version);
    json_t *definition =
        json_loadb((const char *)pipeline->json.at, pipeline->json.length, 0, NULL);
    json_t *root = json_pack("{s:i, s:I, s:o}", "version", pipeline->version, "log_epoch",
                             (json_int_t)pipeline->log_epoch, "definition", definition);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(root);
    if (text == NULL)
        return error_memory(err, "announcement");
    int failed = announce(broker, topic, bytes_of(key), bytes_of(text), err);
    free(text);
    return failed;
}

/* ---- announcements of models */
static bool
read_announcement(struct bytes value, struct announcement *out)
{
    json_t *root = json_loadb((const char *)value.at, value.length, 0, NULL);
    const char *pipeline = NULL, *alias = NULL, *digest = NULL;
    int version = 0;
    json_int_t revision = 0;
    bool good =
        root != NULL &&
        json_unpack(root, "{s:s, s:s, s:s, s:i, s:I}", "pipeline", &pipeline, "alias", &alias,
                    "digest", &digest, "version", &version, "revision", &revision) == 0 &&
        strlen(pipeline) < sizeof(out->pipeline) && strlen(alias) < sizeof(out->alias) &&
        strlen(digest) == 64 && strspn(digest, "0123456789abcdef") == 64;
    if (good) {
        *out = (struct announcement){.version = version, .revision = revision};
        strcpy(out->pipeline, pipeline);
        strcpy(out->alias, alias);
        strcpy(out->digest, digest);
    }
    json_decref(root);
    return good;
}

static void
see_model(void *self, int32_t partition, struct bytes key, struct bytes value)
{
    (void)partition;
    struct catalog *catalog = self;
    struct announcement announcement;
    if (!read_announcement(value, &announcement)) {
        log_error("an announced model cannot be read and is left out",
                  field_int("key_bytes", (int64_t)key.length));
        return;
    }
    pthread_mutex_lock(&catalog->lock);
    struct promoted *promoted = find_promoted(catalog, announcement.pipeline, announcement.alias);
    if (promoted == NULL) {
        struct promoted *more =
            reallocarray(catalog->promoted, catalog->promotions + 1, sizeof(*more));
        if (more != NULL) {
            catalog->promoted = more;
            promoted = &more[catalog->promotions++];
            *promoted = (struct promoted){.newest = announcement};
        }
    } else if (announcement.revision > promoted->newest.revision) {
        promoted->newest = announcement;
    }
    pthread_mutex_unlock(&catalog->lock);
}

int
catalog_announce_model(struct broker *broker, const char *prefix, const struct announcement *model,
                       struct error *err)
{
    char topic[256], key[128];
    snprintf(topic, sizeof(topic), "%s.models", prefix);
    snprintf(key, sizeof(key), "%s/%s", model->pipeline, model->alias);
    json_t *root = json_pack("{s:s, s:s, s:s, s:i, s:I}", "pipeline", model->pipeline, "alias",
                             model->alias, "digest", model->digest, "version", model->version,
                             "revision", (json_int_t)model->revision);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(root);
    if (text == NULL)
        return error_memory(err, "announcement");
    int failed = announce(broker, topic, bytes_of(key), bytes_of(text), err);
    free(text);
    return failed;
}

/* ---- artefacts: from the cache, else from PostgreSQL; the digest is the proof either way */
static bool
is_artefact(struct bytes artefact, const char *digest)
{
    char hex[DIGEST_HEX];
    digest_hex(artefact, hex);
    return strcmp(hex, digest) == 0;
}

static struct bytes
read_cache(const char *path)
{
    struct stat stat;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &stat) != 0 || stat.st_size <= 0) {
        if (file >= 0)
            close(file);
        return BYTES_NONE;
    }
    size_t length = (size_t)stat.st_size, got = 0;
    uint8_t *at = malloc(length);
    while (at != NULL && got < length) {
        ssize_t n = read(file, at + got, length - got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    close(file);
    if (at == NULL || got < length) {
        free(at);
        return BYTES_NONE;
    }
    return (struct bytes){at, length};
}

/* A file that cannot be kept costs a fetch at the next start, nothing more. */
static void
write_cache(const char *path, struct bytes artefact)
{
    char temporary[600];
    snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        log_warn("the model cannot be cached", field_text("path", path));
        return;
    }
    size_t done = 0;
    while (done < artefact.length) {
        ssize_t n = write(file, artefact.at + done, artefact.length - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    bool good = done == artefact.length && fsync(file) == 0;
    close(file);
    if (!good || rename(temporary, path) != 0)
        unlink(temporary);
}

static int
fetch(struct catalog *catalog, const struct announcement *wanted, struct bytes *out,
      struct error *err)
{
    char path[512];
    const char *const params[] = {wanted->digest};
    struct bytes artefact = {0};
    snprintf(path, sizeof(path), "%s/%s.model", catalog->options.cache_dir, wanted->digest);
    artefact = read_cache(path);
    if (artefact.at != NULL && is_artefact(artefact, wanted->digest)) {
        *out = artefact;
        return 0;
    }
    free((void *)(uintptr_t)artefact.at);
    if (warehouse_fetch_bytes(catalog->warehouse,
                              "SELECT artefact FROM model.artefact WHERE digest = $1", params, 1,
                              &artefact, err) != 0)
        return -1;
    if (artefact.at == NULL)
        return error_set(err, ERROR_TRANSIENT, "model.artefact has no %s", wanted->digest);
    if (!is_artefact(artefact, wanted->digest)) {
        free((void *)(uintptr_t)artefact.at);
        return error_set(err, ERROR_TRANSIENT,
                         "the artefact of %s/%s has another digest than announced",
                         wanted->pipeline, wanted->alias);
    }
    write_cache(path, artefact);
    *out = artefact;
    return 0;
}

static void
fetch_missing(struct catalog *catalog)
{
    char why[256] = "";
    for (size_t i = 0; catalog->options.adopts != NULL && i < catalog->promotions; i++) {
        struct announcement wanted = catalog->promoted[i].newest; /* only this thread writes it */
        struct bytes artefact = {0};
        struct error err = {0};
        if (strcmp(wanted.alias, catalog->options.adopts) != 0 ||
            wanted.revision <= catalog->promoted[i].fetched.revision ||
            catalog_find(catalog, wanted.pipeline, 0) == NULL)
            continue;
        if (fetch(catalog, &wanted, &artefact, &err) != 0) {
            snprintf(why, sizeof(why), "%s version %d: %.150s", wanted.pipeline, wanted.version,
                     err.message);
            continue;
        }
        pthread_mutex_lock(&catalog->lock);
        catalog->promoted[i].fetched = wanted;
        catalog->promoted[i].artefact = artefact;
        catalog->changes++;
        pthread_mutex_unlock(&catalog->lock);
    }
    pthread_mutex_lock(&catalog->lock);
    memcpy(catalog->why, why, sizeof(why));
    pthread_mutex_unlock(&catalog->lock);
    if (catalog->options.adopts != NULL)
        health_set("model", HEALTH_READY, why[0] == '\0', why[0] == '\0' ? NULL : why);
}

/* ---- the thread */
static int
open_followers(struct catalog *catalog, struct follower **pipelines, struct follower **models,
               struct error *err)
{
    char topic[256];
    snprintf(topic, sizeof(topic), "%s.pipelines", catalog->options.prefix);
    if (*pipelines == NULL &&
        follower_open(catalog->broker, topic, see_pipeline, catalog, pipelines, err) != 0)
        return -1;
    snprintf(topic, sizeof(topic), "%s.models", catalog->options.prefix);
    if (*models == NULL &&
        follower_open(catalog->broker, topic, see_model, catalog, models, err) != 0)
        return -1;
    return 0;
}

static void
follow(struct catalog *catalog, struct follower *pipelines, struct follower *models)
{
    int64_t fetched_ms = 0;
    bool complete = false;
    while (!atomic_load(&catalog->stopping)) {
        bool pipelines_end = false, models_end = false;
        struct error err = {0};
        if (follower_poll(pipelines, 100, &pipelines_end, &err) != 0 ||
            follower_poll(models, 50, &models_end, &err) != 0)
            log_warn("announcements cannot be read", field_text("error", err.message));
        int64_t now = clock_monotonic_ms();
        if (pipelines_end && models_end && now - fetched_ms >= FETCH_AGAIN_MS) {
            fetch_missing(catalog);
            fetched_ms = now;
        }
        if (complete || !pipelines_end || !models_end)
            continue;
        complete = true;
        pthread_mutex_lock(&catalog->lock);
        catalog->complete = true;
        pthread_mutex_unlock(&catalog->lock);
        health_set("catalog", HEALTH_STARTUP, true, NULL);
    }
}

static void *
run(void *self)
{
    struct catalog *catalog = self;
    struct follower *pipelines = NULL, *models = NULL;
    while (!atomic_load(&catalog->stopping)) {
        struct error err = {0};
        if (open_followers(catalog, &pipelines, &models, &err) == 0) {
            follow(catalog, pipelines, models);
            break;
        }
        health_set("catalog", HEALTH_STARTUP, false, err.message);
        clock_sleep_ms(500);
    }
    follower_close(&pipelines);
    follower_close(&models);
    return NULL;
}

int
catalog_open(struct broker *broker, const struct catalog_options *options, struct catalog **out,
             struct error *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    if (catalog == NULL)
        return error_memory(err, "catalog");
    catalog->broker = broker;
    catalog->options = *options;
    pthread_mutex_init(&catalog->lock, NULL);
    health_set("catalog", HEALTH_STARTUP, false, "the announcements are not read yet");
    if (options->adopts != NULL &&
        warehouse_open("millrace.catalog", 10000, &catalog->warehouse, err) != 0)
        goto undo;
    if (options->adopts != NULL)
        mkdir(options->cache_dir, 0700);
    if (pthread_create(&catalog->thread, NULL, run, catalog) != 0) {
        error_set(err, ERROR_FATAL, "no thread for the catalog");
        goto undo;
    }
    *out = catalog;
    return 0;
undo:
    warehouse_close(&catalog->warehouse);
    free(catalog);
    return -1;
}

void
catalog_close(struct catalog **catalog)
{
    if (*catalog == NULL)
        return;
    atomic_store(&(*catalog)->stopping, true);
    pthread_join((*catalog)->thread, NULL);
    for (size_t i = 0; i < (*catalog)->pipelines; i++) {
        struct pipeline *pipeline = (struct pipeline *)(uintptr_t)(*catalog)->pipeline[i];
        pipeline_free(&pipeline);
    }
    for (size_t i = 0; i < (*catalog)->promotions; i++)
        free((void *)(uintptr_t)(*catalog)->promoted[i].artefact.at);
    free((*catalog)->pipeline);
    free((*catalog)->promoted);
    warehouse_close(&(*catalog)->warehouse);
    pthread_mutex_destroy(&(*catalog)->lock);
    free(*catalog);
    *catalog = NULL;
}
