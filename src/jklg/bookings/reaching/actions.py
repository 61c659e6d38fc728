"""Another address, told in order: write it down, with which the booking's key turns (migration 0067); write to the new one, with the new
link; and to the old one that it is over, without any."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from uuid import UUID

from jklg import history
from jklg.bookings import actions, letters, queries, rules
from jklg.kit.db import Database, claims
from jklg.kit.errors import Conflict
from jklg.mail import bounces
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def change(house: Office, booking_id: UUID, *, email: str, phone: str, actor: str) -> bool:
    """Whoever booked is reached there from now on. False when that is known. Locks the booking.

    An account that the booking belongs to keeps it. Links that were sent to another address open nothing any more.
    Raises, in the order checked: NotFound (booking_not_found); Conflict (person_forgotten); BadInput (email_invalid, phone_invalid).
    """
    async with house.db.transaction(claims("system", actor=actor)) as conn:
        before = (await actions.lock_without_seats(conn, [booking_id])).get(booking_id)
        if before is None:
            raise rules.not_found()
        if not before.email:
            raise Conflict("person_forgotten", "Whoever booked this has been forgotten.")
        _, email, phone = rules.check_contact(before.name, email, phone)
        if (email, phone) == (before.email, before.phone):
            return False
        await queries.set_contact(conn, booking_id, email, phone)
        changed = [
            what for what, is_new in (("email", email != before.email), ("phone", phone != before.phone)) if is_new
        ]
        await history.record(conn, actor, "booking.contact_changed", "booking", booking_id, {"changed": changed})
        after = await queries.get(conn, booking_id)
        assert after is not None, "it is locked"
        if after.key_turn == before.key_turn:
            return True
        once = letters.of_turn(booking_id, after.key_turn)
        await letters.write(conn, house.settings, ROOM, "address_changed", once, after, {})
        if await bounces.of_address(conn, before.email) is None:
            await letters.write(conn, house.settings, ROOM, "address_left", once, before, {})
    return True
