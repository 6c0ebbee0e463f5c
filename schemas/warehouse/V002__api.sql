-- Views for reporting tools and the command line.
-- SPDX-License-Identifier: Apache-2.0

CREATE VIEW api.pipeline WITH (security_invoker = true) AS
SELECT DISTINCT ON (name) name, version, digest, definition ->> 'title' AS title,
       definition ->> 'owner' AS owner, log_epoch, applied_at
FROM ops.pipelines ORDER BY name, version DESC;
COMMENT ON VIEW api.pipeline IS 'Newest version of each pipeline';
COMMENT ON COLUMN api.pipeline.name IS 'Pipeline';
COMMENT ON COLUMN api.pipeline.version IS 'Newest version';
COMMENT ON COLUMN api.pipeline.digest IS 'SHA-256 of the canonical file';
COMMENT ON COLUMN api.pipeline.title IS 'Title';
COMMENT ON COLUMN api.pipeline.owner IS 'Owner';
COMMENT ON COLUMN api.pipeline.log_epoch IS 'Log epoch';
COMMENT ON COLUMN api.pipeline.applied_at IS 'When this version was applied';

CREATE VIEW api.model WITH (security_invoker = true) AS
SELECT v.pipeline, v.version, v.status, v.digest, v.run_id, r.learner, r.train_rows, r.test_rows,
       (SELECT string_agg(a.alias, ',' ORDER BY a.alias) FROM model.alias a
        WHERE a.pipeline = v.pipeline AND a.version = v.version) AS aliases,
       (SELECT m.value FROM model.metric m WHERE m.run_id = v.run_id AND m.split = 'test'
        AND m.name = 'auc') AS test_auc,
       v.created_at
FROM model.version v JOIN model.run r ON r.id = v.run_id;
COMMENT ON VIEW api.model IS 'Model versions with their aliases and test AUC';
COMMENT ON COLUMN api.model.pipeline IS 'Pipeline';
COMMENT ON COLUMN api.model.version IS 'Version';
COMMENT ON COLUMN api.model.status IS 'Registration status';
COMMENT ON COLUMN api.model.digest IS 'SHA-256 of the model file';
COMMENT ON COLUMN api.model.run_id IS 'Run that made it';
COMMENT ON COLUMN api.model.learner IS 'Learner';
COMMENT ON COLUMN api.model.train_rows IS 'Rows it was fitted on';
COMMENT ON COLUMN api.model.test_rows IS 'Rows it was tested on';
COMMENT ON COLUMN api.model.aliases IS 'Aliases it bears, separated by commas';
COMMENT ON COLUMN api.model.test_auc IS 'Area under the ROC curve on the test split';
COMMENT ON COLUMN api.model.created_at IS 'When it was registered';

CREATE VIEW api.progress WITH (security_invoker = true) AS
SELECT sink, topic, sum(next_offset) AS next_offsets, count(*) AS partitions
FROM ops.positions GROUP BY sink, topic;
COMMENT ON VIEW api.progress IS 'How far each layer is: layers fill at their own pace';
COMMENT ON COLUMN api.progress.sink IS 'Sink';
COMMENT ON COLUMN api.progress.topic IS 'Topic';
COMMENT ON COLUMN api.progress.next_offsets IS 'Sum of next offsets over partitions';
COMMENT ON COLUMN api.progress.partitions IS 'Partitions';
