/* pipeline_tables: the tables of a pipeline file's objects.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pipeline_tables.h"

const struct setting pipeline_table[] = {
    SETTING(pipeline_object, name, TEXT, NULL,
            "names topics and tables: a lower-case letter, then letters and digits, 31 at most"),
    SETTING(pipeline_object, title, TEXT, "", "for people; default: the name"),
    SETTING(pipeline_object, owner, TEXT, "", "who answers for the pipeline"),
    SETTING(pipeline_object, lane, TEXT, "main", "the set of service instances that runs it"),
    SETTING(pipeline_object, sources, NODE, NULL, "where events come from: one source"),
    SETTING(pipeline_object, duplicates, NODE, "", "when an event counts as sent again"),
    SETTING(pipeline_object, clean, NODE, "", "rules, in order, that repair or refuse values"),
    SETTING(pipeline_object, features, NODE, "", "steps, in order, that compute columns"),
    SETTING(pipeline_object, encode, NODE, "", "what the model fits to turn features into numbers"),
    SETTING(pipeline_object, label, NODE, "", "the outcome to learn"),
    SETTING(pipeline_object, train, NODE, "", "the learner and how it is trained"),
    SETTING(pipeline_object, score, NODE, "", "how a probability becomes a decision"),
    SETTING(pipeline_object, breaker, NODE, "",
            "when a stage stops because too many events die for one reason"),
    SETTING(pipeline_object, store, NODE, "", "how the warehouse keeps its tables"),
    {0},
};

const struct setting source_table[] = {
    SETTING(source_object, name, TEXT, NULL, "identifier of the source"),
    SETTING(source_object, role, TEXT, NULL, "decide: every event is decided upon"),
    SETTING(source_object, key, TEXT, "",
            "field by which events are placed in partitions; default: the event id"),
    SETTING(source_object, event_time, TEXT, "",
            "timestamp field that says when it happened; default: ce_time, else the record's"),
    SETTING(source_object, partitions, COUNT, "4", "of each topic, fixed for life: 1 to 1000"),
    SETTING(source_object, unknown_fields, TEXT, "drop",
            "keys that no field reads: drop (counted), or dead (the event is refused)"),
    SETTING(source_object, fields, NODE, NULL, "the fields of an event"),
    {0},
};
const char *const source_roles[] = {"decide", NULL};
const char *const unknown_fields_names[] = {"drop", "dead", NULL};

const struct setting field_table[] = {
    SETTING(field_object, name, TEXT, NULL, "column in topics and tables"),
    SETTING(field_object, from, TEXT, "", "key in the event's JSON; default: the name"),
    SETTING(field_object, type, TEXT, NULL, "bool, int64, float64, text or timestamp"),
    SETTING(field_object, required, FLAG, "false", "an event without a value is refused"),
    SETTING(field_object, pii, TEXT, "none", "personal data: none, personal or sensitive"),
    {0},
};
const char *const field_type_names[] = {"bool", "int64", "float64", "text", "timestamp", NULL};
const char *const pii_names[] = {"none", "personal", "sensitive", NULL};

const struct setting duplicates_table[] = {
    SETTING(duplicates_object, window, MILLISECONDS, "1h",
            "an event is refused if one of the same key, source and id came within this event "
            "time; 30 days at most; 0: none is"),
    {0},
};

const struct setting rule_object_table[] = {
    SETTING(rule_object, rule, TEXT, NULL, "kind of rule"),
    SETTING(rule_object, field, TEXT, NULL, "the field it works on"),
    SETTING(rule_object, id, TEXT, "", "name of this use; default: <rule>_<field>"),
    {0},
};

const struct setting step_object_table[] = {
    SETTING(step_object, step, TEXT, NULL, "kind of step"),
    SETTING(step_object, name, TEXT, NULL, "the column it adds"),
    {0},
};

const struct setting encoder_object_table[] = {
    SETTING(encoder_object, encoder, TEXT, NULL, "kind of encoder"),
    SETTING(encoder_object, features, NODE, NULL, "the features it encodes, each alone"),
    {0},
};

#define TRAIN_ROWS                                                                                 \
    SETTING(train_object, seed, COUNT, "1", "of everything random in training"),                   \
        SETTING(train_object, split, TEXT, "hash",                                                 \
                "which rows are kept for the test: by hash of the event id, so that a row stays "  \
                "on its side, or by time, the latest"),                                            \
        SETTING(train_object, test_share, REAL, "0.2",                                             \
                "share of rows kept for the test, between 0 and 1"),                               \
        SETTING(train_object, rows_min, COUNT, "50", "with fewer labelled rows the run fails"),    \
        SETTING(train_object, replicas, COUNT, "1",                                                \
                "that share a fit of forest, linear or logistic, or the folds of a trial; 0: all " \
                "there are; 1: no fit is shared"),                                                 \
        SETTING(train_object, rows_max, COUNT, "0", "of more labelled rows a sample; 0: all"),     \
        SETTING(train_object, sample, TEXT, "hash",                                                \
                "how it is drawn: by hash of the event id, stratified, each outcome keeping its "  \
                "share, or by key, all events of a key or none"),                                  \
        SETTING(train_object, threshold, NODE, "",                                                 \
                "of two outcomes, the probability from which an evaluation takes a row for the "   \
                "positive one: a number, default 0.5, or what is best on the training rows by f1 " \
                "or by youden, the true positive rate less the false; decisions are the policy's")

const struct setting train_object_table[] = {
    SETTING(train_object, learner, TEXT, NULL, "kind of learner"),
    TRAIN_ROWS,
    {0},
};
const struct setting search_train_table[] = {
    SETTING(train_object, learners, NODE, NULL, "kinds of learners to choose from"),
    SETTING(train_object, search, NODE, NULL, "how the learner and its settings are found"),
    TRAIN_ROWS,
    {0},
};
const char *const split_names[] = {"hash", "time", NULL};
const char *const sampling_names[] = {"hash", "stratified", "key", NULL};
const char *const threshold_names[] = {"f1", "youden", NULL};

const struct setting search_object_table[] = {
    SETTING(search_object, method, TEXT, NULL, "kind of search"),
    SETTING(search_object, space, NODE, "",
            "by learner its settings: a value, a list to choose from, or a range of numbers; what "
            "is not named keeps its default"),
    SETTING(search_object, budget, NODE, "", "how much may be spent"),
    SETTING(search_object, metric, TEXT, "",
            "what a trial is judged by, on rows it did not learn from; default: auc, of several "
            "classes log_loss, of numbers rmse"),
    SETTING(search_object, folds, COUNT, "5",
            "a trial's score is the mean over so many folds of the training rows, each with its "
            "share of both classes; 0: the score on one part of them is taken"),
    SETTING(search_object, validation_share, REAL, "0.2",
            "that part, where folds is 0: between 0 and 1, split off as the test is"),
    {0},
};
const char *const search_metric_names[] = {"auc",      "log_loss", "brier", "accuracy", "f1",
                                           "f1_macro", "rmse",     "mae",   "r2",       NULL};

const struct setting budget_table[] = {
    SETTING(budget_object, trials, COUNT, "30", "in all, at most 1000"),
    SETTING(budget_object, minutes, REAL, "0",
            "after which no trial begins; the best so far wins; 0: no limit"),
    SETTING(budget_object, replicas, COUNT, "0", "that work at the same time; 0: all there are"),
    {0},
};

const struct setting range_table[] = {
    SETTING(range_object, from, REAL, NULL, "least value"),
    SETTING(range_object, to, REAL, NULL, "largest value"),
    SETTING(range_object, scale, TEXT, "linear", "linear, or log: equal steps are equal ratios"),
    SETTING(range_object, points, COUNT, "0", "values that a grid takes; 0: what the grid says"),
    {0},
};
const char *const scale_names[] = {"linear", "log", NULL};

const struct setting label_table[] = {
    SETTING(label_object, field, TEXT, "",
            "key of the event's JSON that may bear the outcome; it never becomes a feature"),
    SETTING(label_object, positive, TEXT, "", "of two outcomes the one that counts as 1"),
    SETTING(label_object, classes, NODE, "",
            "the outcomes there are, where they are three or more"),
    SETTING(label_object, number, FLAG, "false", "the outcome is a number"),
    {0},
};

const struct setting score_table[] = {
    SETTING(score_object, reasons, COUNT, "3", "given with each decision, 20 at most"),
    SETTING(score_object, policy, NODE, "",
            "bands of the probability, or of the number that is predicted; default: one band, "
            "decision \"scored\"; of several classes the most probable is the decision, so there "
            "are none"),
    {0},
};

const struct setting band_table[] = {
    SETTING(band_object, from, REAL, NULL,
            "least probability, or number, of the band; of probabilities the first is 0, and of "
            "numbers the first holds everything below the second, too"),
    SETTING(band_object, decision, TEXT, NULL, "decision for the band"),
    {0},
};

const struct setting breaker_table[] = {
    SETTING(breaker_object, share, REAL, "0.2",
            "of the window that may die for one reason, 0 to 1; 0: the breaker is off"),
    SETTING(breaker_object, window, COUNT, "1000", "of the last events that are looked at"),
    {0},
};

const struct setting store_table[] = {
    SETTING(store_object, partition, TEXT, "none",
            "pieces of the tables by the time of receipt, UTC: none, day or month"),
    SETTING(store_object, layers, NODE, "",
            "which layers are kept as rows; decisions, outcomes and dead letters always are"),
    SETTING(store_object, retention, NODE, "",
            "how long rows are kept, by layer; needs partitions, which are dropped whole"),
    {0},
};
const char *const partition_names[] = {"none", "day", "month", NULL};

const struct setting layers_table[] = {
    SETTING(layers_object, raw, FLAG, "true", "rows of events as received"),
    SETTING(layers_object, clean, FLAG, "true", "rows of cleaned events"),
    SETTING(layers_object, feature, FLAG, "true",
            "rows of features, by which training learns; without \"train\" they may be left out"),
    {0},
};

#define RETENTION(layer, rows)                                                                     \
    SETTING(retention_object, layer, MILLISECONDS, "0", rows ", such as 30d; 0: for ever")
const struct setting retention_table[] = {
    RETENTION(raw, "events as received"),
    RETENTION(clean, "cleaned events"),
    RETENTION(feature, "features"),
    RETENTION(decision, "decisions"),
    RETENTION(label, "outcomes"),
    RETENTION(dead, "dead letters"),
    {0},
};
