/* log: one JSON object a line on stdout: ts, level, service, msg, then typed fields.
 * Never per event, never payloads or secrets. MILLRACE_LOG_FORMAT=text prints for people.
 * Thread safe: a line is one write.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LOG_H
#define MILLRACE_LOG_H

#include <stdint.h>

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };

enum field_type { FIELD_END, FIELD_INT, FIELD_REAL, FIELD_TEXT };
struct field {
    const char *name;
    enum field_type type;
    int64_t integer;
    double real;
    const char *text;
};
struct field field_int(const char *name, int64_t);
struct field field_real(const char *name, double);
struct field field_text(const char *name, const char *); /* NULL prints null */

/* Before the first line; service and instance are in every line. level: "debug|info|warn|error",
 * format: "json|text"; anything else counts as info, json. Strings are borrowed for ever. */
void log_setup(const char *service, const char *instance, const char *level, const char *format);
void log_write(enum log_level, const char *sentence, ...); /* fields, then one without a name */
#define log_debug(...) log_write(LEVEL_DEBUG, __VA_ARGS__, (struct field){0})
#define log_info(...)  log_write(LEVEL_INFO, __VA_ARGS__, (struct field){0})
#define log_warn(...)  log_write(LEVEL_WARN, __VA_ARGS__, (struct field){0})
#define log_error(...) log_write(LEVEL_ERROR, __VA_ARGS__, (struct field){0})

#endif
