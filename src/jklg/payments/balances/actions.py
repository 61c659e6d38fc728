"""What the worker does about balances. Each sweep may run twice, and in any number of workers at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

from jklg import bookings, mail
from jklg.kit.db import Connection, Database
from jklg.kit.one_by_one import one_by_one
from jklg.payments import consents
from jklg.payments.balances import queries
from jklg.payments.concerns import report_concern, resolve_concerns
from jklg.payments.gateways.contract import Gateway
from jklg.settings import Settings

ROOM = Path(__file__).parent
REMINDER_DAYS = 7
"""Before a balance is due: a first reminder. The second comes the day after, if it is still open."""


class Office(Protocol):
    """What writing a mail about a balance needs of the house: who can take it from a card, too."""

    settings: Settings
    db: Database
    gateways: Mapping[str, Gateway]


async def remind(house: Office, limit: int = 50) -> int:
    """A sweep: the rest of the price, a week before it is due and once more when the day has passed. Answers how many were written."""
    modes = consents.modes(house.gateways)
    async with house.db.transaction() as conn:
        coming = await queries.list_coming(conn, modes, REMINDER_DAYS, limit)
        missed = await queries.list_missed(conn, modes, limit)
    due = [(booking_id, "before") for booking_id in coming] + [(booking_id, "after") for booking_id in missed]
    return await one_by_one(due, partial(_remind, house))


async def _remind(house: Office, due: tuple[UUID, str]) -> bool:
    booking_id, when = due
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, booking_id)
        assert booking is not None, "bookings are never deleted"
        open_ = booking.price - await bookings.amount_paid(conn, booking.id, booking.currency)
        context = {"due": open_, "missed": when == "after"}
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
