/* date: one part of a time, in UTC and the proleptic Gregorian calendar.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../entry.h"
#include "step.h"

#define DAY_US   INT64_C(86400000000)
#define ERA_DAYS 146097 /* of 400 years, after which the calendar repeats */

enum part { YEAR, MONTH, DAY, WEEKDAY, HOUR, MINUTE, DAY_OF_YEAR };
static const char *const part_names[] = {"year", "month",  "day",         "weekday",
                                         "hour", "minute", "day_of_year", NULL};

#define EVENT_TIME (-1) /* as a column: the row's origin */

struct date_settings {
    const char *of, *part;
    int column; /* by plan, as what follows */
    enum part wanted;
};

static const struct setting table[] = {
    SETTING(date_settings, of, TEXT, NULL, "a timestamp column, or event_time"),
    SETTING(date_settings, part, TEXT, NULL,
            "year, month, day, weekday (Monday is 1), hour, minute or day_of_year (from 1)"),
    {0},
};

static int
plan(void *settings, const struct node *node, struct arena *arena, const struct schema *known,
     enum column_type *type, struct mistakes *mistakes)
{
    struct date_settings *own = settings;
    bool event_time = own->of != NULL && strcmp(own->of, "event_time") == 0;
    (void)arena;
    int column = event_time ? 0
                            : entry_column(mistakes, node, "of", known, own->of,
                                           ENTRY_TYPE(COLUMN_TIMESTAMP));
    int part = entry_choice(mistakes, node, "part", own->part, part_names);
    own->column = event_time ? EVENT_TIME : column;
    own->wanted = (enum part)part;
    *type = COLUMN_INT64;
    return column < 0 || part < 0 ? -1 : 0;
}

struct date {
    int64_t year, month, day, day_of_year;
};

static bool
leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Days since 1970-01-01. Years are counted from March 1 of year 0, so that a leap day is the last
 * of its year and the months before it have a fixed pattern of lengths (31 30 31 30 31, twice, 31).
 */
static struct date
date_of(int64_t days)
{
    static const int64_t before_month[] = {0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337};
    days += 719468; /* from 0000-03-01 to 1970-01-01 */
    int64_t era = days / ERA_DAYS - (days % ERA_DAYS < 0);
    int64_t left = days - era * ERA_DAYS;
    int64_t century = smaller(left / 36524, 3); /* the last day of an era makes a century longer */
    left -= century * 36524;
    int64_t fours = left / 1461;
    left -= fours * 1461;
    int64_t single = smaller(left / 365, 3); /* and a leap day a year */
    int64_t year = century * 100 + fours * 4 + single, day = left - single * 365;
    size_t month = 11;
    while (before_month[month] > day)
        month--;
    bool next_year = month >= 10; /* January and February */
    struct date date = {
        .year = era * 400 + year + next_year,
        .month = (int64_t)(next_year ? month - 9 : month + 3),
        .day = day - before_month[month] + 1,
    };
    date.day_of_year = next_year ? day - 305 : day + 60 + leap(date.year);
    return date;
}

static int64_t
part_of(int64_t us, enum part part)
{
    int64_t days = us / DAY_US - (us % DAY_US < 0);
    int64_t minutes = (us % DAY_US + (us % DAY_US < 0 ? DAY_US : 0)) / 60000000;
    struct date date = date_of(days);
    switch (part) {
    case YEAR:
        return date.year;
    case MONTH:
        return date.month;
    case DAY:
        return date.day;
    case WEEKDAY: /* 1970-01-01 was a Thursday */
        return ((days + 3) % 7 + 7) % 7 + 1;
    case HOUR:
        return minutes / 60;
    case MINUTE:
        return minutes % 60;
    case DAY_OF_YEAR:
        break;
    }
    return date.day_of_year;
}

static int
apply(const void *settings, struct work *work, const struct frame *known, struct column *out,
      struct error *err)
{
    const struct date_settings *own = settings;
    const struct column *in = own->column == EVENT_TIME ? NULL : &known->column[own->column];
    (void)work, (void)err;
    for (size_t row = 0; row < known->rows; row++) {
        bool valid = in == NULL || column_valid(in, row);
        column_set_valid(out, row, valid);
        if (valid)
            out->integer[row] =
                part_of(in == NULL ? known->origin[row].time_us : in->integer[row], own->wanted);
    }
    return 0;
}

const struct step_type step_date = {
    .name = "date",
    .summary = "one part of a time, in UTC",
    .table = table,
    .settings_size = sizeof(struct date_settings),
    .plan = plan,
    .apply = apply,
};
