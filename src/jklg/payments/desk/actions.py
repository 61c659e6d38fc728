"""Sending money back because somebody decided so, told in order: ask, let a second person look (`second`), reserve under the locks, call, book.

The locks are those of payments: departure, booking, transactions, refund. What a gateway then says is merged by `refunds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Protocol
from uuid import UUID

import msgspec

from jklg import bookings, history, ledger
from jklg.bookings import Booking
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from jklg.payments import concerns, refunds, suspense
from jklg.payments import queries as payment_queries
from jklg.payments.desk import queries, rules
from jklg.payments.desk.queries import RefundRequest
from jklg.payments.gateways.contract import Gateway
from jklg.payments.refunds import queries as refund_queries
from jklg.payments.refunds.rules import off_the_price
from jklg.settings import Settings


class House(Protocol):
    """What the desk needs of the house."""

    settings: Settings
    db: Database
    gateways: Mapping[str, Gateway]
    dice: Random


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of asking, in minor units of `currency`. `status`: waiting (for a second person), pending, completed, failed, refused."""

    request: RefundRequest
    refund_ids: list[UUID]
    status: str


async def ask_refund(
    house: House,
    *,
    request_id: UUID,
    booking_id: UUID | None = None,
    transaction_id: UUID | None = None,
    amount: int | None = None,
    source: str | None = None,
    reason: str,
    actor: str,
) -> Asked:
    """Send back `amount` (minor units) of a booking, or of one of its payments; None: all that is left. Asked twice with one id, it is once.

    `source`: only what lies in this account (`rules.OWED`, `rules.SUSPENSE`).

    Raises, in the order checked: BadInput (reason_missing, booking_missing); NotFound (transaction_not_found, booking_not_found);
    Conflict (request_reused); BadInput (amount_invalid); NotFound (nothing_paid); Conflict (disputed); BadInput
    (refund_exceeds_captured, amount_invalid: a rest that no gateway moves).
    """
    reason = " ".join(reason.split())[:500]
    if not reason:
        raise BadInput("reason_missing", "Please say why it is sent back.", details={"field": "reason"})
    async with house.db.transaction(claims("system", actor=actor, reason=reason)) as conn:
        booking = await _lock_booking(conn, booking_id, transaction_id)
        made_before = await queries.get(conn, request_id)
        if made_before is None:
            purses, piles = await look_into(conn, booking, transaction_id, source)
            wanted = rules.check_amount(purses, piles, amount, booking.currency)
            second = await needs_second(conn, house.settings, booking, wanted)
            request = await write(
                conn, booking, request_id, transaction_id, wanted, reason, actor, needs_second=second, source=source
            )
            if not request.waiting:
                await reserve(conn, booking, request, rules.shares(purses, piles, wanted))
        elif made_before.booking_id != booking.id:
            raise Conflict("request_reused", "This request was used for something else.")
    return await release(house, request_id)


async def _lock_booking(conn: Connection, booking_id: UUID | None, transaction_id: UUID | None) -> Booking:
    if transaction_id is not None:
        transaction = await payment_queries.get(conn, transaction_id)
        if transaction is None or booking_id not in (None, transaction.booking_id):
            raise NotFound("transaction_not_found", "We cannot find this payment.")
        booking_id = transaction.booking_id
    if booking_id is None:
        raise BadInput("booking_missing", "Please say of which booking or payment.", details={"field": "bookingId"})
    return await bookings.lock(conn, booking_id)


async def look_into(
    conn: Connection, booking: Booking, transaction_id: UUID | None, source: str | None = None
) -> tuple[list[rules.Purse], rules.Piles]:
    """The payments through which money of a booking may go back, locked, and where it lies. The caller holds the booking's lock. Money in
    suspense goes back through the payments that brought it first."""
    purses = await queries.lock_purses(conn, booking.id)
    lying = await bookings.amount_kept(conn, booking.id, booking.currency)
    for account in (rules.OWED, rules.SUSPENSE):
        lying[account] = -await ledger.balance(conn, account, booking.currency, booking.id)
    if transaction_id is not None:
        purses = [purse for purse in purses if purse.transaction_id == transaction_id]
    if source == rules.SUSPENSE:
        brought = await suspense.list_brought(conn, booking.id)
        purses.sort(key=lambda purse: purse.transaction_id not in brought)
    return purses, rules.piles(lying, booking.price, source)


async def needs_second(conn: Connection, settings: Settings, booking: Booking, amount: int) -> bool:
    """Whether a second person has to agree to so much more of this booking."""
    alone = await queries.sent_alone(conn, booking.id)
    return rules.needs_second(settings.refund_alone, booking.currency, amount, alone)


async def write(
    conn: Connection,
    booking: Booking,
    request_id: UUID,
    transaction_id: UUID | None,
    amount: int,
    reason: str,
    actor: str,
    *,
    needs_second: bool,
    source: str | None = None,
    paid_by: str | None = None,
) -> RefundRequest:
    """Write down what somebody asks for, and put it before a second person if it needs one."""
    await queries.insert(
        conn,
        request_id=request_id,
        booking_id=booking.id,
        transaction_id=transaction_id,
        amount=amount,
        currency=booking.currency,
        reason=reason,
        asked_by=actor,
        needs_second=needs_second,
        source=source,
        paid_by=paid_by,
    )
    detail = {"request_id": str(request_id), "amount": amount, "needs_second": needs_second, "reason": reason}
    await history.record(conn, actor, "refund.asked", "booking", booking.id, detail)
    if needs_second:
        await payment_queries.report_anomaly(
            conn,
            anomaly_id=uuid7(),
            kind="refund_waits",
            once_key=f"refund_waits:{request_id}",
            transaction_id=transaction_id,
            booking_id=booking.id,
            detail={"request_id": str(request_id), "amount": amount, "currency": booking.currency},
        )
    request = await queries.get(conn, request_id)
    assert request is not None, "just written"
    return request


async def reserve(conn: Connection, booking: Booking, request: RefundRequest, parts: list[rules.Share]) -> None:
    """Take the money out of its accounts, and what was not paid beyond the price off the price: it is not asked for again. What was
    owed, or nobody had applied, was none of the price."""
    kept = sum((await bookings.amount_kept(conn, booking.id, booking.currency)).values())
    of_booking = sum(part.amount for part in parts if part.account not in (rules.OWED, rules.SUSPENSE))
    given_up = off_the_price(kept, booking.price, of_booking)
    await bookings.take_off(conn, booking, given_up, actor=request.asked_by, why="sent back")
    for number, part in enumerate(parts, 1):
        transaction = await payment_queries.lock(conn, part.transaction_id)
        await refunds.reserve(
            conn,
            transaction,
            part.amount,
            account=part.account,
            origin="staff" if request.asked_by.startswith("staff:") else "customer",
            request_key=f"refund:{request.id}:{number}",
            reason=request.reason,
            actor=request.asked_by,
            request_id=request.id,
        )
    await concerns.resolve_when_nothing_lies(conn, booking.id)


async def release(house: House, request_id: UUID) -> Asked:
    """Make the calls of a request that waits for nobody, and tell how it stands. May be called at any time, any number of times."""
    async with house.db.transaction() as conn:
        reserved = await refund_queries.list_of_request(conn, request_id)
    await refunds.send_now(house, [refund.id for refund in reserved if refund.state == "reserved"])
    async with house.db.transaction() as conn:
        request = await queries.get(conn, request_id)
        assert request is not None, "just written"
        states = [refund.state for refund in await refund_queries.list_of_request(conn, request_id)]
    status = "pending"
    if request.waiting:
        status = "waiting"
    elif request.decision == "refused":
        status = "refused"
    elif request.paid_at is not None or (states and all(state == "succeeded" for state in states)):
        status = "completed"
    elif states and all(state in ("failed", "canceled") for state in states):
        status = "failed"
    return Asked(request=request, refund_ids=[refund.id for refund in reserved], status=status)


async def tell_of_kept(conn: Connection, booking: Booking, amount: int, why: str) -> None:
    """Money of a booking, or of some of its people, that was given up lies with us beyond the price: somebody has to decide about it."""
    await payment_queries.report_anomaly(
        conn,
        anomaly_id=uuid7(),
        kind="money_left_behind",
        once_key=f"money_left_behind:{booking.id}:{uuid7()}",
        transaction_id=None,
        booking_id=booking.id,
        detail={"amount": amount, "currency": booking.currency, "why": why},
    )


async def return_of_overpaid(
    conn: Connection, settings: Settings, booking: Booking, amount: int, *, reason: str, actor: str, promised: bool
) -> UUID | None:
    """Reserve the return of what a giving up has left paid beyond the price; the caller holds the booking's lock, and calls `release`
    with the answer afterwards. `promised`: by the terms it was sold under, so that nobody has to agree.

    What cannot go back now, because the bank is deciding about it, is put before a person instead.
    """
    purses, piles = await look_into(conn, booking, None)
    possible = min(amount, rules.refundable(purses, piles))
    if possible < amount:
        await tell_of_kept(conn, booking, amount - possible, "disputed")
    if possible <= 0:
        return None
    second = not promised and await needs_second(conn, settings, booking, possible)
    request = await write(conn, booking, uuid7(), None, possible, reason, actor, needs_second=second)
    if not second:
        await reserve(conn, booking, request, rules.shares(purses, piles, possible))
    return request.id


async def left_to_refund(conn: Connection, booking: Booking) -> tuple[int, bool]:
    """For a form: how much could go back now (minor units), and whether the bank is deciding about any of it."""
    purses, piles = await look_into(conn, booking, None)
    return max(rules.refundable(purses, piles), 0), any(purse.disputed for purse in purses)
