-- How good each run's model is, in full: intervals, confusion, curves, calibration, segments, what
-- features are worth, the learning curve; outcomes that are numbers or one of several classes.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE model.metric ADD COLUMN low double precision;
ALTER TABLE model.metric ADD COLUMN high double precision;
COMMENT ON COLUMN model.metric.name IS 'rows; of two classes positives, auc, average_precision, ks, log_loss, brier, accuracy, precision, recall, f1, threshold; of several accuracy, log_loss, precision_macro, recall_macro, f1_macro; of numbers rmse, mae, r2';
COMMENT ON COLUMN model.metric.low IS 'Lower end of its 95 % interval by bootstrap; null: there is none';
COMMENT ON COLUMN model.metric.high IS 'Upper end of that interval';

CREATE TABLE model.confusion (
    run_id bigint NOT NULL REFERENCES model.run (id),
    label text NOT NULL,
    predicted text NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (run_id, label, predicted)
);
COMMENT ON TABLE model.confusion IS 'Test rows by outcome and by what the model takes them for; of two classes at the threshold among the metrics; what is not there is 0';
COMMENT ON COLUMN model.confusion.run_id IS 'Run';
COMMENT ON COLUMN model.confusion.label IS 'The outcome';
COMMENT ON COLUMN model.confusion.predicted IS 'What the model takes it for';
COMMENT ON COLUMN model.confusion.rows IS 'So many rows';

CREATE TABLE model.curve (
    run_id bigint NOT NULL REFERENCES model.run (id),
    place integer NOT NULL,
    threshold double precision NOT NULL,
    true_positive_rate double precision NOT NULL,
    false_positive_rate double precision NOT NULL,
    precision double precision NOT NULL,
    PRIMARY KEY (run_id, place)
);
COMMENT ON TABLE model.curve IS 'Points of the ROC curve and of precision by recall on the test rows, 300 at most';
COMMENT ON COLUMN model.curve.run_id IS 'Run';
COMMENT ON COLUMN model.curve.place IS 'Counts from 0, by falling threshold';
COMMENT ON COLUMN model.curve.threshold IS 'Rows scored so or higher are taken for the positive outcome';
COMMENT ON COLUMN model.curve.true_positive_rate IS 'Share of the positive rows that are, which is the recall';
COMMENT ON COLUMN model.curve.false_positive_rate IS 'Share of the other rows that are';
COMMENT ON COLUMN model.curve.precision IS 'Share of the positive among them';

CREATE TABLE model.calibration (
    run_id bigint NOT NULL REFERENCES model.run (id),
    bin integer NOT NULL,
    rows bigint NOT NULL,
    predicted double precision,
    observed double precision,
    PRIMARY KEY (run_id, bin)
);
COMMENT ON TABLE model.calibration IS 'Whether probabilities are true: test rows in bins of equal size by rising probability';
COMMENT ON COLUMN model.calibration.run_id IS 'Run';
COMMENT ON COLUMN model.calibration.bin IS 'Counts from 0';
COMMENT ON COLUMN model.calibration.rows IS 'So many rows';
COMMENT ON COLUMN model.calibration.predicted IS 'Mean of their probabilities; null without rows';
COMMENT ON COLUMN model.calibration.observed IS 'Share of the positive outcome among them';

CREATE TABLE model.segment (
    run_id bigint NOT NULL REFERENCES model.run (id),
    place integer NOT NULL,
    feature text NOT NULL,
    segment text,
    rows bigint NOT NULL,
    figure text NOT NULL,
    value double precision,
    PRIMARY KEY (run_id, place)
);
COMMENT ON TABLE model.segment IS 'How good the model is on the test rows of each value of features that have up to 12';
COMMENT ON COLUMN model.segment.run_id IS 'Run';
COMMENT ON COLUMN model.segment.place IS 'Counts from 0';
COMMENT ON COLUMN model.segment.feature IS 'Feature';
COMMENT ON COLUMN model.segment.segment IS 'Its value; null: the feature is missing';
COMMENT ON COLUMN model.segment.rows IS 'So many rows';
COMMENT ON COLUMN model.segment.figure IS 'auc, accuracy or rmse';
COMMENT ON COLUMN model.segment.value IS 'Of these rows; null where undefined';

CREATE TABLE model.importance (
    run_id bigint NOT NULL REFERENCES model.run (id),
    feature text NOT NULL,
    figure text NOT NULL,
    mean double precision,
    deviation double precision,
    PRIMARY KEY (run_id, feature)
);
COMMENT ON TABLE model.importance IS 'What features are worth: what is lost on test rows when one is shuffled among them';
COMMENT ON COLUMN model.importance.run_id IS 'Run';
COMMENT ON COLUMN model.importance.feature IS 'Feature';
COMMENT ON COLUMN model.importance.figure IS 'auc, accuracy or rmse';
COMMENT ON COLUMN model.importance.mean IS 'By how much it gets worse, on the mean of several shufflings';
COMMENT ON COLUMN model.importance.deviation IS 'Standard deviation over the shufflings';

CREATE TABLE model.learning (
    run_id bigint NOT NULL REFERENCES model.run (id),
    rows bigint NOT NULL,
    split text NOT NULL CHECK (split IN ('train', 'test')),
    figure text NOT NULL,
    value double precision,
    PRIMARY KEY (run_id, split, rows)
);
COMMENT ON TABLE model.learning IS 'Learning curve: models fitted on parts of the training rows';
COMMENT ON COLUMN model.learning.run_id IS 'Run';
COMMENT ON COLUMN model.learning.rows IS 'So many rows were learnt from';
COMMENT ON COLUMN model.learning.split IS 'Judged on these rows (train) or on the test rows (test)';
COMMENT ON COLUMN model.learning.figure IS 'auc, accuracy or rmse';
COMMENT ON COLUMN model.learning.value IS 'Value; null where it is undefined';

CREATE OR REPLACE VIEW api.model WITH (security_invoker = true) AS
SELECT v.pipeline, v.version, v.status, v.digest, v.run_id, r.learner, r.train_rows, r.test_rows,
       (SELECT string_agg(a.alias, ',' ORDER BY a.alias) FROM model.alias a
        WHERE a.pipeline = v.pipeline AND a.version = v.version) AS aliases,
       (SELECT m.value FROM model.metric m WHERE m.run_id = v.run_id AND m.split = 'test'
        AND m.name = 'auc') AS test_auc,
       v.created_at, t.name AS test_figure, t.value AS test_value
FROM model.version v JOIN model.run r ON r.id = v.run_id
LEFT JOIN LATERAL (SELECT m.name, m.value FROM model.metric m
                   WHERE m.run_id = v.run_id AND m.split = 'test' AND m.name IN ('auc', 'rmse', 'accuracy')
                   ORDER BY m.name = 'accuracy' LIMIT 1) t ON true;
COMMENT ON VIEW api.model IS 'Model versions with their aliases and how good they are on the test split';
COMMENT ON COLUMN api.model.test_figure IS 'What models of such an outcome are compared by: auc, accuracy or rmse';
COMMENT ON COLUMN api.model.test_value IS 'That figure on the test split';

ALTER TABLE monitor.quality ALTER COLUMN positives DROP NOT NULL;
ALTER TABLE monitor.quality ADD COLUMN accuracy double precision;
ALTER TABLE monitor.quality ADD COLUMN rmse double precision;
COMMENT ON COLUMN monitor.quality.positives IS 'Of these, positive ones; null where outcomes are numbers or several classes';
COMMENT ON COLUMN monitor.quality.auc IS 'Area under the ROC curve, ties counted half; null with one class alone or other outcomes';
COMMENT ON COLUMN monitor.quality.log_loss IS 'Mean negative log-likelihood; null of numbers';
COMMENT ON COLUMN monitor.quality.accuracy IS 'Share of right decisions between several classes';
COMMENT ON COLUMN monitor.quality.rmse IS 'Root of the mean squared error of predicted numbers';
