-- The life of event tables: when they were rebuilt from their topics, and which of their partitions
-- were dropped because of age.
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE ops.rebuilds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    layer text NOT NULL,
    log_epoch integer NOT NULL,
    rows bigint NOT NULL,
    rows_lost bigint NOT NULL,
    complete boolean NOT NULL,
    forced boolean NOT NULL,
    filled_at bigint[] NOT NULL,
    rebuilt_at timestamptz NOT NULL,
    rebuilt_by text NOT NULL DEFAULT session_user
);
CREATE INDEX rebuilds_of ON ops.rebuilds (pipeline, layer, rebuilt_at);
COMMENT ON TABLE ops.rebuilds IS 'Event tables that were emptied to be filled again from their topics';
COMMENT ON COLUMN ops.rebuilds.id IS 'Rebuild of one table';
COMMENT ON COLUMN ops.rebuilds.pipeline IS 'Pipeline';
COMMENT ON COLUMN ops.rebuilds.layer IS 'Layer: raw, clean, feature, decision, label or dead';
COMMENT ON COLUMN ops.rebuilds.log_epoch IS 'Log epoch of the topic it is filled from';
COMMENT ON COLUMN ops.rebuilds.rows IS 'Rows of the table, counted a moment before';
COMMENT ON COLUMN ops.rebuilds.rows_lost IS 'Of these, rows to which the topic no longer reached back';
COMMENT ON COLUMN ops.rebuilds.complete IS 'Whether the topic had every row that the table ever had in this log epoch';
COMMENT ON COLUMN ops.rebuilds.forced IS 'Whether --force was given';
COMMENT ON COLUMN ops.rebuilds.filled_at IS 'By partition, the position of the sink before: once it is there again, the table is full again';
COMMENT ON COLUMN ops.rebuilds.rebuilt_at IS 'When';
COMMENT ON COLUMN ops.rebuilds.rebuilt_by IS 'PostgreSQL role';

CREATE TABLE ops.retired (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    layer text NOT NULL,
    partition text NOT NULL,
    range_from timestamptz NOT NULL,
    range_to timestamptz NOT NULL,
    log_epoch integer NOT NULL,
    rows bigint NOT NULL,
    retired_at timestamptz NOT NULL,
    retired_by text NOT NULL DEFAULT session_user
);
CREATE INDEX retired_of ON ops.retired (pipeline, layer, log_epoch, retired_at);
COMMENT ON TABLE ops.retired IS 'Partitions of event tables that were dropped because their retention was over';
COMMENT ON COLUMN ops.retired.id IS 'Partition dropped; one row for each log epoch in it';
COMMENT ON COLUMN ops.retired.pipeline IS 'Pipeline';
COMMENT ON COLUMN ops.retired.layer IS 'Layer: raw, clean, feature, decision, label or dead';
COMMENT ON COLUMN ops.retired.partition IS 'Name of the partition';
COMMENT ON COLUMN ops.retired.range_from IS 'Its rows were received at this time or later';
COMMENT ON COLUMN ops.retired.range_to IS 'Its rows were received before this time';
COMMENT ON COLUMN ops.retired.log_epoch IS 'Log epoch of these rows';
COMMENT ON COLUMN ops.retired.rows IS 'How many there were';
COMMENT ON COLUMN ops.retired.retired_at IS 'When they were dropped';
COMMENT ON COLUMN ops.retired.retired_by IS 'PostgreSQL role';
