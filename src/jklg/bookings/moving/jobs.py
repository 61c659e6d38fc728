"""What the worker does when a departure was moved. It may run twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from jklg import departures
from jklg.bookings import actions, letters
from jklg.bookings import queries as bookings
from jklg.bookings.jobs import Office
from jklg.bookings.moving import queries
from jklg.bookings.rules import due
from jklg.departures import Move
from jklg.kit.one_by_one import one_by_one

ROOM = Path(__file__).parent


async def mail_departure_moved(house: Office, news: dict[str, Any]) -> None:
    """departure.moved: everybody who had seats on it then reads which days it has now. Once for each of them."""
    async with house.db.transaction() as conn:
        move = await departures.get_move(conn, UUID(news["move_id"]))
        assert move is not None, "news is announced with its row"
        concerned = await queries.list_on_departure(conn, move.departure_id, move.moved_at)
    await one_by_one(concerned, partial(_write, house, move))


async def _write(house: Office, move: Move, booking_id: UUID) -> bool:
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, booking_id)
        assert booking is not None, "bookings are never deleted"
        paid = await actions.amount_paid(conn, booking.id, booking.currency)
        context = {"move": move, "due": due(booking.status, booking.price, paid)}
        once = letters.of_move(booking.id, move.id)
        return await letters.write(conn, house.settings, ROOM, "departure_moved", once, booking, context)
