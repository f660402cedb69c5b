-- One row per run, structure and xpath: how often its rules applied, passed and failed, all rules together.
-- applied = passed + failed + unknown (unknown: the type failed, so the rule could not be judged);
-- suspects = the failures of severity warn, which refuse nothing; rate = passed / (passed + failed), null when nothing was judged.
-- Counted over the documents that the run judged (judged); those that had not changed since they passed (skipped) are
-- not in it: rates of runs that skipped differently cannot be compared, null where the run told no counts.
CREATE VIEW quality_conformance AS
SELECT t.run_id, t.structure, t.xpath, CAST(SUM(t.applied) AS bigint) AS applied,
       CAST(SUM(t.passed) AS bigint) AS passed, CAST(SUM(t.failed) AS bigint) AS failed,
       CAST(SUM(t.unknown) AS bigint) AS unknown,
       CAST(SUM(CASE WHEN t.severity = 'warn' THEN t.failed ELSE 0 END) AS bigint) AS suspects,
       CAST(SUM(t.passed) AS double precision) / NULLIF(SUM(t.passed) + SUM(t.failed), 0) AS rate,
       MAX(c.read - c.excluded - c.skipped) AS judged, MAX(c.skipped) AS skipped
FROM rule_results AS t
LEFT JOIN run_counts AS c ON c.run_id = t.run_id AND c.structure = t.structure
GROUP BY t.run_id, t.structure, t.xpath
