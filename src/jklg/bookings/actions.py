"""The life of a booking after its seats were taken (`holds`), told in order: extend, receive money, expire, cancel, complete.

Locks, in this order everywhere: departure, booking, transaction, refund. Deadlines are the database's clock.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg import departures, history, jobs, ledger
from jklg.bookings import queries, rules
from jklg.bookings.queries import Booking
from jklg.kit.db import Connection, Database
from jklg.kit.errors import Conflict


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """Where captured money went. `suspense_reason` is set when it could not be applied to the booking."""

    new: bool
    confirmed: bool
    suspense_reason: str | None


async def extend_hold(conn: Connection, booking_id: UUID, minutes: int) -> bool:
    """Give a paying customer time, once: the hold lasts at least `minutes` from now. The booking is locked by the caller."""
    return await queries.extend_hold(conn, booking_id, minutes)


async def lock(conn: Connection, booking_id: UUID) -> Booking:
    """Lock the departure, then the booking, and read it. NotFound: booking_not_found."""
    departure_id = await queries.departure_of(conn, booking_id)
    if departure_id is None:
        raise rules.not_found()
    await departures.lock(conn, departure_id)
    booking = await queries.lock_booking(conn, booking_id)
    if booking is None:
        raise rules.not_found()
    return booking


async def receive_money(
    conn: Connection,
    booking: Booking,
    *,
    fact: tuple[str, str],
    amount: int,
    currency: str,
    from_account: str,
    distrusted: str | None = None,
) -> Received:
    """Book captured money to a booking that the caller has locked with `lock`, and confirm it when its first part, or all, is paid.

    `fact` is (source_type, source_id): the same fact is booked once, whoever reports it and how often. Money that the
    booking has no use for, or that is `distrusted` (the reason why), is kept in suspense and never confirms anything.
    """
    reason = distrusted or await no_use_for_money(conn, booking, amount)
    account = "suspense:unapplied" if reason else "customer_deposits"
    new = await ledger.post(conn, "capture", *fact, booking.id, currency, [(from_account, amount), (account, -amount)])
    if not new:
        return Received(new=False, confirmed=False, suspense_reason=None)
    confirmed = reason is None and await confirm_if_paid(conn, booking)
    return Received(new=True, confirmed=confirmed, suspense_reason=reason)


async def no_use_for_money(conn: Connection, booking: Booking, amount: int) -> str | None:
    """Why a booking that the caller has locked would not keep `amount` more (minor units of its currency); None when it would.

    What `receive_money` would do, asked before anything is taken: booking_cancelled, seats_gone, paid_twice, overpaid.
    """
    kept = sum((await amount_kept(conn, booking.id, booking.currency)).values())
    seats_free = await _seats_free(conn, booking)
    _, reason = rules.destination_of_money(booking.status, kept, booking.price, amount, seats_free=seats_free)
    return reason


async def confirm_if_paid(conn: Connection, booking: Booking) -> bool:
    """Confirm a booking that the caller has locked if its first part, or all, is paid now."""
    return await amount_paid(conn, booking.id, booking.currency) >= booking.confirms_at and await confirm(conn, booking)


async def confirm(conn: Connection, booking: Booking) -> bool:
    """Held, or expired with its seats still free, becomes confirmed. The caller has locked it."""
    if not await queries.confirm(conn, booking.id):
        return False
    await history.record(conn, "system", "booking.confirmed", "booking", booking.id, {"from": booking.status})
    await jobs.announce(conn, "booking.confirmed", {"booking_id": str(booking.id)})
    return True


async def take_off(conn: Connection, booking: Booking, amount: int, *, actor: str, why: str) -> None:
    """Reduce the price of a booking that the caller has locked, by `amount` minor units at most and never below nothing."""
    amount = min(amount, booking.price)
    if amount > 0:
        await queries.take_off(conn, booking.id, amount)
        await history.record(
            conn, actor, "booking.price_reduced", "booking", booking.id, {"amount": amount, "why": why}
        )
        await jobs.announce(conn, "booking.price_reduced", {"booking_id": str(booking.id)})


async def amount_paid(conn: Connection, booking_id: UUID, currency: str) -> int:
    """What the customer's deposits for this booking stand at, in minor units: the ledger is the only one who knows."""
    return -await ledger.balance(conn, "customer_deposits", currency, booking_id)


async def amount_kept(conn: Connection, booking_id: UUID, currency: str) -> dict[str, int]:
    """What of the customer's money is ours to send back, by the account it lies in: deposits, and what was earned already."""
    return {
        account: -await ledger.balance(conn, account, currency, booking_id)
        for account in ("customer_deposits", "travel_revenue")
    }


async def _seats_free(conn: Connection, booking: Booking) -> bool:
    """Whether an expired booking could have its seats and extras again, and somebody still wants them. The departure is locked."""
    if booking.status != "expired":
        return True
    if booking.email == "":
        return False  # its customer has left and was forgotten: nobody would travel
    seats_left, bookable = await departures.lock(conn, booking.departure_id)
    return (
        bookable
        and seats_left >= booking.seats - booking.cancelled_seats
        and await queries.extras_still_free(conn, booking.id)
    )


async def expire_due(db: Database, limit: int = 100) -> int:
    """Release holds past their time that no open payment protects. Safe to run anywhere, any number of times."""
    async with db.transaction() as conn:
        due = await queries.list_holds_due(conn, limit)
    expired = 0
    for booking_id, departure_id in due:
        async with db.transaction() as conn:
            await departures.lock(conn, departure_id)
            if await queries.expire(conn, booking_id):
                await history.record(conn, "system", "booking.expired", "booking", booking_id)
                expired += 1
    return expired


async def cancel(conn: Connection, booking_id: UUID, *, actor: str) -> Booking:
    """Give up a held booking and free its seats. Locks departure and booking.

    Raises NotFound (booking_not_found), Conflict (booking_ended, booking_paid). A payment that is still open is closed
    by `payments.give_up` first; money that arrives all the same is sent back.
    """
    booking = await lock(conn, booking_id)
    if booking.status in ("cancelled", "expired", "completed"):
        raise Conflict("booking_ended", "This booking has already ended.")
    if booking.status == "confirmed":
        raise Conflict("booking_paid", "This booking is paid. Please write to us and we cancel it together.")
    await queries.cancel(conn, booking_id)
    await history.record(conn, actor, "booking.cancelled", "booking", booking_id)
    await jobs.announce(conn, "booking.cancelled", {"booking_id": str(booking_id)})
    return booking


async def complete_due(db: Database, limit: int = 100) -> int:
    """The day after the return: the trip is delivered and the customer's deposit becomes revenue."""
    async with db.transaction() as conn:
        travelled = await queries.list_travelled(conn, limit)
    completed = 0
    for booking_id in travelled:
        async with db.transaction() as conn:
            booking = await lock(conn, booking_id)
            if not await queries.complete(conn, booking_id):
                continue
            completed += 1
            paid = await amount_paid(conn, booking_id, booking.currency)
            if paid:
                await ledger.post(
                    conn,
                    "service_delivered",
                    "booking",
                    str(booking_id),
                    booking_id,
                    booking.currency,
                    [("customer_deposits", paid), ("travel_revenue", -paid)],
                )
            await history.record(conn, "system", "booking.completed", "booking", booking_id)
    return completed
