-- What splits gained, beside what is lost by shuffling: a feature's worth by several figures.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE model.importance DROP CONSTRAINT importance_pkey, ADD PRIMARY KEY (run_id, feature, figure);
COMMENT ON TABLE model.importance IS 'What features are worth: what is lost on test rows when one is shuffled among them, and of learners of trees what splits over it gained in training';
COMMENT ON COLUMN model.importance.figure IS 'auc, accuracy or rmse; or gain';
COMMENT ON COLUMN model.importance.mean IS 'By how much the figure gets worse, on the mean of several shufflings; of gain the feature''s share in what all splits gained, 1 in all';
COMMENT ON COLUMN model.importance.deviation IS 'Standard deviation over the shufflings; null of gain';
