"""What the worker does about balances. Each sweep may run twice, and in any number of workers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from uuid import UUID

from jklg import bookings, mail
from jklg.kit.db import Connection, Database
from jklg.payments.balances import queries
from jklg.payments.concerns import report_concern, resolve_concerns
from jklg.settings import Settings

ROOM = Path(__file__).parent
REMINDER_DAYS = 7
"""Before a balance is due: a first reminder. The second comes the day after, if it is still open."""


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def remind(house: Office, limit: int = 50) -> int:
    """A sweep: the rest of the price, a week before it is due and once more when the day has passed. Answers how many were written."""
    async with house.db.transaction() as conn:
        coming = await queries.list_coming(conn, REMINDER_DAYS, limit)
        missed = await queries.list_missed(conn, limit)
    written = 0
    for when, due in (("before", coming), ("after", missed)):
        for booking_id in due:
            written += await _remind(house, booking_id, when)
    return written


async def _remind(house: Office, booking_id: UUID, when: str) -> bool:
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, booking_id)
        assert booking is not None, "bookings are never deleted"
        due = booking.price - await bookings.amount_paid(conn, booking.id, booking.currency)
        context = {"due": due, "missed": when == "after"}
        once = f"{booking.id}:{when}"
        return await bookings.write_letter(conn, house.settings, ROOM, "balance_due", once, booking, context)


async def watch(house: Office) -> int:
    """A sweep: a balance that was not paid in time is a concern, until it is paid or given up. Answers how many are new."""
    new = 0
    async with house.db.transaction() as conn:
        overdue = [await bookings.get(conn, booking_id) for booking_id in await queries.list_overdue(conn)]
        for booking in overdue:
            assert booking is not None, "bookings are never deleted"
            due = booking.price - await bookings.amount_paid(conn, booking.id, booking.currency)
            detail = {"difference": due, "currency": booking.currency, "due_on": str(booking.balance_due_on)}
            about = f"balance:{booking.id}"
            new += await report_concern(conn, "balance_overdue", about, detail, booking_id=booking.id)
        await resolve_concerns(conn, "balance:", [f"balance:{booking.id}" for booking in overdue if booking])
    return new


async def forget(conn: Connection, booking_id: UUID) -> None:
    """Erase what was written about a balance. That it was written, and when, stays."""
    told = [f"balance_due:{booking_id}:{when}" for when in ("before", "after")]
    told += [f"card_will_be_charged:{consent_id}" for consent_id in await queries.list_consents(conn, booking_id)]
    await mail.forget(conn, told)
