/* scan: JSON, a token at a time, straight from its bytes. It accepts what jansson accepts, or
 * declines: a false says nothing about the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCAN_H
#define MILLRACE_SCAN_H

#include "character.h"
#include "text.h"

#define SCAN_MEMBERS_MAX 16 /* of an object that is no row; more: declined */

struct scan {
    const uint8_t *at, *end;
};

static inline void
scan_space(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at <= ' ' &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static inline bool
scan_take(struct scan *scan, char wanted)
{
    if (scan->at == scan->end || *scan->at != (uint8_t)wanted)
        return false;
    scan->at++;
    return true;
}

bool scan_word(struct scan *, const char *word); /* "true" and the like */
/* Behind the opening quote. *raw is what lies between the quotes, valid UTF-8 with its escapes,
 * which are not looked at. */
bool scan_string(struct scan *, struct bytes *raw, bool *escaped);
/* Writes at most raw.length bytes. False: an escape is none, or is NUL. */
bool scan_unescape(struct bytes raw, uint8_t *out, size_t *length);
/* Any value, `open` being the levels it is nested in. It is written to `out` as text_put_json
 * would, nowhere if that is NULL. */
bool scan_value(struct scan *, size_t open, struct text *out);

#endif
