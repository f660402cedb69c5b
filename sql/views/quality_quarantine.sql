-- One row per structure, version, rule and day (UTC) since when newer documents are refused: how many documents
-- are served although a newer one is refused. The rules are those of the run that refused first, X-UNMAPPED where
-- the register is of no known kind of person; a document counts once for each rule. Rule and severity are null
-- where a mark of an earlier version of this program does not tell whose findings explain it.
CREATE VIEW quality_quarantine AS
SELECT m.structure, m.version, f.rule, f.severity, substr(m.since, 1, 10) AS since_day, COUNT(*) AS documents
FROM served AS s
JOIN refused_now AS m ON m.customer_id = s.customer_id AND m.structure = s.structure AND m.version = s.version
JOIN runs AS r ON r.run_seq = m.refused_run_seq
LEFT JOIN (
    SELECT DISTINCT n.run_id, n.structure, n.customer_ref, n.rule, n.severity
    FROM findings AS n
    WHERE n.severity IN ('reject', 'halt')) AS f
       ON f.run_id = r.run_id AND f.structure IN (m.structure, '') AND f.customer_ref = m.customer_ref
WHERE s.stale_since IS NOT NULL
GROUP BY m.structure, m.version, f.rule, f.severity, substr(m.since, 1, 10)
