"""The life of a booking after its seats were taken (`holds`), told in order: extend, receive money, expire, cancel, complete.

Locks, in this order everywhere: departure, booking, transaction, refund. Deadlines are the database's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from jklg import departures, history, jobs, ledger
from jklg.bookings import queries, rules
from jklg.bookings.queries import Booking
from jklg.kit.db import Connection, Database
from jklg.kit.errors import Conflict

KEPT = ("customer_deposits", "travel_revenue")
LOSSES = "dispute_losses"


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a gateway has taken for a booking: see `receive_money`."""

    booking: Booking
    fact: tuple[str, str]
    amount: int
    currency: str
    from_account: str
    distrusted: str | None = None


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
    booking = (await lock_all(conn, [booking_id])).get(booking_id)
    if booking is None:
        raise rules.not_found()
    return booking


async def lock_all(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """Lock the departures of these bookings, then the bookings, each in the order of their ids; and read those that there are."""
    await departures.lock_all(conn, await queries.departures_of(conn, booking_ids))
    return await queries.lock(conn, booking_ids)


async def lock_without_seats(conn: Connection, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
    """Lock these bookings in the order of their ids, and no departure: for what moves no seats, so that nobody who buys some waits for it."""
    return await queries.lock(conn, booking_ids)


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
    money = Money(
        booking=booking, fact=fact, amount=amount, currency=currency, from_account=from_account, distrusted=distrusted
    )  # fmt: skip
    return (await receive_all(conn, [money]))[0]


async def receive_all(conn: Connection, arrived: Sequence[Money]) -> list[Received]:
    """The same for different bookings at once, in the order given: a handful of statements, however many there are."""
    kept = await _amounts_kept(conn, _currencies([each.booking for each in arrived]))
    reasons = [each.distrusted or await _no_use(conn, each.booking, kept, each.amount) for each in arrived]
    postings = [_capture(each, reason) for each, reason in zip(arrived, reasons, strict=True)]
    posted = await ledger.post_all(conn, postings)
    new = [posting.fact in posted for posting in postings]
    for each, is_new, reason in zip(arrived, new, reasons, strict=True):
        if is_new and reason is None:
            await earn_late(conn, each.booking, each.fact, each.amount)
    paid = [
        each.booking
        for each, is_new, reason in zip(arrived, new, reasons, strict=True)
        if is_new
        and reason is None
        and kept[each.booking.id]["customer_deposits"] + each.amount >= each.booking.confirms_at
    ]
    confirmed = await _confirm_all(conn, paid)
    return [
        Received(new=is_new, confirmed=each.booking.id in confirmed, suspense_reason=reason if is_new else None)
        for each, is_new, reason in zip(arrived, new, reasons, strict=True)
    ]


def _capture(money: Money, reason: str | None) -> ledger.Posting:
    account = "suspense:unapplied" if reason else "customer_deposits"
    return ledger.Posting(
        kind="capture", source_type=money.fact[0], source_id=money.fact[1], subject_id=money.booking.id, currency=money.currency,
        entries=[(money.from_account, money.amount), (account, -money.amount)],
    )  # fmt: skip


async def earn_late(conn: Connection, booking: Booking, fact: tuple[str, str], amount: int) -> None:
    """A part of the price that comes when the journey is over, and its trip delivered, is earned at once: nobody comes by again."""
    if booking.status == "completed":
        await _deliver(conn, booking, fact, amount)


async def no_use_for_money(conn: Connection, booking: Booking, amount: int) -> str | None:
    """Why a booking that the caller has locked would not keep `amount` more (minor units of its currency); None when it would.

    What `receive_money` would do, asked before anything is taken: booking_cancelled, seats_gone, paid_twice, overpaid.
    """
    return await _no_use(conn, booking, await _amounts_kept(conn, _currencies([booking])), amount)


async def _no_use(conn: Connection, booking: Booking, kept: Mapping[UUID, dict[str, int]], amount: int) -> str | None:
    seats_free = await _seats_free(conn, booking)
    before = sum(kept[booking.id].values())
    _, reason = rules.destination_of_money(booking.status, before, booking.price, amount, seats_free=seats_free)
    return reason


async def confirm_if_paid(conn: Connection, booking: Booking) -> bool:
    """Confirm a booking that the caller has locked if its first part, or all, is paid now."""
    return await amount_paid(conn, booking.id, booking.currency) >= booking.confirms_at and await confirm(conn, booking)


async def confirm(conn: Connection, booking: Booking) -> bool:
    """Held, or expired with its seats still free, becomes confirmed. The caller has locked it."""
    return booking.id in await _confirm_all(conn, [booking])


async def _confirm_all(conn: Connection, wanted: Sequence[Booking]) -> set[UUID]:
    if not wanted:
        return set()
    confirmed = await queries.confirm(conn, [booking.id for booking in wanted])
    done = [booking for booking in wanted if booking.id in confirmed]
    await history.record_all(
        conn,
        [
            history.Happening("system", "booking.confirmed", "booking", booking.id, {"from": booking.status})
            for booking in done
        ],
    )
    await jobs.announce_all(conn, [("booking.confirmed", {"booking_id": str(booking.id)}) for booking in done])
    return confirmed


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


async def amount_lost(conn: Connection, booking_id: UUID, currency: str) -> int:
    """What the payer's bank has taken of this booking's money for good, and nothing has met, in minor units."""
    return await ledger.balance(conn, LOSSES, currency, booking_id)


async def meet_loss(conn: Connection, booking: Booking, fact: tuple[str, str], account: str, amount: int) -> None:
    """What would go back to a customer out of `account` she has from her bank already: it meets our loss. In the caller's database transaction,
    which holds the booking's lock."""
    if amount > 0:
        entries = [(account, amount), (LOSSES, -amount)]
        await ledger.post(conn, "loss_met", *fact, booking.id, booking.currency, entries)


async def amount_kept(conn: Connection, booking_id: UUID, currency: str) -> dict[str, int]:
    """What of the customer's money is ours to send back, by the account it lies in: deposits, and what was earned already."""
    return (await _amounts_kept(conn, {booking_id: currency}))[booking_id]


async def _amounts_kept(conn: Connection, currencies: Mapping[UUID, str]) -> dict[UUID, dict[str, int]]:
    """The same of many bookings, each in its currency."""
    stand = await ledger.balances(conn, KEPT, list(currencies))
    return {
        booking_id: {account: -stand.get((booking_id, account, currency), 0) for account in KEPT}
        for booking_id, currency in currencies.items()
    }


async def amounts_paid(conn: Connection, some: Sequence[Booking]) -> dict[UUID, int]:
    """What the customers' deposits for these bookings stand at."""
    kept = await _amounts_kept(conn, _currencies(some))
    return {booking_id: accounts["customer_deposits"] for booking_id, accounts in kept.items()}


def _currencies(some: Sequence[Booking]) -> dict[UUID, str]:
    return {booking.id: booking.currency for booking in some}


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
                await _deliver(conn, booking, ("booking", str(booking_id)), paid)
            await history.record(conn, "system", "booking.completed", "booking", booking_id)
    return completed


async def _deliver(conn: Connection, booking: Booking, fact: tuple[str, str], amount: int) -> None:
    entries = [("customer_deposits", amount), ("travel_revenue", -amount)]
    await ledger.post(conn, "service_delivered", *fact, booking.id, booking.currency, entries)
