"""How the tables of the serving database came to be: one file per step, run by Alembic."""
