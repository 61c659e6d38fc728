"""The head of the chain, noted where the database has no say: in a file of the data directory.

Whoever is master of the database can take seals away together with what they sealed, and have the postings wait for a seal again. That the
chain once went further is known only outside of it.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from jklg.kit.private_files import write_private
from jklg.ledger.seals import rules

log = logging.getLogger(__name__)


def note_of(data_dir: Path) -> Path:
    """The file. Removed, whatever the database holds is taken for true, and the next seal is noted anew."""
    return data_dir.joinpath("ledger-head")


def noted_head(data_dir: Path) -> str:
    """'number:chain', as the sealer left it; empty when nothing was noted. Raises OSError when it may not be read."""
    try:
        return note_of(data_dir).read_text("utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def note(data_dir: Path, number: int, head: str) -> None:
    """Remember how far the chain goes. Sealing goes on where that cannot be written; the log says so, once for each process."""
    try:
        # Another worker may have come further, and noted it before us.
        if rules.number_of(noted_head(data_dir)) < number:
            write_private(note_of(data_dir), f"{head}\n")
    except OSError as error:
        warn(data_dir, error)


def warn(data_dir: Path, error: OSError) -> None:
    """The head cannot be noted, or read, there."""
    _warn_once(data_dir, type(error).__name__)


@cache
def _warn_once(data_dir: Path, why: str) -> None:
    log.warning(
        "the head of the ledger's seals cannot be kept in %s (%s): nobody will notice if its end is cut off", data_dir, why
    )  # fmt: skip
