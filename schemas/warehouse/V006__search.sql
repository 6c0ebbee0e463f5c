-- Searches: their trials, the rows they are made on, and jobs that wait for other jobs.
-- SPDX-License-Identifier: Apache-2.0

ALTER TABLE ops.jobs DROP CONSTRAINT jobs_status_check;
ALTER TABLE ops.jobs ADD CONSTRAINT jobs_status_check
    CHECK (status IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled'));
ALTER TABLE ops.jobs ADD COLUMN parent bigint REFERENCES ops.jobs (id);
ALTER TABLE ops.jobs ADD COLUMN together integer;
ALTER TABLE ops.jobs ADD COLUMN forgiven integer NOT NULL DEFAULT 0;
CREATE INDEX jobs_parent ON ops.jobs (parent);
CREATE INDEX jobs_resting ON ops.jobs (id) WHERE status = 'waiting';
COMMENT ON TABLE ops.jobs IS 'Long work that replicas lease: training requests and trials';
COMMENT ON COLUMN ops.jobs.kind IS 'What is to be done: train or trial';
COMMENT ON COLUMN ops.jobs.status IS 'queued, running, waiting for the jobs under it, done, failed or cancelled';
COMMENT ON COLUMN ops.jobs.parent IS 'The job that this one is a part of';
COMMENT ON COLUMN ops.jobs.together IS 'So many jobs of the same parent run at the same time at most; null: no limit';
COMMENT ON COLUMN ops.jobs.forgiven IS 'Attempts that ended well, as far as they got: they do not count towards giving up';

CREATE TABLE model.split (
    rows_digest text PRIMARY KEY,
    pipeline text NOT NULL,
    rows bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE model.split IS 'Sets of rows that models were trained and judged on';
COMMENT ON COLUMN model.split.rows_digest IS 'SHA-256 over the sorted event ids and their parts, as in model.run';
COMMENT ON COLUMN model.split.pipeline IS 'Pipeline that used it first';
COMMENT ON COLUMN model.split.rows IS 'How many rows';
COMMENT ON COLUMN model.split.made_at IS 'When';

CREATE TABLE model.split_row (
    rows_digest text NOT NULL REFERENCES model.split (rows_digest),
    event_id text NOT NULL,
    part text NOT NULL,
    label text NOT NULL,
    PRIMARY KEY (rows_digest, event_id)
);
COMMENT ON TABLE model.split_row IS 'On which side of a split each event is';
COMMENT ON COLUMN model.split_row.rows_digest IS 'The split';
COMMENT ON COLUMN model.split_row.event_id IS 'Event';
COMMENT ON COLUMN model.split_row.part IS 'train, test, validation, or fold 1 and on of the training rows';
COMMENT ON COLUMN model.split_row.label IS 'Its outcome, as it was known then';

CREATE TABLE model.search (
    job_id bigint PRIMARY KEY REFERENCES ops.jobs (id),
    pipeline text NOT NULL,
    pipeline_version integer NOT NULL,
    method text NOT NULL,
    metric text NOT NULL,
    seed bigint NOT NULL,
    trials integer NOT NULL,
    rows_digest text NOT NULL REFERENCES model.split (rows_digest),
    started_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz
);
CREATE INDEX search_rows ON model.search (rows_digest);
CREATE INDEX search_ending ON model.search (ends_at) WHERE ends_at IS NOT NULL;
COMMENT ON TABLE model.search IS 'Searches for a learner and its settings';
COMMENT ON COLUMN model.search.job_id IS 'The training job';
COMMENT ON COLUMN model.search.pipeline IS 'Pipeline';
COMMENT ON COLUMN model.search.pipeline_version IS 'Version of the pipeline file';
COMMENT ON COLUMN model.search.method IS 'Kind of search';
COMMENT ON COLUMN model.search.metric IS 'What trials are judged by';
COMMENT ON COLUMN model.search.seed IS 'Seed of splits, trials and fits';
COMMENT ON COLUMN model.search.trials IS 'In all, at most';
COMMENT ON COLUMN model.search.rows_digest IS 'The rows all its trials work on';
COMMENT ON COLUMN model.search.started_at IS 'Start';
COMMENT ON COLUMN model.search.ends_at IS 'No trial begins after it; null: no limit';

CREATE TABLE model.trials (
    job_id bigint NOT NULL REFERENCES model.search (job_id),
    trial integer NOT NULL,
    learner text NOT NULL,
    settings jsonb NOT NULL,
    share double precision NOT NULL,
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'finished', 'failed', 'skipped')),
    score double precision,
    fold_scores double precision[],
    error text,
    worker text,
    attempt integer,
    seconds double precision,
    finished_at timestamptz,
    PRIMARY KEY (job_id, trial),
    CHECK ((status = 'finished') = (score IS NOT NULL))
);
CREATE INDEX trials_queued ON model.trials (job_id) WHERE status = 'queued';
COMMENT ON TABLE model.trials IS 'Trials of searches: what was tried and how good it was';
COMMENT ON COLUMN model.trials.job_id IS 'The search';
COMMENT ON COLUMN model.trials.trial IS 'Counts from 0';
COMMENT ON COLUMN model.trials.learner IS 'Learner';
COMMENT ON COLUMN model.trials.settings IS 'Learner and settings, as a pipeline file says them';
COMMENT ON COLUMN model.trials.share IS 'Of the training rows it learnt from';
COMMENT ON COLUMN model.trials.status IS 'queued, finished, failed, or skipped: the time was over or the job cancelled';
COMMENT ON COLUMN model.trials.score IS 'The metric: its mean over the folds';
COMMENT ON COLUMN model.trials.fold_scores IS 'The metric of each fold';
COMMENT ON COLUMN model.trials.error IS 'Why it failed';
COMMENT ON COLUMN model.trials.worker IS 'Who made it';
COMMENT ON COLUMN model.trials.attempt IS 'How often it was begun';
COMMENT ON COLUMN model.trials.seconds IS 'How long it took';
COMMENT ON COLUMN model.trials.finished_at IS 'When its result was recorded';

CREATE VIEW api.search WITH (security_invoker = true) AS
SELECT s.job_id, s.pipeline, j.status, s.method, s.metric, t.done, s.trials, b.trial AS best_trial,
       b.learner AS best_learner, b.score AS best_score, b.settings AS best_settings, s.started_at,
       CASE WHEN j.status IN ('queued', 'running', 'waiting') THEN
           greatest(0, least(extract(epoch FROM s.ends_at - now()),
                             extract(epoch FROM now() - s.started_at) / nullif(t.done, 0)
                             * (s.trials - t.done)))::double precision
       END AS seconds_left
FROM model.search s
JOIN ops.jobs j ON j.id = s.job_id
CROSS JOIN LATERAL (SELECT count(*) AS done FROM model.trials t
                    WHERE t.job_id = s.job_id AND t.status <> 'queued') t
LEFT JOIN LATERAL (SELECT b.trial, b.learner, b.score, b.settings FROM model.trials b
                   WHERE b.job_id = s.job_id AND b.status = 'finished'
                   ORDER BY b.share DESC,
                            CASE WHEN s.metric IN ('log_loss', 'brier', 'rmse', 'mae') THEN -b.score
                                 ELSE b.score END DESC,
                            b.trial LIMIT 1) b ON true;
COMMENT ON VIEW api.search IS 'Searches: how far each is and what is best so far';
COMMENT ON COLUMN api.search.job_id IS 'The training job';
COMMENT ON COLUMN api.search.pipeline IS 'Pipeline';
COMMENT ON COLUMN api.search.status IS 'Status of the job';
COMMENT ON COLUMN api.search.method IS 'Kind of search';
COMMENT ON COLUMN api.search.metric IS 'What trials are judged by';
COMMENT ON COLUMN api.search.done IS 'Trials that ended';
COMMENT ON COLUMN api.search.trials IS 'Trials in all, at most';
COMMENT ON COLUMN api.search.best_trial IS 'The best so far';
COMMENT ON COLUMN api.search.best_learner IS 'Its learner';
COMMENT ON COLUMN api.search.best_score IS 'Its score';
COMMENT ON COLUMN api.search.best_settings IS 'Its settings';
COMMENT ON COLUMN api.search.started_at IS 'Start';
COMMENT ON COLUMN api.search.seconds_left IS 'Until the time is over or, going by the trials so far, the last one is done';
