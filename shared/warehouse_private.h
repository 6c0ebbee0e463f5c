/* warehouse_private: the two files of the warehouse among themselves. The only file with
 * libpq-fe.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_WAREHOUSE_PRIVATE_H
#define MILLRACE_WAREHOUSE_PRIVATE_H

#include <libpq-fe.h>

#include "warehouse.h"

struct warehouse {
    PGconn *connection; /* NULL: connect at the next call */
    char *application;
    int64_t statement_timeout_ms;
    bool in_transaction; /* begun and not ended yet; outlives a lost connection on purpose */
    char sqlstate[6];
};

/* Every call that may connect starts here. */
int warehouse_session_ready(struct warehouse *, struct error *) MUST_CHECK;
void warehouse_session_close(struct warehouse *);
/* Sets what went wrong, by the result if it tells (it may be NULL). Returns -1. */
int warehouse_call_failed(struct warehouse *, const PGresult *, struct error *);
/* Takes the result over and answers it if the call went well, else NULL with the error set. */
PGresult *warehouse_call_ended(struct warehouse *, PGresult *, struct error *) MUST_CHECK;
/* What was sent and has not been asked for is over: a COPY in the middle fails, statements behind
 * it are skipped. */
void warehouse_abandon(struct warehouse *);

#endif
