/* models: what is on record about model versions, and how it is shown.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_MODELS_H
#define MILLRACE_CLI_MODELS_H

#include "catalog.h"
#include "cli.h"

/* NAME[/VERSION], checked; *version NULL: the newest. */
int models_parse(struct cli *, const char *argument, const char **name, const char **version);
/* A version from 1 that PostgreSQL's integer can hold. */
int models_check_version(const char *text);

/* One version, NULL: the newest, with its run and all of its evaluation: an object with the arrays
 * metrics, confusion, segments, importance, curve, calibration and learning (new reference). */
int models_read(struct cli *, const char *pipeline, const char *version, json_t **model);
/* Prints a version, NULL: the newest, with its metrics. */
int models_print(struct cli *, const char *pipeline, const char *version);

/* The version by its number or as "latest", which must be READY: its number and digest. */
int models_find(struct cli *, const char *pipeline, const char *version, struct announcement *);
/* Gives `to`'s version its alias, on record with the note, and announces it. */
int models_promote(struct cli *, struct announcement *to, const char *note);

#endif
