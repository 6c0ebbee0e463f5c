/* fake_catalog: pipelines and models given by hand instead of read from topics. Link its object
 * before the library. It lives as long as the test's process.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_FAKE_CATALOG_H
#define MILLRACE_TESTS_FAKE_CATALOG_H

#include "catalog.h"

struct catalog *fake_catalog_open(void);
/* JSON with single quotes for double ones; the version is announced. */
void fake_catalog_announce(struct catalog *, const char *json, int32_t version);
/* The alias' model from now on, with the next revision. */
void fake_catalog_promote(struct catalog *, const char *pipeline, int32_t version,
                          const char *artefact);

#endif
