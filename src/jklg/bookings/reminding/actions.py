"""What the worker writes to travellers by the calendar. Each sweep may run twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

from jklg.bookings import actions, letters, queries, travellers
from jklg.bookings.reminding import queries as due
from jklg.kit.db import Database
from jklg.kit.one_by_one import one_by_one
from jklg.settings import Settings

ROOM = Path(__file__).parent
DEPARTURE_DAYS = 7
"""Before a journey begins."""


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def remind_of_departures(house: Office, limit: int = 50) -> int:
    """A sweep: who travels in a week is told when, with whom, and what is still missing. Answers how many were written."""
    async with house.db.transaction() as conn:
        soon = await due.list_departing(conn, DEPARTURE_DAYS, limit)
    return await one_by_one(soon, partial(_remind, house))


async def _remind(house: Office, soon: tuple[UUID, str]) -> bool:
    booking_id, once = soon
    async with house.db.transaction() as conn:
        booking = await queries.get(conn, booking_id)
        assert booking is not None, "bookings are never deleted"
        going = [each for each in await queries.list_travellers(conn, booking.id) if not each.cancelled_at]
        paid = await actions.amount_paid(conn, booking.id, booking.currency)
        context = {
            "travellers": going,
            "nameless": sum(travellers.missing(booking, going).values()),
            "due": max(booking.price - paid, 0),
            "days": (booking.starts_on - booking.today).days,
        }
        return await letters.write(conn, house.settings, ROOM, "departure_near", once, booking, context)
