"""Guest bookings join an account, count for it, and are forgotten with it.

When guest bookings join: at the moment the mailbox is proven, all that were made with its address until then. Later ones join
when their owner asks for it (`claim`), not by themselves: anybody may type her address into a booking, and what then stands in
her account should be there because she wanted it. The mailbox was proven once and their papers go to it, so that asking is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from jklg import history, jobs, limits
from jklg.bookings import circulars, letters
from jklg.bookings import queries as booking_queries
from jklg.bookings.accounts import queries
from jklg.bookings.accounts.queries import Kept
from jklg.customers import profile
from jklg.customers.rights import as_customer
from jklg.customers.sessions import Visitor
from jklg.kit.db import Connection, Database
from jklg.kit.errors import TooMany
from jklg.limits import Limit
from jklg.web import idempotency

CLAIMS = Limit("claim_bookings", 5, 3600)


async def claim(db: Database, who: Visitor) -> int:
    """All guest bookings made with the visitor's proven address become theirs, also those made since it was proven. Answers how many.

    NotSignedIn (not_signed_in), Forbidden (email_not_verified), TooMany (too_many_requests): five times an hour.
    """
    async with as_customer(db, who):
        pass
    async with db.transaction() as conn:
        refused = await limits.take(conn, [(CLAIMS, str(who.customer_id))])
    if refused:
        raise TooMany("too_many_requests", "Too many requests. Please wait a while.", retry_after=refused)
    async with db.transaction() as conn:
        found = await profile.proven_address(conn, who.customer_id)
        return await join(conn, who.customer_id, found[0]) if found else 0


async def join(conn: Connection, customer_id: UUID, email: str, until: datetime | None = None) -> int:
    """Guest bookings made with a proven address (until a moment) become the customer's. Answers how many; the second time none."""
    joined = await booking_queries.join_customer(conn, customer_id, email, until)
    for booking_id in joined:
        await history.record(
            conn, f"customer:{customer_id}", "booking.joined", "booking", booking_id, {"customer": str(customer_id)}
        )
    if joined:
        await profile.recount(conn, customer_id)
    return len(joined)


async def recount(conn: Connection, booking_id: UUID) -> None:
    """Count anew what the customer of a booking has booked and spent. Boring for a guest's, and the second time."""
    await recount_all(conn, [booking_id])


async def recount_all(conn: Connection, booking_ids: Sequence[UUID]) -> None:
    """The same for many bookings; locks their customers in the order of their ids."""
    for customer_id in await booking_queries.customers_of(conn, booking_ids):
        await profile.recount(conn, customer_id)


async def leave(conn: Connection, customer_id: UUID, email: str | None) -> None:
    """A customer leaves: their bookings, and guest bookings to their proven mailbox, are forgotten once they are over."""
    if email is not None:
        await join(conn, customer_id, email)
    await booking_queries.erase_when_over(conn, customer_id)


async def erase_due(db: Database, limit: int = 100) -> int:
    """A sweep: forget who travelled, where the customer has left and the trip is over. Seats, prices and books stay.

    Each with the answers and mails that name them; payments hear of it (booking.erased).
    """
    async with db.transaction() as conn:
        due = await booking_queries.list_to_erase(conn, limit)
    erased = 0
    for booking_id in due:
        async with db.transaction() as conn:
            if not await booking_queries.erase(conn, booking_id):
                continue
            await idempotency.forget(conn, booking_id)
            await letters.forget(conn, booking_id)
            await circulars.forget(conn, booking_id)
            await history.record(conn, "system", "booking.erased", "booking", booking_id)
            await jobs.announce(conn, "booking.erased", {"booking_id": str(booking_id)})
            erased += 1
    return erased


async def export(conn: Connection, customer_id: UUID) -> list[Kept]:
    """All bookings of a customer, with who travels: their part of what we hold on a person."""
    return await queries.list_kept(conn, customer_id)
