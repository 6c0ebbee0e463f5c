/* bins: columns of numbers and categories as codes of 8 bits, for learners that look at histograms.
 *
 * Numbers: a column of at most `most` distinct values has a bin for each; else bins hold about as
 * many rows each, a value never being split over two. Cuts lie halfway between neighbouring values
 * of the rows they are made from: SAMPLE rows at most, drawn by the seed.
 * Categories: of at most `most` each has a bin; else the most frequent most - 1 have and all others
 * share the last.
 * A missing value's bin is the one behind the column's last.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BINS_H
#define MILLRACE_BINS_H

#include "crew.h"
#include "frame.h"

#define BINS_MAX    255 /* of values in a column */
#define BINS_SAMPLE 200000

/* How codes of a column of categories become bins: bin[code], count codes; count 0: of numbers. */
struct categories {
    uint32_t count;
    uint8_t *bin;
};
struct bins {
    size_t columns;
    uint16_t *values;            /* columns: bins of values, from 1 up; the next is the missing's */
    float *cut;                  /* columns x 256: bin k holds cut[k - 1] <= x < cut[k]; INFINITY
                                    from the last on */
    struct categories *category; /* columns */
};
/* `category` as in a dataset. `earlier`: columns; those with a count are taken over; or NULL. */
struct bins_source {
    const struct matrix *x; /* without infinite values */
    const uint32_t *category;
    const struct categories *earlier;
    size_t most; /* 2 .. BINS_MAX */
    uint64_t seed;
};
int bins_make(const struct bins_source *, struct crew *, struct bins **, struct error *) MUST_CHECK;
void bins_free(struct bins **);
uint8_t bins_of(const struct bins *, size_t column, float x);
/* Right of bin k of a column of numbers begins cut[k]: x < cut goes left. */
static inline float
bins_cut(const struct bins *bins, size_t column, size_t k)
{
    return bins->cut[column * 256 + k];
}

/* All rows' bins, twice: rows together for histograms, columns together for parting rows. */
struct binned {
    size_t rows, columns, stride; /* stride: bytes from row to row */
    uint8_t *by_row, *by_column;  /* rows x stride, columns x rows */
    struct spool *spool;          /* that both lie in; NULL: they are malloc'd */
};
#define BINNED_STRIDE 16 /* stride is a multiple of it */
int binned_make(const struct bins *, const struct matrix *, struct crew *, struct binned **,
                struct error *) MUST_CHECK;
void binned_free(struct binned **);

/* The same of rows that come a few at a time and lie in a file of no name in the folder, which is
 * mapped: as much of it is in memory as there is room for. TRANSIENT: the file cannot be written.
 */
struct binning;
int binning_open(const struct bins *, const char *folder, struct binning **,
                 struct error *) MUST_CHECK; /* the bins must outlive it */
int binning_add(struct binning *, const struct matrix *, struct error *) MUST_CHECK;
int binning_end(struct binning **, struct crew *, struct binned **, struct error *) MUST_CHECK;
void binning_close(struct binning **);

#endif
