-- One row per published run, structure and rule that failed in it or in the published run judged before it.
-- place = 1 for the rule that failed most in the run; severity = the gravest the rule had at any xpath;
-- share = failed / (applied - unknown); run_before, failed_before and share_before are null for the first run;
-- change = failed - failed_before. Shares are of what the run judged, so a run that judged only what changed looks worse
-- than a whole one. per_thousand = failures per 1,000 documents accounted for, those that had not changed and
-- therefore fail no rule among them: of two full exports these can be compared.
CREATE VIEW quality_top_rules AS
WITH judged AS (
    SELECT p.run_seq, p.run_id, p.published_at
    FROM publications AS p
    WHERE EXISTS (SELECT 1 FROM rule_results AS t WHERE t.run_id = p.run_id)),
counted AS NOT MATERIALIZED (
    SELECT t.run_id, t.structure, t.rule,
           MIN(CASE t.severity WHEN 'halt' THEN 1 WHEN 'reject' THEN 2 WHEN 'omit' THEN 3 WHEN 'warn' THEN 4 END)
               AS gravity,
           CAST(SUM(t.failed) AS bigint) AS failed,
           CAST(SUM(t.failed) AS double precision) / NULLIF(SUM(t.applied) - SUM(t.unknown), 0) AS share
    FROM rule_results AS t
    GROUP BY t.run_id, t.structure, t.rule)
SELECT j.run_id, j.published_at, c.structure, c.rule,
       CASE c.gravity WHEN 1 THEN 'halt' WHEN 2 THEN 'reject' WHEN 3 THEN 'omit' WHEN 4 THEN 'warn' END AS severity,
       c.failed, c.share, j.run_before, b.failed AS failed_before, b.share AS share_before,
       c.failed - b.failed AS change,
       ROW_NUMBER() OVER (PARTITION BY j.run_id ORDER BY c.failed DESC, c.structure, c.rule) AS place,
       1000 * CAST(c.failed AS double precision) / NULLIF(m.read - m.excluded, 0) AS per_thousand,
       1000 * CAST(b.failed AS double precision) / NULLIF(a.read - a.excluded, 0) AS per_thousand_before
FROM (SELECT n.run_seq, n.run_id, n.published_at,
             (SELECT e.run_id FROM judged AS e WHERE e.run_seq < n.run_seq ORDER BY e.run_seq DESC LIMIT 1)
                 AS run_before
      FROM judged AS n) AS j
JOIN counted AS c ON c.run_id = j.run_id
LEFT JOIN counted AS b ON b.run_id = j.run_before AND b.structure = c.structure AND b.rule = c.rule
LEFT JOIN run_counts AS m ON m.run_id = j.run_id AND m.structure = c.structure
LEFT JOIN run_counts AS a ON a.run_id = j.run_before AND a.structure = c.structure
WHERE c.failed > 0 OR b.failed > 0
