/* config: settings from the environment and from the files it names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_value.h"

#define PREFIX         "MILLRACE_"
#define PASSED_THROUGH "MILLRACE_KAFKA_"
#define VARIABLE_MAX   128             /* bytes of a variable's name */
#define FILE_MAX       ((size_t)65536) /* bytes of a value's file; a longer one is a mistake */
#define NAMES_MAX      512             /* variables a program may know, each with its _FILE */

static void
variable_of(const char *name, const char *ending, char out[VARIABLE_MAX])
{
    assert(strlen(PREFIX) + strlen(name) + strlen(ending) < VARIABLE_MAX);
    char *at = stpcpy(stpcpy(stpcpy(out, PREFIX), name), ending);
    while (at-- > out)
        *at = (char)toupper((unsigned char)*at);
}

/* An empty variable counts as one that is not set: compose files and manifests write optional
 * values so. */
static const char *
variable_value(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value != '\0' ? value : NULL;
}

static void
file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

static void
text_free(char **text)
{
    free(*text);
    *text = NULL;
}

/* The malloc'd content of a mounted secret, or NULL and a mistake. */
static char *
read_value_file(const char *variable, const char *path, struct mistakes *mistakes)
{
    DEFER(file_close) FILE *file = fopen(path, "re");
    DEFER(text_free) char *text = malloc(FILE_MAX + 2);
    size_t length = file && text ? fread(text, 1, FILE_MAX + 1, file) : 0;
    if (!text) {
        mistake_add(mistakes, variable, "no memory to read %s", path);
        return NULL;
    }
    if (!file || ferror(file)) {
        mistake_add(mistakes, variable, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    if (length > FILE_MAX) {
        mistake_add(mistakes, variable, "%s is longer than %zu bytes", path, FILE_MAX);
        return NULL;
    }
    if (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    if (length == 0 || strlen(text) != length) {
        mistake_add(mistakes, variable, "%s %s", path, length ? "holds a NUL byte" : "is empty");
        return NULL;
    }
    char *result = text;
    text = NULL;
    return result;
}

/* Where a value comes from. Neither environment nor file: the fallback. */
struct found {
    char *text;       /* malloc'd; NULL: not set, or a mistake */
    const char *path; /* NULL: not from a file */
    bool mistaken;
};

static struct found
find_value(const struct setting *setting, struct mistakes *mistakes)
{
    char variable[VARIABLE_MAX], file_variable[VARIABLE_MAX];
    variable_of(setting->name, "", variable);
    variable_of(setting->name, "_file", file_variable);
    const char *value = variable_value(variable);
    struct found found = {.path = variable_value(file_variable)};
    if (value && found.path) {
        mistake_add(mistakes, variable, "is set, and so is %s: one of them is too much",
                    file_variable);
        found.mistaken = true;
    } else if (found.path) {
        found.text = read_value_file(file_variable, found.path, mistakes);
        found.mistaken = !found.text;
    } else if (value) {
        found.text = strdup(value);
        found.mistaken = !found.text;
        if (!found.text)
            mistake_add(mistakes, variable, "no memory to read it");
    }
    return found;
}

/* Texts that settings point to live as long as the process; the list keeps them reachable, so that
 * the leak checker can tell them from what is lost. Settings are read by one thread, at start. */
static struct kept {
    struct kept *next;
    char *text;
} * kept_texts;

static int
keep_text(char *text)
{
    struct kept *kept = malloc(sizeof(*kept));
    if (!kept)
        return -1;
    *kept = (struct kept){kept_texts, text};
    kept_texts = kept;
    return 0;
}

static int
read_setting(const struct setting *setting, void *out, struct mistakes *mistakes)
{
    char variable[VARIABLE_MAX];
    variable_of(setting->name, "", variable);
    struct found found = find_value(setting, mistakes);
    DEFER(text_free) char *text = found.text;
    if (found.mistaken)
        return -1;
    if (!text && !setting->fallback)
        return mistake_add(mistakes, variable, "is required: %s", setting->help);
    if (config_value_from_text(setting, text ? text : setting->fallback, out) != 0)
        return mistake_add(mistakes, variable, "\"%s\" is not %s", text ? text : setting->fallback,
                           config_value_wanted(setting->type));
    if (text && setting->type == SETTING_TEXT) {
        if (keep_text(text) != 0)
            return mistake_add(mistakes, variable, "no memory to read it");
        text = NULL;
    }
    return 0;
}

int
config_from_env(const struct setting *const tables[], void *const outs[], struct mistakes *mistakes)
{
    int result = 0;
    for (size_t i = 0; tables[i]; i++) {
        for (const struct setting *setting = tables[i]; setting->name; setting++) {
            if (read_setting(setting, outs[i], mistakes) != 0)
                result = -1;
        }
    }
    return result;
}

/* Levenshtein's distance, row by row. */
static size_t
edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[VARIABLE_MAX + 1];
    assert(b_length <= VARIABLE_MAX);
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_length];
}

const char *
config_did_you_mean(const char *word, const char *const names[])
{
    size_t length = strnlen(word, VARIABLE_MAX + 1);
    if (length > VARIABLE_MAX)
        return NULL;
    const char *nearest = NULL;
    size_t least = 4;
    for (size_t i = 0; names[i]; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > VARIABLE_MAX)
            continue;
        size_t distance = edit_distance(word, length, names[i], name_length);
        size_t longer = length > name_length ? length : name_length;
        if (distance < least && 2 * distance <= longer) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

/* All variables of the tables, NULL-ended; each row gives NAME and NAME_FILE. */
struct known {
    char name[NAMES_MAX][VARIABLE_MAX];
    const char *list[NAMES_MAX + 1];
};

static void
list_variables(const struct setting *const tables[], struct known *known)
{
    size_t count = 0;
    for (size_t i = 0; tables[i]; i++) {
        for (const struct setting *setting = tables[i]; setting->name; setting++) {
            assert(count + 2 <= NAMES_MAX);
            variable_of(setting->name, "", known->name[count++]);
            variable_of(setting->name, "_file", known->name[count++]);
        }
    }
    for (size_t i = 0; i < count; i++)
        known->list[i] = known->name[i] + strlen(PREFIX);
    known->list[count] = NULL;
}

static int
check_variable(const char *variable, const struct known *known, struct mistakes *mistakes)
{
    const char *word = variable + strlen(PREFIX);
    for (size_t i = 0; known->list[i]; i++) {
        if (strcmp(word, known->list[i]) == 0)
            return 0;
    }
    const char *nearest = config_did_you_mean(word, known->list);
    if (nearest)
        return mistake_add(mistakes, variable, "is no setting; did you mean " PREFIX "%s?",
                           nearest);
    return mistake_add(mistakes, variable, "is no setting; --help lists them all");
}

int
config_unknown_env(const struct setting *const tables[], struct mistakes *mistakes)
{
    struct known *known = malloc(sizeof(*known));
    if (!known)
        return mistake_add(mistakes, "", "no memory to check the environment");
    list_variables(tables, known);
    int result = 0;
    for (char **entry = environ; entry && *entry; entry++) {
        if (strncmp(*entry, PREFIX, strlen(PREFIX)) != 0 ||
            strncmp(*entry, PASSED_THROUGH, strlen(PASSED_THROUGH)) == 0)
            continue;
        char *variable = strndup(*entry, strcspn(*entry, "="));
        if (!variable || check_variable(variable, known, mistakes) != 0)
            result = -1;
        free(variable);
    }
    free(known);
    return result;
}

static const char *
shown_fallback(const struct setting *setting)
{
    if (!setting->fallback)
        return "(required)";
    return *setting->fallback == '\0' ? "(none)" : setting->fallback;
}

void
config_print_help(FILE *file, const struct setting *const tables[])
{
    int name_width = 0, fallback_width = 0;
    char variable[VARIABLE_MAX];
    for (size_t i = 0; tables[i]; i++) {
        for (const struct setting *setting = tables[i]; setting->name; setting++) {
            int name = (int)(strlen(PREFIX) + strlen(setting->name));
            int fallback = (int)strlen(shown_fallback(setting));
            name_width = name > name_width ? name : name_width;
            fallback_width = fallback > fallback_width ? fallback : fallback_width;
        }
    }
    for (size_t i = 0; tables[i]; i++) {
        for (const struct setting *setting = tables[i]; setting->name; setting++) {
            variable_of(setting->name, "", variable);
            fprintf(file, "  %-*s  %-*s  %s\n", name_width, variable, fallback_width,
                    shown_fallback(setting), setting->help);
        }
    }
}

void
config_print_values(FILE *file, const struct setting *const tables[])
{
    for (size_t i = 0; tables[i]; i++) {
        for (const struct setting *setting = tables[i]; setting->name; setting++) {
            char variable[VARIABLE_MAX];
            variable_of(setting->name, "", variable);
            struct found found = find_value(setting, NULL);
            DEFER(text_free) char *text = found.text;
            const char *value = text ? text : shown_fallback(setting);
            if (found.mistaken)
                value = "(mistaken)";
            else if (text && setting->secret)
                value = "***";
            fprintf(file, "%s=%s  # %s%s\n", variable, value,
                    found.path ? "file "
                    : text     ? "environment"
                               : "default",
                    found.path ? found.path : "");
        }
    }
}
