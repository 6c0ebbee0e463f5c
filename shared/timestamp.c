/* timestamp: the proleptic Gregorian calendar in whole numbers; no locale, no time zone data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "timestamp.h"

#include <string.h>

#define SECOND_US   INT64_C(1000000)
#define DAY_SECONDS INT64_C(86400)
#define EPOCH_DAY   719162 /* days from 0001-01-01 to 1970-01-01 */
#define TIME_MIN_US (-EPOCH_DAY * DAY_SECONDS * SECOND_US)
#define TIME_MAX_US (INT64_C(253402300800) * SECOND_US - 1) /* the end of year 9999 */

static const int16_t days_before_month[13] = {0,   31,  59,  90,  120, 151, 181,
                                              212, 243, 273, 304, 334, 365};

static bool
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 0001-01-01 to the first of the month; `month` counts from 0, and 12 is next January. */
static int64_t
days_before(int64_t year, int64_t month)
{
    int64_t past = year - 1;
    int64_t days = 365 * past + past / 4 - past / 100 + past / 400;
    return days + days_before_month[month] + (month > 1 && is_leap(year));
}

struct cursor {
    const uint8_t *at, *end;
};

/* Exactly `count` digits; -1: there are others. */
static int64_t
take_digits(struct cursor *cursor, int count)
{
    if (cursor->end - cursor->at < count)
        return -1;
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        uint8_t digit = (uint8_t)(*cursor->at++ - '0');
        if (digit > 9)
            return -1;
        value = 10 * value + digit;
    }
    return value;
}

static bool
take(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != (uint8_t)wanted)
        return false;
    cursor->at++;
    return true;
}

static bool
take_date(struct cursor *cursor, int64_t *days)
{
    int64_t year = take_digits(cursor, 4);
    if (year < 1 || !take(cursor, '-'))
        return false;
    int64_t month = take_digits(cursor, 2);
    if (month < 1 || month > 12 || !take(cursor, '-'))
        return false;
    int64_t day = take_digits(cursor, 2);
    int64_t first = days_before(year, month - 1);
    if (day < 1 || first + day > days_before(year, month))
        return false;
    *days = first + day - 1 - EPOCH_DAY;
    return true;
}

static bool
take_fraction(struct cursor *cursor, int64_t *us)
{
    int64_t weight = SECOND_US;
    int digits = 0;
    *us = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; digits++) {
        weight /= 10;
        *us += weight * (*cursor->at++ - '0');
    }
    return digits >= 1 && digits <= 9;
}

/* Seconds and microseconds of the day; 23:59:60 is a leap second. */
static bool
take_time(struct cursor *cursor, int64_t *seconds, int64_t *us, bool *leap)
{
    int64_t hour = take_digits(cursor, 2);
    if (hour < 0 || hour > 23 || !take(cursor, ':'))
        return false;
    int64_t minute = take_digits(cursor, 2);
    if (minute < 0 || minute > 59 || !take(cursor, ':'))
        return false;
    int64_t second = take_digits(cursor, 2);
    if (second < 0 || second > 60)
        return false;
    *leap = second == 60;
    *seconds = 3600 * hour + 60 * minute + second;
    *us = 0;
    return !take(cursor, '.') || take_fraction(cursor, us);
}

static bool
take_offset(struct cursor *cursor, int64_t *seconds)
{
    *seconds = 0;
    if (take(cursor, 'Z') || take(cursor, 'z'))
        return true;
    int64_t sign = take(cursor, '+') ? 1 : take(cursor, '-') ? -1 : 0;
    int64_t hour = sign == 0 ? -1 : take_digits(cursor, 2);
    if (hour < 0 || hour > 23 || !take(cursor, ':'))
        return false;
    int64_t minute = take_digits(cursor, 2);
    if (minute < 0 || minute > 59)
        return false;
    *seconds = sign * (3600 * hour + 60 * minute);
    return true;
}

static bool
take_timestamp(struct cursor *cursor, int64_t *time_us)
{
    int64_t days;
    if (!take_date(cursor, &days))
        return false;
    int64_t seconds = DAY_SECONDS * days;
    int64_t us = 0;
    if (cursor->at < cursor->end) {
        int64_t of_day, offset;
        bool leap;
        if (!take(cursor, 'T') && !take(cursor, 't') && !take(cursor, ' '))
            return false;
        if (!take_time(cursor, &of_day, &us, &leap) || !take_offset(cursor, &offset))
            return false;
        seconds += of_day - offset;
        if (leap && seconds % DAY_SECONDS != 0)
            return false;
    }
    *time_us = SECOND_US * seconds + us;
    return cursor->at == cursor->end && *time_us >= TIME_MIN_US && *time_us <= TIME_MAX_US;
}

bool
timestamp_read(struct bytes text, int64_t *us)
{
    struct cursor cursor = {text.at, text.at + text.length};
    int64_t parsed;
    if (!text.at || !take_timestamp(&cursor, &parsed))
        return false;
    *us = parsed;
    return true;
}

int
timestamp_parse(struct bytes text, int64_t *us, struct error *err)
{
    if (timestamp_read(text, us))
        return 0;
    /* The value may be anything, so that only its plain characters are quoted. */
    char shown[41] = "";
    for (size_t i = 0; i < text.length && i < sizeof(shown) - 1; i++)
        shown[i] = text.at[i] >= ' ' && text.at[i] <= '~' ? (char)text.at[i] : '?';
    return error_refuse(err, "parse.timestamp", "",
                        "\"%s\" is no RFC 3339 date or time with an offset", shown);
}

static void
put_pair(char *out, uint32_t value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

/* Years that begin in March have their odd day at the end, so months follow from days by division
 * alone: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days. `days` from
 * 0001-01-01. */
static void
put_date(char *out, uint32_t days)
{
    uint32_t past = days + 306; /* from 0000-03-01 */
    uint32_t era = past / 146097, of_era = past % 146097;
    uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * of_year + 2) / 153; /* from March */
    uint32_t year = era * 400 + year_of_era + (month >= 10);
    put_pair(out, year / 100);
    put_pair(out + 2, year % 100);
    put_pair(out + 5, month < 10 ? month + 3 : month - 9);
    put_pair(out + 8, of_year - (153 * month + 2) / 5 + 1);
}

void
timestamp_print(int64_t us, char out[TIMESTAMP_LENGTH])
{
    if (us < TIME_MIN_US)
        us = TIME_MIN_US;
    if (us > TIME_MAX_US)
        us = TIME_MAX_US;
    uint64_t past_us = (uint64_t)(us - TIME_MIN_US);
    uint64_t past_seconds = past_us / SECOND_US;
    uint32_t fraction = (uint32_t)(past_us % SECOND_US);
    uint32_t of_day = (uint32_t)(past_seconds % DAY_SECONDS);
    memcpy(out, "0000-00-00T00:00:00.000000Z", TIMESTAMP_LENGTH);
    put_date(out, (uint32_t)(past_seconds / DAY_SECONDS));
    put_pair(out + 11, of_day / 3600);
    put_pair(out + 14, of_day % 3600 / 60);
    put_pair(out + 17, of_day % 60);
    put_pair(out + 20, fraction / 10000);
    put_pair(out + 22, fraction / 100 % 100);
    put_pair(out + 24, fraction % 100);
}
