"""What we write to the person of a booking: one way to address it, and the list of what was written, for when it is to be forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from jklg import mail
from jklg.bookings import keys
from jklg.bookings import queries as bookings
from jklg.bookings.cancelling import queries as cancellations
from jklg.bookings.moving import queries as moves
from jklg.bookings.queries import Booking
from jklg.kit.db import Connection
from jklg.kit.languages import speaking
from jklg.kit.tokens import Sealed
from jklg.settings import Settings


async def write(
    conn: Connection,
    settings: Settings,
    room: Path,
    kind: str,
    once: object,
    booking: Booking,
    context: Mapping[str, object],
    *,
    may_be_stopped: bool = False,
) -> bool:
    """Mail `kind` of a room to whoever booked, once for `once`, in the language they booked in. False when it was written before, or its customer has left meanwhile."""
    wanted = [(once, booking, context)]
    return await write_all(conn, settings, room, kind, wanted, may_be_stopped=may_be_stopped) == 1


async def write_all(
    conn: Connection,
    settings: Settings,
    room: Path,
    kind: str,
    wanted: Iterable[tuple[object, Booking, Mapping[str, object]]],
    *,
    may_be_stopped: bool = False,
) -> int:
    """The same to many: (once, booking, context) of each. Answers how many had not been written before."""
    letters = [_letter(settings, room, kind, *each, may_be_stopped) for each in wanted if each[1].email]
    return await mail.write(conn, letters)


def _letter(
    settings: Settings,
    room: Path,
    kind: str,
    once: object,
    booking: Booking,
    context: Mapping[str, object],
    may_be_stopped: bool,
) -> mail.Letter:
    token = keys.sealed_token(settings.secret, booking.id, booking.key_turn)
    link = keys.manage_link(settings.public_url, booking.reference, token)
    context = {"booking": booking, "manage_url": Sealed(link), **context}
    with speaking(booking.locale):
        return mail.letter(
            settings, room, kind, once, booking.email, booking.name, context, may_be_stopped=may_be_stopped
        )


def of_move(booking_id: UUID, move_id: UUID) -> str:
    """What a letter to a booking is about when it follows a move of its departure."""
    return f"{booking_id}:{move_id}"


def of_turn(booking_id: UUID, turn: int) -> str:
    """What a letter is about that follows a turn of the booking's key."""
    return f"{booking_id}:{turn}"


async def forget(conn: Connection, booking_id: UUID) -> None:
    """Erase what this room wrote about a booking. That it was written, and when, stays."""
    given = await cancellations.list_of_booking(conn, booking_id)
    moved = [of_move(booking_id, each) for each in await moves.list_moves_of(conn, booking_id)]
    turns = range(1, (await bookings.key_turn(conn, booking_id) or 0) + 1)
    about = [
        f"booking_confirmed:{booking_id}",
        f"departure_near:{booking_id}",
        *(f"booking_given_up:{each.id}" for each in given),
        *(f"{kind}:{each}" for each in moved for kind in ("departure_moved", "departure_near")),
        *(f"{kind}:{of_turn(booking_id, each)}" for each in turns for kind in ("address_changed", "address_left")),
    ]
    await mail.forget(conn, about)
