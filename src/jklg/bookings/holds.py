"""Taking seats: the price computed by the house, the seats asked of the database in one round trip, until a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from jklg import departures, pricing
from jklg.bookings import keys, queries, rules
from jklg.customers.rights import refusals
from jklg.customers.sessions import Visitor
from jklg.kit.db import Connection, Database, violated
from jklg.kit.errors import BadInput, Conflict, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_, spoken


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
    locale: str = ""
    """The language in which we write to whoever booked; '' is the one that is spoken now."""
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
    deposit_amount: int | None
    name: str
    email: str
    phone: str
    special_requests: str
    hold_expires_at: datetime
    created_at: datetime


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
    Conflict (quote_expired, departure_moved, price_changed, sold_out, extra_sold_out). `booking_id` is handed in by a retried request.
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
        parts = pricing.terms.payables(
            priced.terms, priced.total, sum(party.values()), offer.starts_on, offer.today, priced.currency
        )
        deposit, balance = parts if len(parts) == 2 else (None, None)
        booking_id = booking_id or uuid7()
        booking = {
            "id": str(booking_id),
            "departure_id": str(offer.id),
            "starts_on": offer.starts_on.isoformat(),
            "ends_on": offer.ends_on.isoformat(),
            "price_version": offer.price_version,
            "quote_id": str(request.quote_id) if request.quote_id else None,
            "party": party,
            "seats": priced.seats,
            "currency": priced.currency,
            "total_price": priced.total,
            "lines": msgspec.to_builtins(priced.lines),
            "sold_terms": msgspec.to_builtins(priced.terms),
            "deposit_amount": deposit.amount if deposit else None,
            "balance_due_on": balance.due_on.isoformat() if balance else None,
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
            "locale": request.locale or spoken().code,
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
        deposit_amount=deposit.amount if deposit else None,
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
        "departure_not_found": N_("We cannot find this departure."),
        "departure_closed": N_("This departure can no longer be booked."),
        "departure_moved": N_(
            "This departure has been moved to other days since you saw it. Please look at them first."
        ),
        "sold_out": N_("Not enough seats are left on this departure."),
        "extra_sold_out": N_("One of the extras has just sold out."),
        "extra_not_offered": N_("One of the extras is not offered on this departure."),
        "price_changed": N_("The price has changed since you saw it. Please look at the new one first."),
        "quote_expired": N_("This price was offered for a limited time, which is over. Please ask for a new quote."),
    }[code]
    if code == "departure_not_found":
        return NotFound(code, sentence)
    if code == "extra_not_offered":
        return BadInput(code, sentence)
    return Conflict(code, sentence)
