-- The three roles of a serving database on PostgreSQL. Run by `cadastra db roles`, or by psql in the database;
-- running it again changes nothing. The tables must be there (`cadastra db upgrade`).
--
--   cadastra_etl      owns the tables: runs, migrations, rollback, purge, erasure. No right outside this database.
--   cadastra_api      reads the current documents, the customers, and when runs were published.
--   cadastra_quality  reads the schema quality (runs, results, findings, quality views): no document, no tax id.
--
-- They cannot log in. Either let one (ALTER ROLE cadastra_api LOGIN PASSWORD '...'), or make login roles members
-- (GRANT cadastra_api TO somebody); members find the names through the database's own search path.
-- Views read with their owner's rights, and documents are read through the partitioned table, so that neither
-- the API nor the dashboards need a right on any table below, or on partitions made later.

DO $$
DECLARE
    wanted record;
    relation record;
    readable text;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES ('cadastra_etl', 'serving, quality, control, public'),
                              ('cadastra_api', 'serving, control, public'),
                              ('cadastra_quality', 'quality, control, public')) AS v (role, path)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted.role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server made it at the same time
            END;
        END IF;
        IF NOT EXISTS (
            SELECT FROM pg_db_role_setting AS s
            JOIN pg_roles AS r ON r.oid = s.setrole
            JOIN pg_database AS d ON d.oid = s.setdatabase
            WHERE r.rolname = wanted.role AND d.datname = current_database()
              AND 'search_path=' || wanted.path = ANY (s.setconfig))
        THEN
            EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %s',
                           wanted.role, current_database(), wanted.path);
        END IF;
        IF NOT has_database_privilege(wanted.role, current_database(), 'CONNECT') THEN
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), wanted.role);
        END IF;
    END LOOP;

    -- A run looks documents up through a temporary table.
    IF NOT has_database_privilege('cadastra_etl', current_database(), 'TEMPORARY') THEN
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO cadastra_etl', current_database());
    END IF;
    -- Only a member may hand a table over to a role.
    IF NOT pg_has_role('cadastra_etl', 'USAGE') THEN
        GRANT cadastra_etl TO CURRENT_USER;
    END IF;
    IF NOT (has_schema_privilege('cadastra_etl', 'serving', 'CREATE')
            AND has_schema_privilege('cadastra_etl', 'quality', 'CREATE')
            AND has_schema_privilege('cadastra_etl', 'control', 'CREATE')) THEN
        GRANT USAGE, CREATE ON SCHEMA serving, quality, control TO cadastra_etl;
    END IF;
    -- A partition can only be attached by the owner of the table.
    FOR relation IN
        SELECT c.oid::regclass AS name
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('serving', 'quality', 'control') AND c.relkind IN ('r', 'p', 'v')
          AND c.relowner <> 'cadastra_etl'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO cadastra_etl', relation.name);
    END LOOP;

    -- Whatever was granted before and is not meant to be readable any more goes away.
    REVOKE ALL ON ALL TABLES IN SCHEMA serving, quality, control FROM cadastra_api, cadastra_quality, PUBLIC;
    IF NOT (has_schema_privilege('cadastra_api', 'serving', 'USAGE')
            AND has_schema_privilege('cadastra_quality', 'quality', 'USAGE')
            AND has_schema_privilege('cadastra_api', 'control', 'USAGE')
            AND has_schema_privilege('cadastra_quality', 'control', 'USAGE')) THEN
        GRANT USAGE ON SCHEMA serving, control TO cadastra_api;
        GRANT USAGE ON SCHEMA quality, control TO cadastra_quality;
    END IF;
    FOREACH readable IN ARRAY ARRAY[
        'serving.personal_identifications', 'serving.business_identifications',
        'serving.personal_qualifications', 'serving.business_qualifications',
        'serving.personal_financial_relations', 'serving.business_financial_relations',
        'serving.served', 'serving.customers', 'serving.consents', 'control.publications']
    LOOP
        IF to_regclass(readable) IS NOT NULL THEN -- the consents come later
            EXECUTE format('GRANT SELECT ON %s TO cadastra_api', readable);
        END IF;
    END LOOP;
    GRANT SELECT ON ALL TABLES IN SCHEMA quality TO cadastra_quality;
    -- So that a program can tell whether the tables are those it knows.
    GRANT SELECT ON control.alembic_version TO cadastra_api, cadastra_quality;
END
$$;
