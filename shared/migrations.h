/* migrations: the SQL files of schemas/warehouse, compiled in by its embed.sh, in order.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MIGRATIONS_H
#define MILLRACE_MIGRATIONS_H

struct migration {
    const char *file, *sql;
};
extern const struct migration migrations[]; /* ends with a row without file */
extern const char warehouse_grants[];       /* grants.sql: rights of the services' roles */

#endif
