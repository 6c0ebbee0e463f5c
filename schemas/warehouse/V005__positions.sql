-- Changes of positions by hand: what a sink was told not to copy, by whom and why.
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE ops.position_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_epoch integer NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL,
    low_watermark bigint NOT NULL,
    high_watermark bigint NOT NULL,
    reason text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL DEFAULT session_user
);
CREATE INDEX position_changes_topic ON ops.position_changes (topic, partition);
COMMENT ON TABLE ops.position_changes IS 'Records that a sink passed over: positions set by hand, and logs that grew to a position beyond their end';
COMMENT ON COLUMN ops.position_changes.id IS 'Change';
COMMENT ON COLUMN ops.position_changes.sink IS 'Consumer group of the sink';
COMMENT ON COLUMN ops.position_changes.topic IS 'Kafka topic';
COMMENT ON COLUMN ops.position_changes.partition IS 'Kafka partition';
COMMENT ON COLUMN ops.position_changes.log_epoch IS 'Log epoch of the position';
COMMENT ON COLUMN ops.position_changes.from_offset IS 'Position before; of a log that grew: its end when that was seen. Offsets from here up to to_offset were passed over';
COMMENT ON COLUMN ops.position_changes.to_offset IS 'Position after';
COMMENT ON COLUMN ops.position_changes.low_watermark IS 'Oldest offset of the log at that moment';
COMMENT ON COLUMN ops.position_changes.high_watermark IS 'End of the log at that moment';
COMMENT ON COLUMN ops.position_changes.reason IS 'Why';
COMMENT ON COLUMN ops.position_changes.changed_at IS 'When';
COMMENT ON COLUMN ops.position_changes.changed_by IS 'PostgreSQL role';
