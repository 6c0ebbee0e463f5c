/* encoder: turns one feature column into columns of the model's matrix. Learnt from training rows
 * alone and kept in the model file. A kind is one file in this folder with one exported
 * `const struct encoder_type encoder_<file>`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ENCODER_H
#define MILLRACE_ENCODER_H

#include "../config.h"
#include "../frame.h"

struct encoder;
struct encoder_type {
    const char *name, *summary;
    const struct setting *table; /* "encoder" and "features" are read before */
    size_t settings_size;
    uint32_t accepts; /* bit (1 << column_type) for each type it can encode */
    int (*fit)(const void *settings, const struct column *, size_t rows, struct encoder **,
               struct error *);
    size_t (*width)(const struct encoder *);
    /* Writes matrix columns at .. at + width - 1 of every row. Unseen categories and missing values
     * have a documented code; never NaN but where `missing` says so. */
    void (*apply)(const struct encoder *, const struct column *, struct matrix *, size_t at);
    int (*save)(const struct encoder *, struct arena *, struct bytes *saved, struct error *);
    int (*load)(struct bytes, struct encoder **, struct error *); /* hostile bytes: INPUT */
    void (*free)(struct encoder **);
    /* How many distinct training values got no column of their own because of a limit, so that a
     * run can tell. NULL: none ever. */
    uint64_t (*left_out)(const struct encoder *);
    /* Writes NaN for what is missing, so its learner must take that. */
    bool missing;
    /* Of width 1, whose cells are codes 0 .. categories - 1 without order. NULL: of numbers. */
    uint32_t (*categories)(const struct encoder *);
};
extern const struct encoder_type *const encoder_types[];
const struct encoder_type *encoder_find(const char *name);

#endif
