"""The second pair of eyes: somebody else agrees to what was asked, or refuses it."""

from __future__ import annotations

from uuid import UUID

from jklg import bookings, history
from jklg.bookings import Booking
from jklg.kit.db import Connection, claims
from jklg.kit.errors import Conflict, Forbidden, NotFound
from jklg.payments import queries as payment_queries
from jklg.payments.desk import actions, owed, queries, rules
from jklg.payments.desk.queries import RefundRequest


async def approve(house: actions.House, request_id: UUID, *, actor: str) -> actions.Asked:
    """The second person agrees: what is asked for is reserved now, and sent; or was paid by hand, and is booked.

    Raises NotFound (request_not_found); Conflict (request_decided); Forbidden (four_eyes: not who asked); then what `ask_refund` or
    `pay_owed` raises of amounts: money may have moved since.
    """
    async with house.db.transaction(claims("system", actor=actor, reason="approved")) as conn:
        booking, request = await _lock_waiting(conn, request_id)
        if request.asked_by == actor:
            raise Forbidden("four_eyes", "Somebody else has to look at it: you asked for it yourself.")
        if request.paid_by is not None:
            await queries.decide(conn, request_id, "approved", actor)
            await owed.pay(conn, booking, request, actor)
        else:
            purses, piles = await actions.look_into(conn, booking, request.transaction_id, request.source)
            rules.check_amount(purses, piles, request.amount, booking.currency)
            await queries.decide(conn, request_id, "approved", actor)
            await actions.reserve(conn, booking, request, rules.shares(purses, piles, request.amount))
        await _decided(conn, request, "refund.approved", actor)
    return await actions.release(house, request_id)


async def refuse(house: actions.House, request_id: UUID, *, actor: str) -> actions.Asked:
    """It is not sent back. Whoever asked may take it back this way, too. What lies beyond the price then, and waits for nobody else, is told:
    somebody had promised it. NotFound (request_not_found), Conflict (request_decided)."""
    async with house.db.transaction(claims("system", actor=actor, reason="refused")) as conn:
        booking, request = await _lock_waiting(conn, request_id)
        await queries.decide(conn, request_id, "refused", actor)
        await _decided(conn, request, "refund.refused", actor)
        left = min(request.amount, await _beyond_price(conn, booking))
        if left > 0:
            await actions.tell_of_kept(conn, booking, left, "refused")
    return await actions.release(house, request_id)


async def _beyond_price(conn: Connection, booking: Booking) -> int:
    """What the booking keeps beyond its price, and what still waits for a second person."""
    kept = sum((await bookings.amount_kept(conn, booking.id, booking.currency)).values())
    waiting = sum(each.amount for each in await queries.list_of_booking(conn, booking.id) if each.waiting)
    return kept - booking.price - waiting


async def _lock_waiting(conn: Connection, request_id: UUID) -> tuple[Booking, RefundRequest]:
    found = await queries.get(conn, request_id)
    if found is None:
        raise NotFound("request_not_found", "We cannot find this request.")
    booking = await bookings.lock(conn, found.booking_id)
    request = await queries.lock(conn, request_id)
    assert request is not None, "requests are never deleted"
    if not request.waiting:
        raise Conflict("request_decided", "This was decided already.")
    return booking, request


async def _decided(conn: Connection, request: RefundRequest, what: str, actor: str) -> None:
    detail = {"request_id": str(request.id), "amount": request.amount}
    await history.record(conn, actor, what, "booking", request.booking_id, detail)
    await payment_queries.resolve_anomaly(conn, f"refund_waits:{request.id}")
