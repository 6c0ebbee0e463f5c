/* codec_private: the parts of the codec among themselves, and for what compares its two ways.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CODEC_PRIVATE_H
#define MILLRACE_CODEC_PRIVATE_H

#include "codec.h"

#define CODEC_INTEGRAL_MAX 9007199254740992.0 /* 2^53: every integer up to here is a double */
#define CODEC_UNKNOWN_MAX  16                 /* keys that no field knows; more: declined */
#define CODEC_TOKEN_PIECE  16 /* bytes behind a token: it is copied in such pieces */

struct codec_field {
    const uint8_t *token;   /* ,"key": and CODEC_TOKEN_PIECE bytes behind it */
    size_t token_length;    /* in bytes */
    size_t expected_length; /* of the token without its comma; 0: it is written with escapes */
    struct bytes key;
};

/* What a schema is to the codec, and what it notes while it reads a row. */
struct codec_plan {
    const struct schema *schema;
    size_t fields;
    size_t required; /* fields that must have a value */
    bool ambiguous;  /* two fields have the same key: the order of keys decides, so no fast way */
    struct codec_field *field;
    uint32_t *slot;                          /* hash table of fields by key, from 1; 0: empty */
    size_t slots;                            /* a power of two, twice the fields at least */
    uint64_t *seen;                          /* the last row in which a field's key was met */
    uint64_t row;                            /* counts from 1 */
    struct bytes unknown[CODEC_UNKNOWN_MAX]; /* keys of this row that no field has */
    size_t unknowns;
};
/* Of the frame's schema, made once a frame. NULL past the arena's limit. */
struct codec_plan *codec_plan(const struct frame *);
bool codec_make_room(const struct frame *, size_t needed); /* false: past the arena's limit */
size_t codec_find(const struct codec_plan *,
                  struct bytes key); /* `fields`: no field has this key */

static inline const char *
codec_key(const struct schema_field *field)
{
    return field->from ? field->from : field->name;
}

/* Both fill row frame->rows and leave the row's origin, and their number, to the caller. The
 * scanner's false says nothing: the tree must be asked, and the row is as it was. What it accepts,
 * the tree accepts with the same values. *err may be written to. */
bool codec_read_fast(struct frame *, struct bytes value, struct error *err) MUST_CHECK;
int codec_read_tree(struct frame *, struct bytes value, struct error *) MUST_CHECK;

#endif
