-- One row per person: the latest state that a published run wrote. A rollback to before a person was known
-- writes the state ABSENT.
CREATE VIEW customers AS
SELECT c.person_id, c.tax_id, c.kind, c.availability, c.since
FROM customer_states AS c
WHERE c.run_seq IN (SELECT p.run_seq FROM publications AS p)
  AND c.availability <> 'ABSENT'
  AND NOT EXISTS (
      SELECT 1 FROM customer_states AS n
      WHERE n.person_id = c.person_id AND n.run_seq > c.run_seq
        AND n.run_seq IN (SELECT p.run_seq FROM publications AS p))
