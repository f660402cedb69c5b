CREATE TABLE control.alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

CREATE TABLE quality.runs (
    run_seq SERIAL NOT NULL,
    run_id TEXT NOT NULL,
    flow TEXT NOT NULL,
    core TEXT NOT NULL,
    business_date TEXT,
    generated_at TEXT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    mapping_version TEXT,
    counts TEXT,
    batch_id TEXT,
    export TEXT,
    PRIMARY KEY (run_seq),
    UNIQUE (run_id)
);

CREATE TABLE control.publications (
    run_seq INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    published_at TEXT NOT NULL,
    PRIMARY KEY (run_seq)
);

CREATE TABLE serving.documents (
            document_id bigint NOT NULL,
            run_seq integer NOT NULL,
            structure text NOT NULL,
            version text NOT NULL,
            customer_id text NOT NULL,
            core_key text NOT NULL,
            tax_id text,
            content_hash text NOT NULL,
            update_date_time text NOT NULL,
            document text NOT NULL,
            segment integer NOT NULL DEFAULT 0,
            PRIMARY KEY (document_id, segment)
        ) PARTITION BY LIST (segment);

CREATE TABLE serving.documents_shared PARTITION OF serving.documents FOR VALUES IN (0);

CREATE INDEX documents_customer_id ON serving.documents (customer_id);

CREATE INDEX documents_core_key ON serving.documents (core_key);

CREATE INDEX documents_tax_id ON serving.documents (tax_id);

CREATE TABLE control.served_again (
    document_id BIGINT NOT NULL,
    run_seq INTEGER NOT NULL,
    PRIMARY KEY (document_id, run_seq)
);

CREATE TABLE control.retired (
    document_id BIGINT NOT NULL,
    opened_run_seq INTEGER NOT NULL,
    run_seq INTEGER NOT NULL,
    PRIMARY KEY (document_id, opened_run_seq, run_seq)
);

CREATE TABLE control.stale_marks (
    customer_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    version TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    since TEXT,
    PRIMARY KEY (customer_id, structure, version, run_seq)
);

CREATE TABLE serving.customer_states (
    person_id TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    tax_id TEXT,
    kind TEXT NOT NULL,
    availability TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (person_id, run_seq)
);

CREATE INDEX customer_states_tax_id ON serving.customer_states (tax_id);

CREATE TABLE quality.run_counts (
    run_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    read BIGINT NOT NULL,
    published_new BIGINT NOT NULL,
    published_changed BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    rejected_stale BIGINT NOT NULL,
    rejected_unserved BIGINT NOT NULL,
    excluded BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    excluded_reasons TEXT NOT NULL,
    PRIMARY KEY (run_id, structure)
);

CREATE TABLE quality.rule_results (
    run_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    xpath TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    applied BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unknown BIGINT NOT NULL
);

CREATE TABLE quality.findings (
    run_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    customer_ref TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    shape TEXT,
    source_file TEXT,
    source_line BIGINT
);

CREATE INDEX rule_results_run_id ON quality.rule_results (run_id);

CREATE INDEX findings_run_id ON quality.findings (run_id);

CREATE TABLE control.sequences (
    name TEXT NOT NULL,
    next_id BIGINT NOT NULL,
    PRIMARY KEY (name)
);

INSERT INTO control.sequences (name, next_id) VALUES ('documents', 1);

INSERT INTO control.alembic_version (version_num) VALUES ('0001') RETURNING control.alembic_version.version_num;

-- Running upgrade 0001 -> 0002

CREATE TABLE control.run_lock (
    name TEXT NOT NULL,
    token BIGINT NOT NULL,
    run_id TEXT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    process_started TEXT NOT NULL,
    backend_pid BIGINT,
    started_at TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE control.erasures (
    person TEXT NOT NULL,
    erased_at TEXT NOT NULL,
    lifted_at TEXT,
    counts TEXT NOT NULL,
    PRIMARY KEY (person, erased_at)
);

CREATE TABLE control.purges (
    purge_id TEXT NOT NULL,
    purged_at TEXT NOT NULL,
    cutoff TEXT NOT NULL,
    first_kept_run_seq INTEGER NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (purge_id)
);

ALTER TABLE control.stale_marks ADD COLUMN customer_ref TEXT;

ALTER TABLE control.stale_marks ADD COLUMN refused_run_seq INTEGER;

INSERT INTO control.sequences (name, next_id) VALUES ('run_lock', 1);

UPDATE control.alembic_version SET version_num='0002' WHERE control.alembic_version.version_num = '0001';

-- Running upgrade 0002 -> 0003

CREATE TABLE serving.consents (
    consent_id TEXT NOT NULL,
    tax_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    permissions TEXT NOT NULL,
    joint_approval TEXT NOT NULL,
    expires_at TEXT,
    imported_at TEXT NOT NULL,
    PRIMARY KEY (consent_id)
);

CREATE INDEX consents_tax_id ON serving.consents (tax_id);

UPDATE control.alembic_version SET version_num='0003' WHERE control.alembic_version.version_num = '0002';

-- Running upgrade 0003 -> 0004

CREATE TABLE control.fingerprints (
    core_key TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    fingerprint BIGINT NOT NULL,
    valid_until TEXT,
    excluded TEXT NOT NULL,
    availability TEXT NOT NULL,
    PRIMARY KEY (core_key, run_seq)
);

UPDATE control.alembic_version SET version_num='0004' WHERE control.alembic_version.version_num = '0003';

-- Running upgrade 0004 -> 0005

CREATE TABLE quality.freshness (
    run_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    documents BIGINT NOT NULL,
    p50_seconds BIGINT NOT NULL,
    p95_seconds BIGINT NOT NULL,
    max_seconds BIGINT NOT NULL,
    share_within_60_minutes DOUBLE PRECISION NOT NULL,
    first_load INTEGER NOT NULL,
    PRIMARY KEY (run_id, structure)
);

UPDATE control.alembic_version SET version_num='0005' WHERE control.alembic_version.version_num = '0004';

-- Running upgrade 0005 -> 0006

ALTER TABLE quality.run_counts ADD COLUMN skipped BIGINT DEFAULT '0' NOT NULL;

UPDATE control.alembic_version SET version_num='0006' WHERE control.alembic_version.version_num = '0005';

-- Running upgrade 0006 -> 0007

CREATE TABLE control.run_buckets (
    run_seq INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (run_seq, bucket)
);

ALTER TABLE quality.runs ADD COLUMN resume_key TEXT;

UPDATE control.alembic_version SET version_num='0007' WHERE control.alembic_version.version_num = '0006';

-- Running upgrade 0007 -> 0008

UPDATE control.alembic_version SET version_num='0008' WHERE control.alembic_version.version_num = '0007';

-- Running upgrade 0008 -> 0009

ALTER TABLE serving.customer_states RENAME TO customer_states_shared;

ALTER TABLE serving.customer_states_shared DROP CONSTRAINT customer_states_pkey;

ALTER TABLE serving.customer_states_shared ADD COLUMN segment integer NOT NULL DEFAULT 0;

CREATE TABLE serving.customer_states (LIKE serving.customer_states_shared INCLUDING DEFAULTS, PRIMARY KEY (person_id, run_seq, segment)) PARTITION BY LIST (segment);

ALTER TABLE serving.customer_states ATTACH PARTITION serving.customer_states_shared FOR VALUES IN (0);

ALTER TABLE control.fingerprints RENAME TO fingerprints_shared;

ALTER TABLE control.fingerprints_shared DROP CONSTRAINT fingerprints_pkey;

ALTER TABLE control.fingerprints_shared ADD COLUMN segment integer NOT NULL DEFAULT 0;

CREATE TABLE control.fingerprints (LIKE control.fingerprints_shared INCLUDING DEFAULTS, PRIMARY KEY (core_key, run_seq, segment)) PARTITION BY LIST (segment);

ALTER TABLE control.fingerprints ATTACH PARTITION control.fingerprints_shared FOR VALUES IN (0);

ALTER INDEX serving.customer_states_tax_id RENAME TO customer_states_shared_tax_id_idx;

CREATE INDEX customer_states_tax_id ON serving.customer_states (tax_id);

UPDATE control.alembic_version SET version_num='0009' WHERE control.alembic_version.version_num = '0008';

-- Running upgrade 0009 -> 0010

CREATE TABLE control.forgotten (
    core_key TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    gone INTEGER NOT NULL
);

CREATE INDEX forgotten_core_key ON control.forgotten (core_key);

INSERT INTO control.forgotten (core_key, run_seq, gone) SELECT DISTINCT d.core_key, p.last, 0 FROM serving.documents AS d CROSS JOIN (SELECT MAX(run_seq) AS last FROM control.publications) AS p WHERE p.last IS NOT NULL;

UPDATE control.alembic_version SET version_num='0010' WHERE control.alembic_version.version_num = '0009';

-- Running upgrade 0010 -> 0011

ALTER TABLE control.run_buckets ADD COLUMN stamps BYTEA;

ALTER TABLE control.run_buckets ALTER COLUMN stamps SET STORAGE EXTERNAL;

UPDATE control.alembic_version SET version_num='0011' WHERE control.alembic_version.version_num = '0010';

-- Running upgrade 0011 -> 0012

DROP INDEX serving.documents_core_key;

UPDATE control.alembic_version SET version_num='0012' WHERE control.alembic_version.version_num = '0011';
