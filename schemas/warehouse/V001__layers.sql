-- The warehouse: one schema a layer; event tables are made by `millrace pipeline apply`.
-- SPDX-License-Identifier: Apache-2.0

CREATE SCHEMA IF NOT EXISTS raw;
COMMENT ON SCHEMA raw IS 'Events as received: provenance and payload; one table a pipeline';
CREATE SCHEMA IF NOT EXISTS clean;
COMMENT ON SCHEMA clean IS 'Events after the cleaning rules, typed; one table a pipeline';
CREATE SCHEMA IF NOT EXISTS feature;
COMMENT ON SCHEMA feature IS 'Features as computed for each event; one table a pipeline';
CREATE SCHEMA IF NOT EXISTS decision;
COMMENT ON SCHEMA decision IS 'Decisions with reasons and model identity; one table a pipeline';
CREATE SCHEMA IF NOT EXISTS label;
COMMENT ON SCHEMA label IS 'Outcomes as they arrived; one table a pipeline';
CREATE SCHEMA IF NOT EXISTS dead;
COMMENT ON SCHEMA dead IS 'Dead letters of every stage with their reasons; one table a pipeline';
CREATE SCHEMA IF NOT EXISTS model;
COMMENT ON SCHEMA model IS 'Training runs, metrics, versions, artefacts, aliases: primary data, back it up';
CREATE SCHEMA IF NOT EXISTS monitor;
COMMENT ON SCHEMA monitor IS 'What monitoring measured';
CREATE SCHEMA IF NOT EXISTS ops;
COMMENT ON SCHEMA ops IS 'Positions, pipelines, jobs, migrations: primary data, back it up';
CREATE SCHEMA IF NOT EXISTS api;
COMMENT ON SCHEMA api IS 'Views for reporting tools: the only public contract';

-- ops ------------------------------------------------------------------------------------------
CREATE TABLE ops.positions (
    sink text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_epoch integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (sink, topic, partition, log_epoch)
) WITH (fillfactor = 50);
COMMENT ON TABLE ops.positions IS 'How far each sink has copied each topic; moved by compare-and-set with the rows';
COMMENT ON COLUMN ops.positions.sink IS 'Consumer group of the sink';
COMMENT ON COLUMN ops.positions.topic IS 'Kafka topic';
COMMENT ON COLUMN ops.positions.partition IS 'Kafka partition';
COMMENT ON COLUMN ops.positions.log_epoch IS 'Counts up when topics are recreated or the cluster changes';
COMMENT ON COLUMN ops.positions.next_offset IS 'Offset of the next record to copy';

CREATE TABLE ops.refused (
    sink text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_epoch integer NOT NULL,
    kafka_offset bigint NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    value bytea,
    PRIMARY KEY (topic, partition, log_epoch, kafka_offset, sink)
);
COMMENT ON TABLE ops.refused IS 'Rows that PostgreSQL refused, with its reason; the decision itself is in Kafka';
COMMENT ON COLUMN ops.refused.sink IS 'Consumer group of the sink';
COMMENT ON COLUMN ops.refused.topic IS 'Kafka topic of the record';
COMMENT ON COLUMN ops.refused.partition IS 'Kafka partition of the record';
COMMENT ON COLUMN ops.refused.log_epoch IS 'Log epoch of the record';
COMMENT ON COLUMN ops.refused.kafka_offset IS 'Kafka offset of the record';
COMMENT ON COLUMN ops.refused.sqlstate IS 'SQLSTATE of the refusal';
COMMENT ON COLUMN ops.refused.message IS 'PostgreSQL''s message, or the decoder''s';
COMMENT ON COLUMN ops.refused.value IS 'The record''s value, byte for byte';

CREATE SEQUENCE ops.revision;
COMMENT ON SEQUENCE ops.revision IS 'Orders announcements of pipelines and models';

CREATE TABLE ops.pipelines (
    name text NOT NULL,
    version integer NOT NULL,
    digest text NOT NULL,
    definition jsonb NOT NULL,
    log_epoch integer NOT NULL,
    cluster_id text NOT NULL,
    revision bigint NOT NULL DEFAULT nextval('ops.revision'),
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version),
    UNIQUE (name, revision)
);
COMMENT ON TABLE ops.pipelines IS 'Every version of every pipeline file ever applied';
COMMENT ON COLUMN ops.pipelines.name IS 'Pipeline';
COMMENT ON COLUMN ops.pipelines.version IS 'Counts from 1 with every changed file';
COMMENT ON COLUMN ops.pipelines.digest IS 'SHA-256 of the canonical file';
COMMENT ON COLUMN ops.pipelines.definition IS 'The file';
COMMENT ON COLUMN ops.pipelines.log_epoch IS 'Counts up when topics are recreated or the cluster changes';
COMMENT ON COLUMN ops.pipelines.cluster_id IS 'Kafka cluster the topics live in';
COMMENT ON COLUMN ops.pipelines.revision IS 'Orders announcements: readers ignore lower ones';
COMMENT ON COLUMN ops.pipelines.applied_at IS 'When it was applied';

CREATE TABLE ops.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    pipeline text NOT NULL,
    request jsonb NOT NULL,
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
    priority integer NOT NULL DEFAULT 0,
    worker text,
    attempt integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    progress double precision NOT NULL DEFAULT 0,
    note text,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX jobs_waiting ON ops.jobs (kind, priority DESC, id) WHERE status IN ('queued', 'running');
COMMENT ON TABLE ops.jobs IS 'Long work that replicas lease: training requests, later trials';
COMMENT ON COLUMN ops.jobs.id IS 'Job';
COMMENT ON COLUMN ops.jobs.kind IS 'What is to be done: train';
COMMENT ON COLUMN ops.jobs.pipeline IS 'For which pipeline';
COMMENT ON COLUMN ops.jobs.request IS 'Parameters';
COMMENT ON COLUMN ops.jobs.status IS 'queued, running, done or failed';
COMMENT ON COLUMN ops.jobs.priority IS 'Higher goes first';
COMMENT ON COLUMN ops.jobs.worker IS 'Who leased it last';
COMMENT ON COLUMN ops.jobs.attempt IS 'How often it was leased';
COMMENT ON COLUMN ops.jobs.leased_until IS 'Free again after this moment unless the worker beats';
COMMENT ON COLUMN ops.jobs.progress IS 'From 0 to 1';
COMMENT ON COLUMN ops.jobs.note IS 'What is going on, or why it failed';
COMMENT ON COLUMN ops.jobs.result IS 'What came out';
COMMENT ON COLUMN ops.jobs.created_at IS 'When it was asked for';
COMMENT ON COLUMN ops.jobs.finished_at IS 'When it ended';

-- model ----------------------------------------------------------------------------------------
CREATE TABLE model.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint REFERENCES ops.jobs (id),
    pipeline text NOT NULL,
    pipeline_version integer NOT NULL,
    learner text NOT NULL,
    settings jsonb NOT NULL,
    seed bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('finished', 'failed')),
    error text,
    train_rows bigint,
    test_rows bigint,
    rows_digest text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL
);
CREATE INDEX run_job ON model.run (job_id);
CREATE INDEX run_pipeline ON model.run (pipeline, id);
COMMENT ON TABLE model.run IS 'Training runs, finished and failed';
COMMENT ON COLUMN model.run.id IS 'Run';
COMMENT ON COLUMN model.run.job_id IS 'The job that asked for it';
COMMENT ON COLUMN model.run.pipeline IS 'Pipeline';
COMMENT ON COLUMN model.run.pipeline_version IS 'Version of the pipeline file';
COMMENT ON COLUMN model.run.learner IS 'Learner';
COMMENT ON COLUMN model.run.settings IS 'The train and encode sections it ran with';
COMMENT ON COLUMN model.run.seed IS 'Seed of split and fit';
COMMENT ON COLUMN model.run.status IS 'finished or failed';
COMMENT ON COLUMN model.run.error IS 'Why it failed';
COMMENT ON COLUMN model.run.train_rows IS 'Rows of the training split';
COMMENT ON COLUMN model.run.test_rows IS 'Rows of the test split';
COMMENT ON COLUMN model.run.rows_digest IS 'SHA-256 over the sorted event ids and their split';
COMMENT ON COLUMN model.run.started_at IS 'Start';
COMMENT ON COLUMN model.run.finished_at IS 'End';

CREATE TABLE model.metric (
    run_id bigint NOT NULL REFERENCES model.run (id),
    split text NOT NULL CHECK (split IN ('train', 'test')),
    name text NOT NULL,
    value double precision,
    PRIMARY KEY (run_id, split, name)
);
COMMENT ON TABLE model.metric IS 'Metrics of runs';
COMMENT ON COLUMN model.metric.run_id IS 'Run';
COMMENT ON COLUMN model.metric.split IS 'train or test';
COMMENT ON COLUMN model.metric.name IS 'auc, log_loss, brier, accuracy, precision, recall, f1, threshold, rows, positives';
COMMENT ON COLUMN model.metric.value IS 'Value; null where it is undefined';

CREATE TABLE model.artefact (
    digest text PRIMARY KEY,
    artefact bytea NOT NULL,
    bytes bigint NOT NULL
);
ALTER TABLE model.artefact ALTER COLUMN artefact SET STORAGE EXTERNAL;
COMMENT ON TABLE model.artefact IS 'Model files';
COMMENT ON COLUMN model.artefact.digest IS 'SHA-256 of the file';
COMMENT ON COLUMN model.artefact.artefact IS 'The file';
COMMENT ON COLUMN model.artefact.bytes IS 'Its size';

CREATE TABLE model.version (
    pipeline text NOT NULL,
    version integer NOT NULL,
    digest text NOT NULL REFERENCES model.artefact (digest),
    run_id bigint NOT NULL REFERENCES model.run (id),
    status text NOT NULL DEFAULT 'READY'
        CHECK (status IN ('PENDING_REGISTRATION', 'FAILED_REGISTRATION', 'READY')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipeline, version)
);
CREATE INDEX version_digest ON model.version (digest);
CREATE INDEX version_run ON model.version (run_id);
COMMENT ON TABLE model.version IS 'Registered versions of a pipeline''s model';
COMMENT ON COLUMN model.version.pipeline IS 'Pipeline, which is the registered model''s name';
COMMENT ON COLUMN model.version.version IS 'Counts from 1';
COMMENT ON COLUMN model.version.digest IS 'SHA-256 of the model file';
COMMENT ON COLUMN model.version.run_id IS 'The run that made it';
COMMENT ON COLUMN model.version.status IS 'As in MLflow';
COMMENT ON COLUMN model.version.created_at IS 'When it was registered';

CREATE TABLE model.alias (
    pipeline text NOT NULL,
    alias text NOT NULL CHECK (alias IN ('champion', 'challenger', 'shadow')),
    version integer NOT NULL,
    revision bigint NOT NULL DEFAULT nextval('ops.revision'),
    PRIMARY KEY (pipeline, alias),
    FOREIGN KEY (pipeline, version) REFERENCES model.version (pipeline, version)
);
CREATE INDEX alias_version ON model.alias (pipeline, version);
COMMENT ON TABLE model.alias IS 'Which version bears which alias now';
COMMENT ON COLUMN model.alias.pipeline IS 'Pipeline';
COMMENT ON COLUMN model.alias.alias IS 'champion decides; challenger is the newest; shadow only watches';
COMMENT ON COLUMN model.alias.version IS 'Version that bears it';
COMMENT ON COLUMN model.alias.revision IS 'Orders announcements: readers ignore lower ones';

CREATE TABLE model.alias_history (
    revision bigint PRIMARY KEY,
    pipeline text NOT NULL,
    alias text NOT NULL,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL DEFAULT session_user,
    note text
);
COMMENT ON TABLE model.alias_history IS 'Every change of an alias, never changed itself';
COMMENT ON COLUMN model.alias_history.revision IS 'As in model.alias';
COMMENT ON COLUMN model.alias_history.pipeline IS 'Pipeline';
COMMENT ON COLUMN model.alias_history.alias IS 'Alias';
COMMENT ON COLUMN model.alias_history.version IS 'Version that bears it from then on';
COMMENT ON COLUMN model.alias_history.changed_at IS 'When';
COMMENT ON COLUMN model.alias_history.changed_by IS 'PostgreSQL role';
COMMENT ON COLUMN model.alias_history.note IS 'Why';

-- monitor --------------------------------------------------------------------------------------
CREATE TABLE monitor.stage (
    pipeline text NOT NULL,
    stage text NOT NULL,
    partition integer NOT NULL,
    events_in bigint NOT NULL,
    events_out bigint NOT NULL,
    outcomes bigint NOT NULL,
    dead bigint NOT NULL,
    duplicate bigint NOT NULL,
    replayed bigint NOT NULL,
    lag bigint,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (pipeline, stage, partition)
);
COMMENT ON TABLE monitor.stage IS 'Counts of each stage by input partition, from its position records: events_in = events_out + outcomes + dead + duplicate';
COMMENT ON COLUMN monitor.stage.pipeline IS 'Pipeline';
COMMENT ON COLUMN monitor.stage.stage IS 'Service: ingestion, cleaning, features or scoring';
COMMENT ON COLUMN monitor.stage.partition IS 'Input partition';
COMMENT ON COLUMN monitor.stage.events_in IS 'Records consumed';
COMMENT ON COLUMN monitor.stage.events_out IS 'Of these, how many became an output of the stage''s first topic';
COMMENT ON COLUMN monitor.stage.outcomes IS 'Of these, how many were outcomes alone (ingestion)';
COMMENT ON COLUMN monitor.stage.dead IS 'Of these, how many became dead letters, duplicates aside';
COMMENT ON COLUMN monitor.stage.duplicate IS 'Of these, how many were duplicates';
COMMENT ON COLUMN monitor.stage.replayed IS 'Of these, how many came from a replay of dead letters';
COMMENT ON COLUMN monitor.stage.lag IS 'True end of the input less what the stage has committed';
COMMENT ON COLUMN monitor.stage.measured_at IS 'When this was seen';

CREATE TABLE monitor.quality (
    pipeline text NOT NULL,
    model_version integer NOT NULL,
    labelled bigint NOT NULL,
    positives bigint NOT NULL,
    auc double precision,
    log_loss double precision,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (pipeline, model_version)
);
COMMENT ON TABLE monitor.quality IS 'Live quality of each model version on decisions whose outcome has arrived since';
COMMENT ON COLUMN monitor.quality.pipeline IS 'Pipeline';
COMMENT ON COLUMN monitor.quality.model_version IS 'Model version that decided';
COMMENT ON COLUMN monitor.quality.labelled IS 'Decisions with an outcome';
COMMENT ON COLUMN monitor.quality.positives IS 'Of these, positive ones';
COMMENT ON COLUMN monitor.quality.auc IS 'Area under the ROC curve, ties counted half; null with one class alone';
COMMENT ON COLUMN monitor.quality.log_loss IS 'Mean negative log-likelihood';
COMMENT ON COLUMN monitor.quality.measured_at IS 'When this was computed';
