"""The letter that asks how it was. A sweep; it may run twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

from jklg import bookings, mail
from jklg.kit.db import Connection, Database
from jklg.kit.one_by_one import one_by_one
from jklg.reviews.asking import queries
from jklg.settings import Settings

ROOM = Path(__file__).parent
AFTER_DAYS = 3
"""Of the last day: time to come home and unpack."""
UNTIL_DAYS = 30
"""After this nobody is asked any more: a house that begins to ask does not ask about last year."""


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def ask(house: Office, limit: int = 50) -> int:
    """A sweep: who has been home for some days and has said nothing is asked, once. Answers how many were."""
    async with house.db.transaction() as conn:
        home = await queries.list_to_ask(conn, AFTER_DAYS, UNTIL_DAYS, limit)
    return await one_by_one(home, partial(_ask, house))


async def _ask(house: Office, booking_id: UUID) -> bool:
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, booking_id)
        assert booking is not None, "bookings are never deleted"
        return await bookings.write_letter(
            conn, house.settings, ROOM, "review_wanted", booking.id, booking, {}, may_be_stopped=True
        )


async def forget(conn: Connection, booking_id: UUID) -> None:
    """Erase what was written about a booking. That it was, and when, stays."""
    await mail.forget(conn, [f"review_wanted:{booking_id}"])
