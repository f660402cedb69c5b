-- One row each time that a document began to be served: when it was stored, or when a later run took it up again.
CREATE VIEW periods AS
SELECT d.document_id, d.run_seq AS opened_run_seq, d.structure, d.version, d.customer_id, d.core_key, d.tax_id,
       d.document, d.content_hash, d.update_date_time, p.run_id, p.published_at
FROM documents AS d
JOIN publications AS p ON p.run_seq = d.run_seq
UNION ALL
SELECT d.document_id, s.run_seq AS opened_run_seq, d.structure, d.version, d.customer_id, d.core_key, d.tax_id,
       d.document, d.content_hash, d.update_date_time, p.run_id, p.published_at
FROM documents AS d
JOIN served_again AS s ON s.document_id = d.document_id
JOIN publications AS p ON p.run_seq = s.run_seq
