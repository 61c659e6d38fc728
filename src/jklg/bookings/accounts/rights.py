"""Who may look at a booking through the API: whoever holds its manage token, and the customer whose booking it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request
from litestar.datastructures import State

from jklg.bookings import keys, queries, rules
from jklg.bookings.actions import amount_paid
from jklg.bookings.queries import Booking
from jklg.customers.guard import bearer, speaks_for
from jklg.customers.rights import as_customer
from jklg.customers.sessions import Visitor
from jklg.kit.db import Claims, Connection, Database
from jklg.kit.errors import NotFound


class Right(NamedTuple):
    """One of the two. `actor` is for the history."""

    guest: Claims | None
    customer: Visitor | None

    @property
    def actor(self) -> str:
        return f"customer:{self.customer.customer_id}" if self.customer else "guest"

    def scope(self, booking_id: UUID) -> str:
        """Whose an Idempotency-Key is: the customer's for all their bookings; for a guest each booking's token is a person of its own."""
        return self.actor if self.customer else f"booking:{booking_id}"


async def allowed(request: Request[Any, Any, State], booking_id: UUID, token: str | None) -> Right:
    """By what right somebody asks about a booking. A manage token is looked at first.

    NotFound (booking_not_found) for who has none, whether the booking exists or not; NotSignedIn (not_signed_in), Forbidden
    (email_not_verified) when a customer's own token opens nothing. Either costs a round trip.
    """
    house = request.app.state.house
    try:
        async with house.db.transaction() as conn:
            return Right(await keys.guest_claims(conn, house.settings.secrets, booking_id, token), None)
    except NotFound:
        signed = bearer(request)
        if not signed:
            raise
    right = Right(None, speaks_for(signed, house.settings))
    async with opened(house.db, right) as conn:
        if await queries.get(conn, booking_id) is None:
            raise rules.not_found()
    return right


async def seen(request: Request[Any, Any, State], booking_id: str, token: str | None) -> tuple[Booking, int, Right]:
    """The booking, what is due on it (minor units), and by what right it was read. Raises what `allowed` raises."""
    try:
        known_id = UUID(booking_id)
    except ValueError:
        raise rules.not_found() from None
    right = await allowed(request, known_id, token)
    async with opened(request.app.state.house.db, right) as conn:
        booking = await queries.get(conn, known_id)
        if booking is None:
            raise rules.not_found()
        due = rules.due(booking.status, booking.price, await amount_paid(conn, known_id, booking.currency))
    return booking, due, right


@asynccontextmanager
async def opened(db: Database, right: Right) -> AsyncIterator[Connection]:
    """One database transaction with that right and no more: row-level security shows this booking, or the customer's."""
    if right.customer is not None:
        async with as_customer(db, right.customer) as conn:
            yield conn
    else:
        assert right.guest is not None, "a right is one of the two"
        async with db.transaction(right.guest) as conn:
            yield conn
