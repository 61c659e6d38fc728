"""A booking opened with the keys in this browser: who has the key reads it with a guest's own rights, nobody else learns anything."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State

from jklg import bookings
from jklg.bookings import rules
from jklg.bookings.queries import Traveller
from jklg.kit.db import Claims
from jklg.web.session import key_for

Ask = Request[Any, Any, State]


class OpenBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking opened with a key of this browser's ring, read with the guest's own rights."""

    booking: bookings.Booking
    travellers: list[Traveller]
    paid: int
    due: int
    claims: Claims


async def open_booking(request: Ask, reference: str) -> OpenBooking:
    """The booking of this reference, if this browser has the key. NotFound (booking_not_found) for everybody else."""
    house = request.app.state.house
    key = key_for(house.settings, request.cookies, reference.upper())
    if key is None:
        raise rules.not_found()
    who = bookings.guest_claims(house.settings.secrets, key.booking_id, key.token)
    async with house.db.transaction(who) as conn:
        booking = await bookings.get_by_reference(conn, key.reference)
        if booking is None or booking.id != key.booking_id:
            raise rules.not_found()
        travellers = await bookings.list_travellers(conn, booking.id)
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
    due = booking.total_price - paid if booking.status in ("held", "confirmed") else 0
    return OpenBooking(booking=booking, travellers=travellers, paid=paid, due=max(due, 0), claims=who)
