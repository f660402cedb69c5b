"""Whose secret made the customer ids of a database.

Documents have no index on core_key: a customer_id is made of one, and whoever has the secret asks by that. All that
is served was made under one secret. Each statement gives the core_key and customer_id of one document, if there is any;
the first one that gives something tells.
"""

ONE_SERVED = "SELECT core_key, customer_id FROM served LIMIT 1"
ONE_STORED = """
    SELECT d.core_key, d.customer_id
    FROM documents AS d JOIN publications AS p ON p.run_seq = d.run_seq LIMIT 1
"""
