"""Write down what all migrations together do to an empty database: ``python -m tests.spec.write_steps``.

A new database is made by these files, without Alembic (``sql.migrate``); ``test_migrations`` holds them against the steps.
"""

from __future__ import annotations

from io import StringIO

from alembic import command

from sql.migrate import alembic_config, steps_file

DIALECTS = ("sqlite", "postgresql")


def steps(dialect: str) -> str:
    """Let Alembic say every step."""
    out = StringIO()
    command.upgrade(alembic_config(dialect=dialect, out=out), "head", sql=True)
    lines = (line.rstrip() for line in out.getvalue().strip().splitlines())
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    for name in DIALECTS:
        steps_file(name).write_text(steps(name), encoding="utf-8")
