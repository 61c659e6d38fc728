"""A booking opened with the keys in this browser, or by the customer whose it is: they read it with the rights of this one booking's
guest, nobody else learns anything."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State

from jklg import bookings
from jklg.bookings import rules
from jklg.bookings.queries import Traveller
from jklg.customers.guard import browser_visitor
from jklg.customers.rights import as_customer
from jklg.kit.db import Claims
from jklg.kit.errors import Forbidden, NotFound, NotSignedIn
from jklg.web.session import Key, key_for

Ask = Request[Any, Any, State]


class OpenBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking opened with a key of this browser's ring, read with the guest's own rights."""

    booking: bookings.Booking
    travellers: list[Traveller]
    paid: int
    due: int
    claims: Claims


async def open_booking(request: Ask, reference: str) -> OpenBooking:
    """The booking of this reference, if this browser has the key or its customer is signed in. NotFound (booking_not_found) for
    everybody else."""
    house = request.app.state.house
    kept = key_for(house.settings, request.cookies, reference.upper())
    if kept is not None:
        with suppress(NotFound):  # it may be of before another address was written down, or of a secret that is gone
            return await _open(house, kept)
    own = await _own(request, reference.upper())
    if own is None:
        raise rules.not_found()
    return await _open(house, own)


async def _open(house: Any, key: Key) -> OpenBooking:
    async with house.db.transaction() as conn:
        who = await bookings.guest_claims(conn, house.settings.secrets, key.booking_id, key.token)
    async with house.db.transaction(who) as conn:
        booking = await bookings.get_by_reference(conn, key.reference)
        if booking is None or booking.id != key.booking_id:
            raise rules.not_found()
        travellers = await bookings.list_travellers(conn, booking.id)
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
    due = rules.due(booking.status, booking.price, paid)
    return OpenBooking(booking=booking, travellers=travellers, paid=paid, due=due, claims=who)


async def _own(request: Ask, reference: str) -> Key | None:
    """The key to a booking of whoever is signed in here: for this request only, so that it ends with the session."""
    who = browser_visitor(request)
    if who is None or not rules.REFERENCE.fullmatch(reference):
        return None
    house = request.app.state.house
    try:
        async with as_customer(house.db, who) as conn:
            booking = await bookings.get_by_reference(conn, reference)
    except (NotSignedIn, Forbidden):
        return None
    if booking is None:
        return None
    return Key(
        booking.reference, booking.id, bookings.manage_token(house.settings.secret, booking.id, booking.key_turn)
    )
