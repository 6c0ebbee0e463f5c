/* catalog: the pipelines (every version announced) and promoted models this process knows. Fed by
 * one thread that follows `<prefix>.pipelines` and `<prefix>.models`, read by the loops between
 * batches. Thread safe. Pipelines and artefacts, once in, live as long as the process.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CATALOG_H
#define MILLRACE_CATALOG_H

#include "broker.h"
#include "pipeline.h"
#include "warehouse.h"

struct announcement { /* of an alias */
    char pipeline[64], alias[32];
    char digest[65];
    int32_t version;
    int64_t revision;
};

struct catalog;
struct catalog_options {
    const char *prefix, *lane; /* pipelines of other lanes are left out; lane NULL: all */
    const char *cache_dir;     /* of artefacts; used with adopts only */
    const char *adopts; /* alias whose artefacts are fetched; NULL: models are not followed */
};
int catalog_open(struct broker *, const struct catalog_options *, struct catalog **,
                 struct error *) MUST_CHECK;
void catalog_close(struct catalog **); /* stops its thread */
/* Grows with every change; 0 until both topics have been read to the end once. */
uint64_t catalog_generation(struct catalog *);

size_t catalog_pipelines(struct catalog *, const struct pipeline **out,
                         size_t max); /* newest version each */
const struct pipeline *catalog_find(struct catalog *, const char *name,
                                    int32_t version); /* 0: newest; NULL */
/* The artefact of the alias, fetched and verified; false: none (yet). */
bool catalog_model(struct catalog *, const char *pipeline, struct announcement *,
                   struct bytes *artefact);
/* Promoted but not yet fetched (PostgreSQL down and not cached): for /readyz. */
bool catalog_waits_for_artefact(struct catalog *, char why[256]);

/* Writers: `millrace pipeline apply`, `models promote`, and the services that announce again. */
int catalog_announce_pipeline(struct broker *, const char *prefix, const struct pipeline *,
                              struct error *) MUST_CHECK; /* key <name>/<version> */
int catalog_announce_model(struct broker *, const char *prefix, const struct announcement *,
                           struct error *) MUST_CHECK; /* key <pipeline>/<alias> */

#endif
