"""The sweep that seals the books. That they cannot be sealed is put before a person: the ledger below knows no concerns."""

from __future__ import annotations

from typing import Protocol

from jklg import ledger
from jklg.kit.db import Database
from jklg.payments import concerns
from jklg.settings import Settings


class House(Protocol):
    """What sealing needs of the house."""

    settings: Settings
    db: Database


async def seal(house: House) -> int:
    """Seal the postings that wait. Answers how many.

    Raises HeadLost, each time, when the books are not those that were sealed. The concern about that does not settle itself: whoever changed
    the books could put them right again.
    """
    try:
        return await ledger.seal(house.db, house.settings.secret, house.settings.data_dir)
    except ledger.HeadLost as lost:
        async with house.db.transaction() as conn:
            await concerns.report_concern(
                conn, "chain_broken", f"chain_broken:{lost.head}", {"noted": lost.head, "file": str(lost.note)}
            )
        raise
