-- Replays of dead letters: who sent what again, so that nothing is sent again unasked.
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE ops.replays (
    pipeline text NOT NULL,
    log_epoch integer NOT NULL,
    letter_partition integer NOT NULL,
    letter_offset bigint NOT NULL,
    attempt integer NOT NULL,
    event_id text NOT NULL,
    reason text NOT NULL,
    target_topic text NOT NULL,
    target_partition integer NOT NULL,
    target_from bigint,
    outcome text NOT NULL DEFAULT 'begun' CHECK (outcome IN ('begun', 'sent', 'gone')),
    begun_at timestamptz NOT NULL,
    ended_at timestamptz,
    replayed_by text NOT NULL DEFAULT session_user,
    PRIMARY KEY (pipeline, log_epoch, letter_partition, letter_offset, attempt)
);
CREATE INDEX replays_begun ON ops.replays (pipeline) WHERE outcome = 'begun';
COMMENT ON TABLE ops.replays IS 'Dead letters that were sent again, each recorded before it is sent';
COMMENT ON COLUMN ops.replays.pipeline IS 'Pipeline';
COMMENT ON COLUMN ops.replays.log_epoch IS 'Log epoch of the letter';
COMMENT ON COLUMN ops.replays.letter_partition IS 'Partition of the letter in the topic of dead letters';
COMMENT ON COLUMN ops.replays.letter_offset IS 'Offset of the letter';
COMMENT ON COLUMN ops.replays.attempt IS 'Counts the replays of this letter from 1';
COMMENT ON COLUMN ops.replays.event_id IS 'The event that the letter is about';
COMMENT ON COLUMN ops.replays.reason IS 'What the event died of';
COMMENT ON COLUMN ops.replays.target_topic IS 'Topic the event was read from and is sent to again';
COMMENT ON COLUMN ops.replays.target_partition IS 'Partition likewise';
COMMENT ON COLUMN ops.replays.target_from IS 'End of that partition before it was sent: a replay that was cut off is looked for from here';
COMMENT ON COLUMN ops.replays.outcome IS 'begun; sent and acknowledged; gone: the topic no longer has the letter';
COMMENT ON COLUMN ops.replays.begun_at IS 'Start of the command that sent it';
COMMENT ON COLUMN ops.replays.ended_at IS 'When its outcome was known';
COMMENT ON COLUMN ops.replays.replayed_by IS 'PostgreSQL role';
