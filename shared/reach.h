/* reach: whether a log reaches to the position from which it is to be read. Where it does not, be
 * it that retention was faster or that a server was restored to an earlier moment, the partition
 * stands still and says so: nobody skips records in silence. Shared by both loops and the command.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_REACH_H
#define MILLRACE_REACH_H

#include "broker.h"

#define REACH_AGAIN_MS 2000 /* a partition that stands still is looked at as often */

enum reach {
    REACH_OK,
    REACH_BEHIND, /* the position is below the low watermark: records are lost to it */
    REACH_AHEAD,  /* it is beyond the end: the log is not the one that was read */
};
struct ends { /* of a partition's log */
    int64_t low, high;
};
enum reach reach_of(int64_t next, struct ends);
const char *reach_name(enum reach); /* "ok", "behind", "ahead" */
/* Asks the broker. The position must have been read before, for logs grow. */
int reach_ask(struct broker *, const struct position *at, enum reach *, struct ends *,
              struct error *) MUST_CHECK;

void reach_open(void); /* registers the metric */
/* A partition of `group` has begun to stand still, or no longer does: an error in the log with the
 * remedy, or a warning where it goes on; millrace_position_out_of_log is 1 or 0. */
void reach_tell(const char *group, const struct position *at, enum reach, struct ends,
                const char *remedy);
void reach_forget(const char *group, const struct position *at); /* it is another instance's now */
/* A line of /readyz?verbose, which changes no status: how many stand still, and one of them. */
void reach_report(const char *check, size_t stopped, const struct position *at, enum reach);

#endif
