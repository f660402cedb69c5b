-- One row per document and period of being served; valid_to is null while it lasts.
CREATE VIEW history AS
SELECT o.structure, o.customer_id, o.content_hash, o.run_id, o.published_at AS valid_from,
       (SELECT p.published_at
        FROM retired AS r
        JOIN publications AS p ON p.run_seq = r.run_seq
        WHERE r.document_id = o.document_id AND r.opened_run_seq = o.opened_run_seq
        ORDER BY p.run_seq
        LIMIT 1) AS valid_to,
       o.version, o.document_id
FROM periods AS o
