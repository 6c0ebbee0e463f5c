/* event_table: the layout that all event tables share: their provenance columns, the fields of each
 * layer, and what is said about them in the catalogue.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_EVENT_TABLE_H
#define MILLRACE_EVENT_TABLE_H

#include <stdio.h>

#include "pipeline.h"

struct provenance {
    const char *name, *type, *comment; /* type: as format_type() prints it */
    bool required;
};
extern const struct provenance provenance[]; /* PROVENANCE_COLUMNS of them, then one without name */

struct layer {
    const char *stage, *comment;
};
extern const struct layer layers[STAGE_LAYERS];

/* Fields after the provenance columns: raw has the payload alone whatever its schema. */
const struct schema *event_table_fields(const char *layer, const struct schema *);
/* As format_type() prints it. */
const char *event_table_type(enum column_type);
/* As a literal. */
void event_table_comment(const struct pipeline *, const char *layer, const struct schema_field *,
                         FILE *);
/* Doubles and surrounds with the quote: '"' makes an identifier, '\'' a literal. */
void sql_quote(FILE *, const char *text, char quote);

#endif
