-- One row per document being served, whatever its structure: the periods that no published run has ended. A mark
-- of the run that opened the period counts: a rollback restores both. What the Customers API reads.
CREATE VIEW served AS
SELECT o.document_id, o.opened_run_seq, o.structure, o.version, o.customer_id, o.core_key, o.tax_id, o.document,
       o.content_hash, o.update_date_time, o.run_id, o.published_at, m.since AS stale_since
FROM periods AS o
LEFT JOIN refused_now AS m
       ON m.customer_id = o.customer_id AND m.structure = o.structure AND m.version = o.version
      AND m.run_seq >= o.opened_run_seq
WHERE NOT EXISTS (
    SELECT 1 FROM retired AS r
    WHERE r.document_id = o.document_id AND r.opened_run_seq = o.opened_run_seq
      AND r.run_seq IN (SELECT p.run_seq FROM publications AS p))
