/* train_json: what is recorded of a run's evaluation, as JSON that PostgreSQL makes rows of.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "text.h"
#include "train.h"

static void
put_key(struct text *text, const char *key, bool first)
{
    text_puts(text, first ? "{\"" : ",\"");
    text_puts(text, key);
    text_puts(text, "\":");
}

static void
put_real(struct text *text, const char *key, double value)
{
    put_key(text, key, false);
    if (isfinite(value))
        text_put_float64(text, value);
    else
        text_puts(text, "null");
}

static void
put_count(struct text *text, const char *key, bool first, size_t value)
{
    put_key(text, key, first);
    text_put_int64(text, (int64_t)value);
}

static void
put_text(struct text *text, const char *key, bool first, struct bytes value)
{
    put_key(text, key, first);
    if (value.at != NULL)
        text_put_json_string(text, value);
    else
        text_puts(text, "null");
}

static void
begin_entry(struct text *text, size_t i)
{
    text_puts(text, i > 0 ? "," : "");
}

static void
begin_list(struct text *text, const char *key, bool first)
{
    put_key(text, key, first);
    text_puts(text, "[");
}

static void
put_figures(struct text *text, const char *split, const struct assessment *found, bool more)
{
    for (size_t i = 0; i < found->figures; i++) {
        const struct assessed *figure = &found->figure[i];
        begin_entry(text, i + more);
        put_text(text, "split", true, bytes_of(split));
        put_text(text, "name", false, bytes_of(figure->name));
        put_real(text, "value", figure->value);
        put_real(text, "low", figure->low);
        put_real(text, "high", figure->high);
        text_puts(text, "}");
    }
}

static void
put_confusion(struct text *text, const struct assessment *found)
{
    size_t entries = 0;
    begin_list(text, "confusion", false);
    for (size_t i = 0; i < found->classes * found->classes; i++) {
        if (found->confusion[i] == 0) /* a thousand classes have a million cells */
            continue;
        begin_entry(text, entries++);
        put_text(text, "label", true, bytes_of(found->class_name[i / found->classes]));
        put_text(text, "predicted", false, bytes_of(found->class_name[i % found->classes]));
        put_count(text, "rows", false, found->confusion[i]);
        text_puts(text, "}");
    }
    text_puts(text, "]");
}

static void
put_curves(struct text *text, const struct assessment *found)
{
    begin_list(text, "curve", false);
    for (size_t i = 0; i < found->points; i++) {
        begin_entry(text, i);
        put_count(text, "place", true, i);
        put_real(text, "threshold", found->point[i].threshold);
        put_real(text, "true_positive_rate", found->point[i].true_positive_rate);
        put_real(text, "false_positive_rate", found->point[i].false_positive_rate);
        put_real(text, "precision", found->point[i].precision);
        text_puts(text, "}");
    }
    text_puts(text, "]");
    begin_list(text, "calibration", false);
    for (size_t i = 0; i < found->bins; i++) {
        begin_entry(text, i);
        put_count(text, "bin", true, i);
        put_count(text, "rows", false, found->bin[i].rows);
        put_real(text, "predicted", found->bin[i].predicted);
        put_real(text, "observed", found->bin[i].observed);
        text_puts(text, "}");
    }
    text_puts(text, "]");
}

static void
put_segments(struct text *text, const struct assessment *found, const char *headline)
{
    begin_list(text, "segments", false);
    for (size_t i = 0; i < found->segments; i++) {
        const struct segment *segment = &found->segment[i];
        begin_entry(text, i);
        put_text(text, "feature", true, bytes_of(segment->feature));
        put_count(text, "place", false, i);
        put_text(text, "segment", false, segment->value);
        put_count(text, "rows", false, segment->figure.rows);
        put_text(text, "figure", false, bytes_of(headline));
        put_real(text, "value", segment->figure.value);
        text_puts(text, "}");
    }
    text_puts(text, "]");
}

static void
put_worth(struct text *text, size_t i, const char *feature, const char *figure,
          const struct importance *worth)
{
    begin_entry(text, i);
    put_text(text, "feature", true, bytes_of(feature));
    put_text(text, "figure", false, bytes_of(figure));
    put_real(text, "mean", worth->mean);
    put_real(text, "deviation", worth->deviation);
    text_puts(text, "}");
}

static void
put_importance(struct text *text, const struct training *training, const char *headline)
{
    const struct scorer *scorer = training->scorer;
    size_t shuffled = training->test.features;
    begin_list(text, "importance", false);
    for (size_t i = 0; i < shuffled; i++)
        put_worth(text, i, training->test.shuffled[i].feature, headline,
                  &training->test.shuffled[i].importance);
    for (size_t i = 0; training->gain != NULL && i < scorer_features(scorer); i++)
        put_worth(text, shuffled + i, scorer_feature(scorer, i), TRAIN_GAIN,
                  &(struct importance){training->gain[i], NAN});
    text_puts(text, "]");
}

static void
put_learnt(struct text *text, const struct training *training, const char *headline)
{
    begin_list(text, "learning", false);
    for (size_t i = 0; i < 2 * training->steps; i++) {
        const struct learnt *learnt = &training->learnt[i / 2];
        begin_entry(text, i);
        put_count(text, "rows", true, learnt->rows);
        put_text(text, "split", false, bytes_of(i % 2 == 0 ? "train" : "test"));
        put_text(text, "figure", false, bytes_of(headline));
        put_real(text, "value", i % 2 == 0 ? learnt->train : learnt->test);
        text_puts(text, "}");
    }
    text_puts(text, "]}");
}

struct bytes
train_evaluation_json(struct arena *arena, const struct training *training)
{
    struct text text = {.arena = arena};
    const char *headline = assess_headline(scorer_task(training->scorer));
    begin_list(&text, "figures", true);
    put_figures(&text, "train", &training->train, false);
    put_figures(&text, "test", &training->test, training->train.figures > 0);
    text_puts(&text, "]");
    put_confusion(&text, &training->test);
    put_curves(&text, &training->test);
    put_segments(&text, &training->test, headline);
    put_importance(&text, training, headline);
    put_learnt(&text, training, headline);
    return text.failed ? BYTES_NONE : text_bytes(&text);
}
