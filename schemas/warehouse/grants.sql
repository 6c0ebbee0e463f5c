-- What each service's role may do in the warehouse, and no more; `millrace db grants` runs this as the
-- owner of the tables. The roles are made by roles.sql. Tables that come with a pipeline get the same
-- rights by default privileges. SPDX-License-Identifier: Apache-2.0

-- Sinks put rows in and move their position; they read nothing back but that.
GRANT USAGE ON SCHEMA ops TO millrace_ingestion, millrace_cleaning, millrace_features, millrace_scoring;
GRANT SELECT, INSERT, UPDATE (next_offset) ON ops.positions
    TO millrace_ingestion, millrace_cleaning, millrace_features, millrace_scoring;
GRANT INSERT ON ops.refused, ops.position_changes
    TO millrace_ingestion, millrace_cleaning, millrace_features, millrace_scoring;

GRANT USAGE ON SCHEMA raw, label TO millrace_ingestion;
GRANT INSERT ON ALL TABLES IN SCHEMA raw, label TO millrace_ingestion;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw, label GRANT INSERT ON TABLES TO millrace_ingestion;

GRANT USAGE ON SCHEMA clean, dead TO millrace_cleaning;
GRANT INSERT ON ALL TABLES IN SCHEMA clean, dead TO millrace_cleaning;
ALTER DEFAULT PRIVILEGES IN SCHEMA clean, dead GRANT INSERT ON TABLES TO millrace_cleaning;

GRANT USAGE ON SCHEMA feature TO millrace_features;
GRANT INSERT ON ALL TABLES IN SCHEMA feature TO millrace_features;
ALTER DEFAULT PRIVILEGES IN SCHEMA feature GRANT INSERT ON TABLES TO millrace_features;

-- Scoring also fetches model files.
GRANT USAGE ON SCHEMA decision, model TO millrace_scoring;
GRANT INSERT ON ALL TABLES IN SCHEMA decision TO millrace_scoring;
ALTER DEFAULT PRIVILEGES IN SCHEMA decision GRANT INSERT ON TABLES TO millrace_scoring;
GRANT SELECT ON model.artefact TO millrace_scoring;

-- Training leases jobs, makes one of each trial of a search and of each part of a fit, reads features and
-- outcomes, and registers what it learnt.
GRANT USAGE ON SCHEMA ops, model, feature, label, api TO millrace_training;
GRANT SELECT, INSERT, UPDATE ON ops.jobs TO millrace_training;
GRANT SELECT ON ops.pipelines TO millrace_training;
GRANT USAGE ON SEQUENCE ops.revision TO millrace_training;
GRANT SELECT ON ALL TABLES IN SCHEMA feature, label TO millrace_training;
ALTER DEFAULT PRIVILEGES IN SCHEMA feature, label GRANT SELECT ON TABLES TO millrace_training;
GRANT SELECT, INSERT ON model.run, model.metric, model.artefact, model.version, model.alias,
    model.alias_history, model.split, model.split_row, model.search, model.trials TO millrace_training;
GRANT SELECT, INSERT ON model.confusion, model.curve, model.calibration, model.segment, model.importance,
    model.learning TO millrace_training;
GRANT UPDATE ON model.alias, model.trials TO millrace_training;
GRANT SELECT, INSERT ON model.fit TO millrace_training;
GRANT SELECT, INSERT, UPDATE, DELETE ON model.part TO millrace_training;
GRANT SELECT ON api.search TO millrace_training;

-- Monitoring reads everything and writes what it measured. Where a pipeline's `store` asks for
-- partitions, which only the owner of a table can make and drop, let it be the owner too:
--     GRANT millrace_owner TO millrace_monitoring; ALTER ROLE millrace_monitoring INHERIT;
GRANT USAGE ON SCHEMA raw, clean, feature, decision, label, dead, model, monitor, ops, api
    TO millrace_monitoring, millrace_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA raw, clean, feature, decision, label, dead, model, monitor, ops, api
    TO millrace_monitoring, millrace_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw, clean, feature, decision, label, dead, api
    GRANT SELECT ON TABLES TO millrace_monitoring, millrace_reader;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA monitor TO millrace_monitoring;
GRANT INSERT ON ops.retired TO millrace_monitoring;
