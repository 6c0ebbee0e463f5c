/* sqlstate: what a complaint of PostgreSQL means for us, by its class (PostgreSQL 15 manual,
 * appendix A), and the sentence made of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SQLSTATE_H
#define MILLRACE_SQLSTATE_H

#include "error.h"

/* TRANSIENT for classes 08, 40, 53, 55, 57; INPUT for 22, 23, 54 and 08P01; FATAL for
 * all else. */
enum error_kind sqlstate_kind(const char *sqlstate);

struct complaint { /* all but the SQLSTATE may be NULL */
    const char *sqlstate, *primary, *detail, *context;
};
/* Sets the kind and "<primary> (SQLSTATE ...; detail; context)", detail and context shortened; what
 * quotes data is left out. INPUT has the reason "postgresql.<sqlstate>".
 * Returns -1. */
int sqlstate_error(const struct complaint *, struct error *);

#endif
