-- Fits that replicas share: their parts, and what each of them gave.
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE model.fit (
    job_id bigint PRIMARY KEY REFERENCES ops.jobs (id),
    pipeline text NOT NULL,
    pipeline_version integer NOT NULL,
    way text NOT NULL CHECK (way IN ('trees', 'rows', 'folds')),
    rows_digest text NOT NULL REFERENCES model.split (rows_digest),
    settings jsonb,
    share double precision NOT NULL,
    parts integer NOT NULL,
    columns integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fit_rows ON model.fit (rows_digest);
COMMENT ON TABLE model.fit IS 'Fits that replicas share';
COMMENT ON COLUMN model.fit.job_id IS 'The training job or the trial';
COMMENT ON COLUMN model.fit.pipeline IS 'Pipeline';
COMMENT ON COLUMN model.fit.pipeline_version IS 'Version of the pipeline file';
COMMENT ON COLUMN model.fit.way IS 'What a part has of its own: trees, training rows, or a fold to be judged on';
COMMENT ON COLUMN model.fit.rows_digest IS 'The rows';
COMMENT ON COLUMN model.fit.settings IS 'Learner and settings that a search chose; null: the pipeline says them';
COMMENT ON COLUMN model.fit.share IS 'Of the training rows it learns from';
COMMENT ON COLUMN model.fit.parts IS 'So many parts in a round';
COMMENT ON COLUMN model.fit.columns IS 'Of the matrix that sums are made of; else 0';
COMMENT ON COLUMN model.fit.started_at IS 'Start';

CREATE TABLE model.part (
    job_id bigint NOT NULL REFERENCES model.fit (job_id),
    round integer NOT NULL,
    part integer NOT NULL,
    question bytea,
    result bytea,
    PRIMARY KEY (job_id, round, part)
);
COMMENT ON TABLE model.part IS 'Parts of fits that go on; jobs of the kind part make them';
COMMENT ON COLUMN model.part.job_id IS 'The fit';
COMMENT ON COLUMN model.part.round IS 'Counts from 0: a round is asked for by what came out of those before it';
COMMENT ON COLUMN model.part.part IS 'Counts from 0';
COMMENT ON COLUMN model.part.question IS 'What is asked of all parts of the round; it stands at part 0';
COMMENT ON COLUMN model.part.result IS 'What it gave: trees, sums, or a score; null: not yet';

COMMENT ON TABLE ops.jobs IS 'Long work that replicas lease: training requests, trials, and parts of fits';
COMMENT ON COLUMN ops.jobs.kind IS 'What is to be done: train, trial or part';
COMMENT ON COLUMN model.trials.attempt IS 'How often its job was leased';
COMMENT ON COLUMN model.split.rows_digest IS 'SHA-256 over the sorted event ids, their parts and their labels, as in model.run';
COMMENT ON COLUMN model.run.rows_digest IS 'SHA-256 over the sorted event ids, their split and their labels';
