CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

CREATE TABLE runs (
    run_seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
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
    UNIQUE (run_id)
);

CREATE TABLE publications (
    run_seq INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    published_at TEXT NOT NULL,
    PRIMARY KEY (run_seq)
);

CREATE TABLE documents (
    document_id INTEGER NOT NULL,
    run_seq INTEGER NOT NULL,
    structure TEXT NOT NULL,
    version TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    core_key TEXT NOT NULL,
    tax_id TEXT,
    content_hash TEXT NOT NULL,
    update_date_time TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (document_id)
);

CREATE INDEX documents_customer_id ON documents (customer_id);

CREATE INDEX documents_core_key ON documents (core_key);

CREATE INDEX documents_tax_id ON documents (tax_id);

CREATE TABLE served_again (
    document_id BIGINT NOT NULL,
    run_seq INTEGER NOT NULL,
    PRIMARY KEY (document_id, run_seq)
)
 WITHOUT ROWID;

CREATE TABLE retired (
    document_id BIGINT NOT NULL,
    opened_run_seq INTEGER NOT NULL,
    run_seq INTEGER NOT NULL,
    PRIMARY KEY (document_id, opened_run_seq, run_seq)
)
 WITHOUT ROWID;

CREATE TABLE stale_marks (
    customer_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    version TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    since TEXT,
    PRIMARY KEY (customer_id, structure, version, run_seq)
)
 WITHOUT ROWID;

CREATE TABLE customer_states (
    person_id TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    tax_id TEXT,
    kind TEXT NOT NULL,
    availability TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (person_id, run_seq)
)
 WITHOUT ROWID;

CREATE INDEX customer_states_tax_id ON customer_states (tax_id);

CREATE TABLE run_counts (
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

CREATE TABLE rule_results (
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

CREATE TABLE findings (
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

CREATE INDEX rule_results_run_id ON rule_results (run_id);

CREATE INDEX findings_run_id ON findings (run_id);

CREATE TABLE sequences (
    name TEXT NOT NULL,
    next_id BIGINT NOT NULL,
    PRIMARY KEY (name)
);

INSERT INTO sequences (name, next_id) VALUES ('documents', 1);

INSERT INTO alembic_version (version_num) VALUES ('0001') RETURNING version_num;

-- Running upgrade 0001 -> 0002

CREATE TABLE run_lock (
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

CREATE TABLE erasures (
    person TEXT NOT NULL,
    erased_at TEXT NOT NULL,
    lifted_at TEXT,
    counts TEXT NOT NULL,
    PRIMARY KEY (person, erased_at)
);

CREATE TABLE purges (
    purge_id TEXT NOT NULL,
    purged_at TEXT NOT NULL,
    cutoff TEXT NOT NULL,
    first_kept_run_seq INTEGER NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (purge_id)
);

ALTER TABLE stale_marks ADD COLUMN customer_ref TEXT;

ALTER TABLE stale_marks ADD COLUMN refused_run_seq INTEGER;

INSERT INTO sequences (name, next_id) VALUES ('run_lock', 1);

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

-- Running upgrade 0002 -> 0003

CREATE TABLE consents (
    consent_id TEXT NOT NULL,
    tax_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    permissions TEXT NOT NULL,
    joint_approval TEXT NOT NULL,
    expires_at TEXT,
    imported_at TEXT NOT NULL,
    PRIMARY KEY (consent_id)
)
 WITHOUT ROWID;

CREATE INDEX consents_tax_id ON consents (tax_id);

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';

-- Running upgrade 0003 -> 0004

CREATE TABLE fingerprints (
    core_key TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    fingerprint BIGINT NOT NULL,
    valid_until TEXT,
    excluded TEXT NOT NULL,
    availability TEXT NOT NULL,
    PRIMARY KEY (core_key, run_seq)
)
 WITHOUT ROWID;

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

-- Running upgrade 0004 -> 0005

CREATE TABLE freshness (
    run_id TEXT NOT NULL,
    structure TEXT NOT NULL,
    documents BIGINT NOT NULL,
    p50_seconds BIGINT NOT NULL,
    p95_seconds BIGINT NOT NULL,
    max_seconds BIGINT NOT NULL,
    share_within_60_minutes DOUBLE NOT NULL,
    first_load INTEGER NOT NULL,
    PRIMARY KEY (run_id, structure)
);

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';

-- Running upgrade 0005 -> 0006

ALTER TABLE run_counts ADD COLUMN skipped BIGINT DEFAULT '0' NOT NULL;

UPDATE alembic_version SET version_num='0006' WHERE alembic_version.version_num = '0005';

-- Running upgrade 0006 -> 0007

CREATE TABLE run_buckets (
    run_seq INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (run_seq, bucket)
)
 WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN resume_key TEXT;

UPDATE alembic_version SET version_num='0007' WHERE alembic_version.version_num = '0006';

-- Running upgrade 0007 -> 0008

UPDATE alembic_version SET version_num='0008' WHERE alembic_version.version_num = '0007';

-- Running upgrade 0008 -> 0009

UPDATE alembic_version SET version_num='0009' WHERE alembic_version.version_num = '0008';

-- Running upgrade 0009 -> 0010

CREATE TABLE forgotten (
    core_key TEXT NOT NULL,
    run_seq INTEGER NOT NULL,
    gone INTEGER NOT NULL
);

CREATE INDEX forgotten_core_key ON forgotten (core_key);

INSERT INTO forgotten (core_key, run_seq, gone) SELECT DISTINCT d.core_key, p.last, 0 FROM documents AS d CROSS JOIN (SELECT MAX(run_seq) AS last FROM publications) AS p WHERE p.last IS NOT NULL;

UPDATE alembic_version SET version_num='0010' WHERE alembic_version.version_num = '0009';

-- Running upgrade 0010 -> 0011

ALTER TABLE run_buckets ADD COLUMN stamps BLOB;

UPDATE alembic_version SET version_num='0011' WHERE alembic_version.version_num = '0010';

-- Running upgrade 0011 -> 0012

DROP INDEX documents_core_key;

UPDATE alembic_version SET version_num='0012' WHERE alembic_version.version_num = '0011';
