"""The role of the API reads the view of all structures; the roles are given their rights after the last step."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Change no table."""
