-- One row per run, summed over its structures. run_seq orders the runs; published_at is null unless the run was shown;
-- the counts are null for a run that recorded none (failed, rollback).
-- Of those read, judged documents went through the rules in this run, skipped ones had not changed since they did and
-- broke none: rule_results counts the judged alone.
-- read = published_new + published_changed + unchanged + rejected_stale + rejected_unserved + excluded.
CREATE VIEW quality_runs AS
SELECT r.run_seq, r.run_id, r.flow, r.core, r.business_date, r.generated_at, r.kind, r.state, r.started_at,
       r.finished_at, p.published_at, r.mapping_version, c.read, c.published_new, c.published_changed, c.unchanged,
       c.rejected_stale, c.rejected_unserved, c.excluded, c.withdrawn, c.read - c.excluded - c.skipped AS judged,
       c.skipped
FROM runs AS r
LEFT JOIN publications AS p ON p.run_seq = r.run_seq
LEFT JOIN (
    SELECT n.run_id, CAST(SUM(n.read) AS bigint) AS read, CAST(SUM(n.published_new) AS bigint) AS published_new,
           CAST(SUM(n.published_changed) AS bigint) AS published_changed,
           CAST(SUM(n.unchanged) AS bigint) AS unchanged, CAST(SUM(n.rejected_stale) AS bigint) AS rejected_stale,
           CAST(SUM(n.rejected_unserved) AS bigint) AS rejected_unserved,
           CAST(SUM(n.excluded) AS bigint) AS excluded, CAST(SUM(n.withdrawn) AS bigint) AS withdrawn,
           CAST(SUM(n.skipped) AS bigint) AS skipped
    FROM run_counts AS n
    GROUP BY n.run_id) AS c ON c.run_id = r.run_id
