-- One row per run, structure and xpath below /data: how often the property is there.
-- expected = how often the object around it occurs, present = how often it has the property (empty lists are there);
-- required = 1 where the dictionary requires it whenever the object is there; rate = present / expected, null without any.
-- Read off the rules of the type, which apply to what is there.
-- Counted over the documents that the run judged (judged); those that had not changed since they passed (skipped) are
-- not in it: rates of runs that skipped differently cannot be compared, null where the run told no counts.
CREATE VIEW quality_completeness AS
WITH counted AS NOT MATERIALIZED (
    SELECT t.run_id, t.structure, t.xpath, rtrim(rtrim(t.xpath, replace(t.xpath, '/', '')), '/') AS around,
           MAX(CASE WHEN t.rule = 'S-type:' || t.xpath THEN t.applied END) AS present,
           MAX(CASE WHEN t.rule = 'S-type:' || t.xpath || '[]' THEN t.applied END) AS elements,
           MAX(CASE WHEN t.rule = 'S-required:' || t.xpath THEN 1 ELSE 0 END) AS required
    FROM rule_results AS t
    WHERE substr(t.rule, 1, 7) = 'S-type:' OR substr(t.rule, 1, 11) = 'S-required:'
    GROUP BY t.run_id, t.structure, t.xpath)
SELECT f.run_id, f.structure, f.xpath, f.required, COALESCE(o.elements, o.present) AS expected, f.present,
       CAST(f.present AS double precision) / NULLIF(COALESCE(o.elements, o.present), 0) AS rate,
       c.read - c.excluded - c.skipped AS judged, c.skipped
FROM counted AS f
JOIN counted AS o ON o.run_id = f.run_id AND o.structure = f.structure AND o.xpath = f.around
LEFT JOIN run_counts AS c ON c.run_id = f.run_id AND c.structure = f.structure
