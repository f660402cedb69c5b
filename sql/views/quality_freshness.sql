-- One row per published run and structure of which it published documents that the core had changed: the minutes from
-- the core's change (updateDateTime) to the document's being served. within_60_minutes is a share of 1. first_load is 1
-- where nothing of the structure was served before: such a load tells the age of the data, not how quick the bank is.
CREATE VIEW quality_freshness AS
SELECT r.run_seq, f.run_id, r.flow, r.kind, r.business_date, p.published_at, f.structure, f.documents,
       f.p50_seconds / CAST(60 AS double precision) AS p50_minutes,
       f.p95_seconds / CAST(60 AS double precision) AS p95_minutes,
       f.max_seconds / CAST(60 AS double precision) AS max_minutes,
       f.share_within_60_minutes AS within_60_minutes, f.first_load
FROM freshness AS f
JOIN runs AS r ON r.run_id = f.run_id
JOIN publications AS p ON p.run_seq = r.run_seq
