"""What the worker does for bookings: mails that follow news, and mails that follow the calendar. Each may run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from jklg.bookings import actions, letters, queries, reminders
from jklg.bookings.cancelling import queries as cancellations
from jklg.kit.db import Database
from jklg.settings import Settings

ROOM = Path(__file__).parent
DEPARTURE_DAYS = 7
"""Before a journey begins."""


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def mail_confirmation(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed: the mail with the reference and the manage-my-booking link. Once for each booking."""
    async with house.db.transaction() as conn:
        booking = await queries.get(conn, UUID(news["booking_id"]))
        assert booking is not None, "news is announced with its row"
        paid = await actions.amount_paid(conn, booking.id, booking.currency)
        context = {
            "travellers": await queries.list_travellers(conn, booking.id),
            "paid": paid,
            "due": max(booking.price - paid, 0),
        }
        await letters.write(conn, house.settings, ROOM, "booking_confirmed", booking.id, booking, context)


async def mail_given_up(house: Office, news: dict[str, Any]) -> None:
    """booking.cancelled, booking.people_cancelled: what was given up, what we keep, what comes back. Once for each giving up.

    Seats that were only held are let go without a word: nothing was bought.
    """
    if "cancellation_id" not in news:
        return
    async with house.db.transaction() as conn:
        booking = await queries.get(conn, UUID(news["booking_id"]))
        assert booking is not None, "news is announced with its row"
        given = await cancellations.get(conn, UUID(news["cancellation_id"]))
        assert given is not None, "news is announced with its row"
        going = [
            each for each in await queries.list_travellers(conn, booking.id) if given.whole or not each.cancelled_at
        ]
        context = {"given": given, "travellers": going, "people": sum(given.party.values())}
        await letters.write(conn, house.settings, ROOM, "booking_given_up", given.id, booking, context)


async def remind_of_departures(house: Office, limit: int = 50) -> int:
    """A sweep: who travels in a week is told when, with whom, and what is still missing. Answers how many were written."""
    async with house.db.transaction() as conn:
        soon = await reminders.list_departing(conn, DEPARTURE_DAYS, limit)
    written = 0
    for booking_id in soon:
        async with house.db.transaction() as conn:
            booking = await queries.get(conn, booking_id)
            assert booking is not None, "bookings are never deleted"
            going = [each for each in await queries.list_travellers(conn, booking.id) if not each.cancelled_at]
            paid = await actions.amount_paid(conn, booking.id, booking.currency)
            context = {
                "travellers": going,
                "nameless": booking.seats - booking.cancelled_seats - len(going),
                "due": max(booking.price - paid, 0),
                "days": (booking.starts_on - booking.today).days,
            }
            written += await letters.write(conn, house.settings, ROOM, "departure_near", booking.id, booking, context)
    return written
