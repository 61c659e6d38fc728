"""The life of a booking, told in order: hold, extend, receive money, expire, cancel, complete.

Locks, in this order everywhere: departure, booking, transaction, refund. Deadlines are the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from jklg import departures, history, jobs, ledger, pricing
from jklg.bookings import keys, queries, rules
from jklg.bookings.queries import Booking
from jklg.customers.guard import refusals
from jklg.customers.sessions import Visitor
from jklg.kit.db import Connection, Database, violated
from jklg.kit.errors import BadInput, Conflict, NotFound, Refusal
from jklg.kit.ids import uuid7


class TravellerRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One who goes. `category` is adult, child or infant by the age on the day of departure."""

    name: str
    category: str = "adult"
    date_of_birth: date | None = None


class HoldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer asks for. The price is not among it: the house computes it."""

    departure_id: UUID
    party: dict[str, int]
    name: str
    email: str
    phone: str
    extras: Sequence[tuple[UUID, int]] = ()
    travellers: Sequence[TravellerRequest] = ()
    quote_id: UUID | None = None
    special_requests: str = ""
    locale: str = "en"
    terms_version: str | None = None
    source: str = "Website"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Seats taken until `hold_expires_at`."""

    id: UUID
    reference: str
    departure_id: UUID
    package_id: UUID
    package_name: str
    starts_on: date
    ends_on: date
    party: dict[str, int]
    seats: int
    currency: str
    total_price: int
    name: str
    email: str
    phone: str
    special_requests: str
    hold_expires_at: datetime
    created_at: datetime


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """Where captured money went. `suspense_reason` is set when it could not be applied to the booking."""

    new: bool
    confirmed: bool
    suspense_reason: str | None


async def hold(
    db: Database,
    request: HoldRequest,
    *,
    hold_minutes: int,
    actor: str = "guest",
    booking_id: UUID | None = None,
    customer: Visitor | None = None,
) -> Held:
    """Take seats on a departure for `hold_minutes`. Two round trips, the first of them shared with whoever
    looks at departures in this moment; the departure's row is locked for the second only.
    Raises, in the order checked: BadInput for contact details, party, travellers and extras; NotFound (departure_not_found);
    Conflict (departure_closed); NotSignedIn, Forbidden (email_not_verified) for a `customer`, whose booking it becomes;
    Conflict (sold_out, extra_sold_out, price_changed, quote_expired). `booking_id` is handed in by a retried request.
    """
    name, email, phone = rules.check_contact(request.name, request.email, request.phone)
    special_requests = rules.check_requests(request.special_requests)
    offer = await db.together(departures.get_offers)(request.departure_id)
    if offer is None:
        raise NotFound("departure_not_found", "We cannot find this departure.")
    if not offer.bookable:
        raise _refusal("departure_closed")
    async with db.connection() as conn:
        if request.quote_id is None:
            priced = pricing.rules.price(offer, request.party, request.extras)
        else:
            priced = await pricing.honour_quote(conn, request.quote_id, offer, request.party, request.extras)
        pricing.rules.check_travellers(offer, request.party, request.travellers)
        party = {category: number for category, number in request.party.items() if number}
        booking_id = booking_id or uuid7()
        booking = {
            "id": str(booking_id),
            "departure_id": str(offer.id),
            "price_version": offer.price_version,
            "quote_id": str(request.quote_id) if request.quote_id else None,
            "party": party,
            "seats": priced.seats,
            "currency": priced.currency,
            "total_price": priced.total,
            "lines": msgspec.to_builtins(priced.lines),
            "extras": [{"id": str(extra), "quantity": quantity} for extra, quantity in request.extras],
            "travellers": [
                {
                    "id": str(uuid7()),
                    "position": position,
                    "name": " ".join(traveller.name.split()),
                    "category": traveller.category,
                    "date_of_birth": traveller.date_of_birth.isoformat() if traveller.date_of_birth else None,
                }
                for position, traveller in enumerate(request.travellers, 1)
            ],
            "name": name,
            "email": email,
            "phone": phone,
            "special_requests": special_requests,
            "locale": request.locale,
            "terms_version": request.terms_version,
            "source": request.source,
            "hold_seconds": hold_minutes * 60,
            "actor": f"customer:{customer.customer_id}" if customer else actor,
            "customer_id": str(customer.customer_id) if customer else None,
            "session_id": str(customer.session_id) if customer else None,
        }
        with refusals():
            refusal, hold_expires_at, created_at = await _take_seats(conn, booking)
    if refusal is not None:
        raise _refusal(refusal)
    return Held(
        id=booking_id,
        reference=str(booking["reference"]),
        departure_id=offer.id,
        package_id=offer.package_id,
        package_name=offer.package_name,
        starts_on=offer.starts_on,
        ends_on=offer.ends_on,
        party=party,
        seats=priced.seats,
        currency=priced.currency,
        total_price=priced.total,
        name=name,
        email=email,
        phone=phone,
        special_requests=special_requests,
        hold_expires_at=hold_expires_at,
        created_at=created_at,
    )


async def _take_seats(conn: Connection, booking: dict[str, object]) -> tuple[str | None, datetime, datetime]:
    """Ask the database for the seats; it may say no by name. A reference that is taken is drawn again."""
    for _ in range(5):
        booking["reference"] = keys.new_reference()
        try:
            return await queries.hold(conn, booking)
        except asyncpg.IntegrityConstraintViolationError as error:
            constraint = violated(error)
            if constraint == "bookings_reference_once":
                continue
            refusal = {
                "departures_never_oversold": "sold_out",
                "extras_never_oversold": "extra_sold_out",
                "extras_offered_on_departure": "extra_not_offered",
            }.get(constraint or "")
            if refusal is None:
                raise
            raise _refusal(refusal) from error
    raise Conflict("try_again", "We could not take the seats just now. Please try again.")


def _refusal(code: str) -> Refusal:
    sentence = {
        "departure_not_found": "We cannot find this departure.",
        "departure_closed": "This departure can no longer be booked.",
        "sold_out": "Not enough seats are left on this departure.",
        "extra_sold_out": "One of the extras has just sold out.",
        "extra_not_offered": "One of the extras is not offered on this departure.",
        "price_changed": "The price has changed since you saw it. Please look at the new one first.",
        "quote_expired": "This price was offered for a limited time, which is over. Please ask for a new quote.",
    }[code]
    if code == "departure_not_found":
        return NotFound(code, sentence)
    if code == "extra_not_offered":
        return BadInput(code, sentence)
    return Conflict(code, sentence)


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
    """Book captured money to a booking that the caller has locked with `lock`, and confirm it when it is paid in full.

    `fact` is (source_type, source_id): the same fact is booked once, whoever reports it and how often. Money that the
    booking has no use for, or that is `distrusted` (the reason why), is kept in suspense and never confirms anything.
    """
    paid_before = await amount_paid(conn, booking.id, booking.currency)
    if distrusted is None:
        account, reason = rules.destination_of_money(
            booking.status, paid_before, booking.total_price, seats_free=await _seats_free(conn, booking)
        )
    else:
        account, reason = "suspense:unapplied", distrusted
    new = await ledger.post(conn, "capture", *fact, booking.id, currency, [(from_account, amount), (account, -amount)])
    if not new:
        return Received(new=False, confirmed=False, suspense_reason=None)
    confirmed = reason is None and paid_before + amount >= booking.total_price and await confirm(conn, booking)
    return Received(new=True, confirmed=confirmed, suspense_reason=reason)


async def no_use_for_money(conn: Connection, booking: Booking, amount: int) -> str | None:
    """Why a booking that the caller has locked would not keep `amount` more (minor units of its currency); None when it would.

    What `receive_money` would do, asked before anything is taken: seats_gone, booking_cancelled, paid_twice.
    """
    paid = await amount_paid(conn, booking.id, booking.currency)
    seats_free = await _seats_free(conn, booking)
    _, reason = rules.destination_of_money(booking.status, paid, booking.total_price, seats_free=seats_free)
    if reason is None and paid + amount > booking.total_price:
        return "paid_twice"
    return reason


async def confirm(conn: Connection, booking: Booking) -> bool:
    """Held, or expired with its seats still free, becomes confirmed. The caller has locked it."""
    if not await queries.confirm(conn, booking.id):
        return False
    await history.record(conn, "system", "booking.confirmed", "booking", booking.id, {"from": booking.status})
    await jobs.announce(conn, "booking.confirmed", {"booking_id": str(booking.id)})
    return True


async def amount_paid(conn: Connection, booking_id: UUID, currency: str) -> int:
    """What the customer's deposits for this booking stand at, in minor units: the ledger is the only one who knows."""
    return -await ledger.balance(conn, "customer_deposits", currency, booking_id)


async def _seats_free(conn: Connection, booking: Booking) -> bool:
    """Whether an expired booking could have its seats and extras again, and somebody still wants them. The departure is locked."""
    if booking.status != "expired":
        return True
    if booking.email == "":
        return False  # its customer has left and was forgotten: nobody would travel
    seats_left, bookable = await departures.lock(conn, booking.departure_id)
    return bookable and seats_left >= booking.seats and await queries.extras_still_free(conn, booking.id)


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
