/* config_value: strict readers; none of them skips blanks or stops at what it does not know.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config_value.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Decimal digits at the beginning; NULL: none, or too many for an int64_t. */
static const char *
skip_digits(const char *text, int64_t *value)
{
    const char *at = text;
    int64_t sum = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, *at - '0', &sum))
            return NULL;
    }
    *value = sum;
    return at == text ? NULL : at;
}

static int
read_count(const char *text, int64_t *out)
{
    int64_t count;
    const char *end = skip_digits(text, &count);
    if (!end || *end != '\0')
        return -1;
    *out = count;
    return 0;
}

static int
read_milliseconds(const char *text, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t count;
    const char *unit = skip_digits(text, &count);
    for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t ms;
        if (strcmp(unit, units[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(count, units[i].ms, &ms))
            return -1;
        *out = ms;
        return 0;
    }
    return -1;
}

/* strtod would also take blanks, hexadecimal digits and the words for infinity and NaN. */
static int
read_real(const char *text, double *out)
{
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return -1;
    char *end;
    double real = strtod(text, &end);
    if (*end != '\0' || !isfinite(real))
        return -1;
    *out = real;
    return 0;
}

static int
read_flag(const char *text, bool *out)
{
    static const char *const words[2][4] = {{"false", "0", "no", "off"},
                                            {"true", "1", "yes", "on"}};
    for (int flag = 0; flag < 2; flag++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcmp(text, words[flag][i]) == 0) {
                *out = flag == 1;
                return 0;
            }
        }
    }
    return -1;
}

int
config_value_from_text(const struct setting *setting, const char *text, void *out)
{
    void *member = (char *)out + setting->at;
    switch (setting->type) {
    case SETTING_FLAG:
        return read_flag(text, member);
    case SETTING_COUNT:
        return read_count(text, member);
    case SETTING_REAL:
        return read_real(text, member);
    case SETTING_MILLISECONDS:
        return read_milliseconds(text, member);
    case SETTING_TEXT:
        *(const char **)member = *text == '\0' ? NULL : text;
        return 0;
    case SETTING_NODE:
        assert(*text == '\0');
        *(const struct json_t **)member = NULL;
        return 0;
    }
    return -1;
}

const char *
config_value_wanted(enum setting_type type)
{
    static const char *const wanted[] = {
        [SETTING_FLAG] = "true or false",
        [SETTING_COUNT] = "a whole number from 0",
        [SETTING_REAL] = "a number",
        [SETTING_TEXT] = "a text",
        [SETTING_MILLISECONDS] = "a time such as 250ms, 2s, 5min, 1h or 30d",
        [SETTING_NODE] = "a JSON value",
    };
    return wanted[type];
}
