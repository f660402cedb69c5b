"""What can go wrong for the operator, as one small tree; each class is an exit code of the command line.

::

    CadastraError                 1
    ├── UsageError                2   an argument or a setting is wrong
    ├── UnreadableInput           2   a file or a database cannot be opened or understood
    ├── Held                      3   a circuit breaker held the run back
    ├── ExportRefused             4   the export is not what its control file says
    ├── PublishedWithRejects      5   published, but --strict wants no reject
    ├── Busy                      6   another run holds the lock
    ├── ExportLate                8   no export to take came in time
    ├── MayPass                   1   the database failed in a way that may pass
    └── Interrupted             130   a signal ended the run

Messages name file, table and column, never a customer's value. Findings about customers are no exceptions:
see ``customers.findings``.
"""

from __future__ import annotations


class CadastraError(Exception):
    """Stop the command with a message for the operator and no traceback."""

    exit_code = 1


class UsageError(CadastraError):
    """Report an argument or a setting that cannot be used."""

    exit_code = 2


class UnreadableInput(CadastraError):
    """Report a file or a database that cannot be opened or understood."""

    exit_code = 2


class Held(CadastraError):
    """Report a run that a circuit breaker held back: its documents are stored, nothing of it is served."""

    exit_code = 3


class ExportRefused(CadastraError):
    """Report an export that is not what its control file says; nothing was touched."""

    exit_code = 4


class PublishedWithRejects(CadastraError):
    """Report, under ``--strict``, a run that was published while some documents were refused."""

    exit_code = 5


class Busy(CadastraError):
    """Report that another run holds the serving database."""

    exit_code = 6


class ExportLate(CadastraError):
    """Report that no export that could be taken came in time."""

    exit_code = 8


class MayPass(CadastraError):
    """Report a database that failed in a way that may pass: the same may be tried again."""


class Interrupted(CadastraError):
    """Report a run that a signal ended."""

    exit_code = 130
