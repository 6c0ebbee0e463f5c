-- The roles of a warehouse whose services have no more rights than each needs. Run once by an
-- administrator in the warehouse's database, before `millrace db migrate`; harmless again:
--     psql -d millrace -f schemas/warehouse/roles.sql
-- Then each role gets a password or a certificate, `millrace db migrate` makes the tables as
-- millrace_operator, and `millrace db grants` gives each role its rights.
-- SPDX-License-Identifier: Apache-2.0

DO $$
DECLARE
    role text;
BEGIN
    IF to_regrole('millrace_owner') IS NULL THEN
        CREATE ROLE millrace_owner NOLOGIN;
    END IF;
    FOREACH role IN ARRAY ARRAY['millrace_operator', 'millrace_ingestion', 'millrace_cleaning',
        'millrace_features', 'millrace_training', 'millrace_scoring', 'millrace_monitoring',
        'millrace_reader'] LOOP
        IF to_regrole(role) IS NULL THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT CONNECTION LIMIT 20', role);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO millrace_owner', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- What the command does in the warehouse, it does as the owner, so that everything has one.
GRANT millrace_owner TO millrace_operator;
ALTER ROLE millrace_operator SET role = 'millrace_owner';
