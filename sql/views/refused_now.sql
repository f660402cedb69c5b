-- One row per customer and structure whose latest published mark says that a newer document is refused.
CREATE VIEW refused_now AS
SELECT m.structure, m.version, m.customer_id, m.run_seq, m.since, m.customer_ref,
       COALESCE(m.refused_run_seq, m.run_seq) AS refused_run_seq
FROM stale_marks AS m
WHERE m.since IS NOT NULL
  AND m.run_seq IN (SELECT p.run_seq FROM publications AS p)
  AND NOT EXISTS (
      SELECT 1 FROM stale_marks AS n
      WHERE n.customer_id = m.customer_id AND n.structure = m.structure AND n.version = m.version
        AND n.run_seq > m.run_seq AND n.run_seq IN (SELECT p.run_seq FROM publications AS p))
