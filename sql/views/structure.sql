-- The documents being served of one structure, for who asks about no other.
CREATE VIEW {structure} AS
SELECT customer_id, core_key, tax_id, document, content_hash, update_date_time, version, run_id, published_at,
       stale_since
FROM served
WHERE structure = '{structure}'
