"""What the worker does for the bookings of accounts. Each may run twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from jklg.bookings import tidings
from jklg.bookings.accounts import actions
from jklg.customers import profile
from jklg.kit.db import SYSTEM, Connection, Database


class Office(Protocol):
    """What these need of the house."""

    db: Database


async def join_guest_bookings(house: Office, news: dict[str, Any]) -> None:
    """customer.verified: what was booked as a guest until the mailbox was proven."""
    customer_id = UUID(news["customer_id"])
    async with house.db.transaction() as conn:
        found = await profile.proven_address(conn, customer_id)
        if found is not None:
            await actions.join(conn, customer_id, found[0], until=found[1])


async def recount(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed, booking.cancelled, payment.received, refund.settled: what the customer has booked and spent."""
    await house.db.together(_recount, who=SYSTEM)(UUID(news["booking_id"]))


async def _recount(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, None]:
    await actions.recount_all(conn, booking_ids)
    return {}


async def tell_confirmed(house: Office, news: dict[str, Any]) -> None:
    """booking.confirmed: a line in the account."""
    await house.db.together(_tell_confirmed, who=SYSTEM)(UUID(news["booking_id"]))


async def _tell_confirmed(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, None]:
    await tidings.tell(conn, [tidings.Line(each, "booking_confirmed", each, {}) for each in booking_ids])
    return {}


async def tell_cancelled(house: Office, news: dict[str, Any]) -> None:
    """booking.cancelled: a line in the account."""
    booking_id = UUID(news["booking_id"])
    async with house.db.transaction() as conn:
        await tidings.tell(conn, [tidings.Line(booking_id, "booking_cancelled", booking_id, {})])


async def erase_due(house: Office) -> int:
    return await actions.erase_due(house.db)
