/* weights: a model file of the learner "logistic" as JSON on standard output, for peers that score
 * by the same numbers: the features' names, what each encoder learnt, weights, training means and
 * the pipeline's policy. Reals bear 17 digits, so they come back as they were.
 *
 *   weights ARTEFACT PIPELINE
 *
 *   {"digest":..,"reasons":3,"policy":[{"from":..,"decision":..}],"features":[name,..],
 *    "parts":[{"encoder":"standardise","feature":i,"mean":..,"sd":..,"clip":..} |
 *             {"encoder":"missing_indicator","feature":i} |
 *             {"encoder":"one_hot","feature":i,"categories":[text or number,..]}],
 *    "bias":..,"weights":[..],"means":[..]}
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefact.h"
#include "bench.h"
#include "digest.h"
#include "pack.h"

static struct bench bench = {.program = "weights"};

static json_t *
text_of(struct bytes text)
{
    return json_stringn((const char *)text.at, text.length);
}

static json_t *
features_of(struct bytes section)
{
    struct unpacker u = {.rest = section};
    json_t *names = json_array();
    uint32_t count = unpack_u32(&u);
    for (uint32_t i = 0; i < count && !u.failed; i++) {
        json_array_append_new(names, text_of(unpack_bytes(&u)));
        unpack_u32(&u); /* its type and */
        unpack_u32(&u); /* width are seen in the values */
    }
    return names;
}

static json_t *
categories_of(struct unpacker *u)
{
    json_t *categories = json_array();
    uint32_t type = unpack_u32(u);
    unpack_u64(u);
    uint32_t count = unpack_u32(u);
    for (uint32_t i = 0; i < count && !u->failed; i++) {
        unpack_u64(u);
        json_array_append_new(categories, type == COLUMN_TEXT
                                              ? text_of(unpack_bytes(u))
                                              : json_integer((json_int_t)unpack_u64(u)));
    }
    return categories;
}

static json_t *
part_of(struct unpacker *u)
{
    char name[64];
    struct bytes encoder = unpack_bytes(u);
    snprintf(name, sizeof(name), "%.*s", (int)encoder.length, (const char *)encoder.at);
    json_t *part = json_pack("{s:s s:i}", "encoder", name, "feature", (int)unpack_u32(u));
    struct unpacker saved = {.rest = unpack_bytes(u)};
    if (strcmp(name, "standardise") == 0) {
        json_object_set_new(part, "mean", json_real(unpack_real(&saved)));
        json_object_set_new(part, "sd", json_real(unpack_real(&saved)));
        json_object_set_new(part, "clip", json_real(unpack_real(&saved)));
    } else if (strcmp(name, "one_hot") == 0) {
        json_object_set_new(part, "categories", categories_of(&saved));
    } else if (strcmp(name, "missing_indicator") != 0) {
        fprintf(stderr, "weights: peers know no encoder %s\n", name);
        exit(1);
    }
    return part;
}

static json_t *
parts_of(struct bytes section)
{
    struct unpacker u = {.rest = section};
    json_t *parts = json_array();
    uint32_t count = unpack_u32(&u);
    for (uint32_t i = 0; i < count && !u.failed; i++)
        json_array_append_new(parts, part_of(&u));
    return parts;
}

static int
add_model(json_t *document, struct bytes section)
{
    struct unpacker u = {.rest = section};
    struct bytes learner = unpack_bytes(&u);
    if (!bytes_equal_text(learner, "logistic"))
        return -1;
    struct unpacker saved = {.rest = unpack_bytes(&u)};
    uint32_t columns = unpack_u32(&saved);
    json_t *weights = json_array(), *means = json_array();
    json_object_set_new(document, "bias", json_real(unpack_real(&saved)));
    for (uint32_t i = 0; i < columns && !saved.failed; i++) {
        json_array_append_new(weights, json_real(unpack_real(&saved)));
        json_array_append_new(means, json_real(unpack_real(&saved)));
    }
    json_object_set_new(document, "weights", weights);
    json_object_set_new(document, "means", means);
    return saved.failed ? -1 : 0;
}

static void
add_policy(json_t *document, const struct pipeline *pipeline)
{
    json_t *policy = json_array();
    for (size_t i = 0; i < pipeline->bands; i++)
        json_array_append_new(policy, json_pack("{s:f s:s}", "from", pipeline->band[i].from,
                                                "decision", pipeline->band[i].decision));
    json_object_set_new(document, "policy", policy);
    json_object_set_new(document, "reasons", json_integer(pipeline->score.reasons));
}

int
main(int argc, char **argv)
{
    struct error err = {0};
    struct section section[] = {{.name = "features"}, {.name = "encoders"}, {.name = "model"}};
    struct bytes file;
    char digest[DIGEST_HEX];
    if (argc != 3) {
        fprintf(stderr, "usage: weights ARTEFACT PIPELINE\n");
        return 2;
    }
    struct pipeline *pipeline = bench_pipeline(&bench, argv[2]);
    if (pipeline == NULL)
        return 1;
    if (bench_file(argv[1], &file, &err) != 0 || artefact_read(file, section, 3, &err) != 0)
        return bench_fail(&bench, &err);
    digest_hex(file, digest);
    json_t *document = json_pack("{s:s}", "digest", digest);
    add_policy(document, pipeline);
    json_object_set_new(document, "features", features_of(section[0].bytes));
    json_object_set_new(document, "parts", parts_of(section[1].bytes));
    if (add_model(document, section[2].bytes) != 0) {
        fprintf(stderr, "weights: %s holds no logistic model\n", argv[1]);
        return 1;
    }
    json_dumpf(document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    puts("");
    json_decref(document);
    pipeline_free(&pipeline);
    free((void *)(uintptr_t)file.at);
    return 0;
}
