/* sqlstate: kinds by class, and a sentence that names no personal data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sqlstate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EXTRA_MAX 160 /* bytes of detail and of context in a message */

static bool
class_in(const char *sqlstate, const char *const classes[])
{
    for (; *classes != NULL; classes++)
        if (strncmp(sqlstate, *classes, 2) == 0)
            return true;
    return false;
}

enum error_kind
sqlstate_kind(const char *sqlstate)
{
    static const char *const transient[] = {"08", "40", "53", "55", "57", NULL};
    static const char *const input[] = {"22", "23", "54", NULL};
    /* So PostgreSQL calls binary fields that are too short for their columns. */
    if (strcmp(sqlstate, "08P01") == 0)
        return ERROR_INPUT;
    if (class_in(sqlstate, transient))
        return ERROR_TRANSIENT;
    return class_in(sqlstate, input) ? ERROR_INPUT : ERROR_FATAL;
}

/* "; <first line>", at most EXTRA_MAX bytes and cut between characters; "" without text. */
static const char *
extra(const char *text, char out[EXTRA_MAX + 4])
{
    if (text == NULL || *text == '\0')
        return "";
    size_t length = strcspn(text, "\n");
    if (length > EXTRA_MAX)
        length = EXTRA_MAX;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    snprintf(out, EXTRA_MAX + 4, "; %.*s", (int)length, text);
    return out;
}

/* The detail of a violated NOT NULL or CHECK is the whole row, that of bad data a piece of it. */
static bool
detail_is_data(const char *sqlstate)
{
    static const char *const data[] = {"22", NULL};
    return class_in(sqlstate, data) || strcmp(sqlstate, "23502") == 0 ||
           strcmp(sqlstate, "23514") == 0;
}

/* The outermost place, unless it quotes the data. */
static const char *
place_of(const char *context)
{
    if (context == NULL)
        return NULL;
    const char *end = strrchr(context, '\n');
    const char *line = end != NULL ? end + 1 : context;
    return strncmp(line, "JSON data", 9) == 0 ? NULL : line;
}

int
sqlstate_error(const struct complaint *complaint, struct error *err)
{
    char detail[EXTRA_MAX + 4], context[EXTRA_MAX + 4], reason[24];
    const char *sqlstate = complaint->sqlstate;
    const char *primary = complaint->primary != NULL ? complaint->primary : "an error";
    const char *about = detail_is_data(sqlstate) ? NULL : complaint->detail;
    const char *more = extra(about, detail), *place = extra(place_of(complaint->context), context);
    enum error_kind kind = sqlstate_kind(sqlstate);
    if (kind != ERROR_INPUT)
        return error_set(err, kind, "PostgreSQL: %s (SQLSTATE %s%s%s)", primary, sqlstate, more,
                         place);
    snprintf(reason, sizeof(reason), "postgresql.%s", sqlstate);
    return error_refuse(err, reason, "", "PostgreSQL: %s (SQLSTATE %s%s%s)", primary, sqlstate,
                        more, place);
}
