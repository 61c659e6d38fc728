"""What the worker does for bookings: mails that follow news. Each may run twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from jklg.bookings import actions, letters, queries
from jklg.bookings.cancelling import queries as cancellations
from jklg.kit.db import SYSTEM, Connection, Database
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def mail_confirmation(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed: the mail with the reference and the manage-my-booking link. Once for each booking."""
    wanted = Asked(house.settings, UUID(news["booking_id"]))
    await house.db.together(_mail_confirmations, key=about, who=SYSTEM)(wanted)


class Asked(NamedTuple):
    """What news asks for in writing, about a booking or whatever else it names. Asked twice in one moment, it is asked for once."""

    settings: Settings
    id: UUID


def about(asked: Asked) -> UUID:
    return asked.id


async def _mail_confirmations(conn: Connection, wanted: Sequence[Asked]) -> dict[UUID, None]:
    ids = [each.id for each in wanted]
    found = await queries.get_all(conn, ids)
    travellers = await queries.travellers_of(conn, ids)
    deposits = await actions.amounts_paid(conn, list(found.values()))
    for settings, booking_id in wanted:
        booking, paid = found[booking_id], deposits[booking_id]
        context = {"travellers": travellers.get(booking_id, []), "paid": paid, "due": max(booking.price - paid, 0)}
        await letters.write(conn, settings, ROOM, "booking_confirmed", booking.id, booking, context)
    return {}


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
