-- One row per run, structure, field, rule and shape of a value that no code table knows, with the number of customers
-- that have it. field is the xpath (names of the dictionary have no digits, so those of an occurrence are list indexes);
-- /data stands for the register's own state. The shape tells digits (9) from letters (A), never the value.
CREATE VIEW quality_unmapped_codes AS
SELECT u.run_id, u.structure, u.field, u.rule, u.shape, COUNT(DISTINCT u.customer_ref) AS customers,
       COUNT(*) AS findings
FROM (
    SELECT f.run_id, f.structure, f.rule, f.shape, f.customer_ref,
           '/data' || replace(replace(substr(
               replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(f.occurrence,
                   '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''),
               2), '[]', ''), '.', '/') AS field
    FROM findings AS f
    WHERE f.rule = 'X-UNMAPPED' OR substr(f.rule, 1, 7) = 'S-enum:') AS u
GROUP BY u.run_id, u.structure, u.field, u.rule, u.shape
