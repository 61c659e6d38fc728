"""The JSON door of bookings: take seats, look. Giving up is payments' door, because an open payment is closed first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody

from jklg import bookings, departures
from jklg.bookings.accounts import rights
from jklg.bookings.holds import TravellerRequest
from jklg.customers.guard import bearer, speaks_for
from jklg.customers.rights import as_customer
from jklg.customers.sessions import Visitor
from jklg.kit.errors import BadInput, NotFound
from jklg.web.hot import HOT
from jklg.web.idempotency import Answered
from jklg.web.once import Done, Key, once

Ask = Request[object, object, State]
Token = Annotated[
    str | None, HeaderParameter(name="X-Booking-Token", required=False, description="the booking's manage token")
]
_encoder = msgspec.json.Encoder()


class ExtraWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=500)]


class NewBooking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends. `departure_id`, or `package_id` with `travel_date`; `party`, or `number_of_guests` adults."""

    customer_email: Annotated[str, msgspec.Meta(max_length=320)]
    customer_name: Annotated[str, msgspec.Meta(max_length=400)]
    customer_phone: Annotated[str, msgspec.Meta(max_length=60)]
    departure_id: UUID | None = None
    package_id: UUID | None = None
    travel_date: date | None = None
    party: dict[str, Annotated[int, msgspec.Meta(ge=0, le=500)]] | None = None
    number_of_guests: Annotated[int, msgspec.Meta(ge=1, le=500)] | None = None
    extras: Annotated[list[ExtraWanted], msgspec.Meta(max_length=50)] = []
    travellers: Annotated[list[TravellerRequest], msgspec.Meta(max_length=500)] = []
    quote_id: UUID | None = None
    special_requests: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    customer_id: UUID | None = None  # tolerated and ignored: who is signed in decides, not the body


class BookingOut(msgspec.Struct, kw_only=True):
    """A booking as clients see it. Money in minor units of `currency`; times in UTC.

    `party`, `num_adults`, `num_children` and `seats` are those who still go, `cancelled_party` those who were given up. `total_price` is what it
    was sold for, which `lines` add up to; `price` is what it costs today.
    """

    id: UUID
    reference: str
    status: str
    payment_status: str
    departure_id: UUID
    package_id: UUID
    package: str
    travel_date: date
    return_date: date
    party: dict[str, int]
    cancelled_party: dict[str, int]
    num_adults: int
    num_children: int
    seats: int
    total_price: int
    price: int
    amount_due: int
    currency: str
    customer_name: str
    customer_email: str
    customer_phone: str
    special_requests: str
    hold_expires_at: datetime
    created_at: datetime
    lines: list[dict[str, Any]] | None = None


class BookingMade(msgspec.Struct, kw_only=True):
    success: bool
    booking: BookingOut
    manage_token: str
    manage_url: str
    message: str


class BookingAnswer(msgspec.Struct, kw_only=True):
    booking: BookingOut


@post(
    "/",
    status_code=201,
    opt=HOT,
    summary="Hold seats on a departure",
    responses={201: ResponseSpec(BookingMade, description="The seats are held.", generate_examples=False)},
)
async def create_booking(
    request: Ask,
    data: JSONBody[NewBooking],
    idempotency_key: Key = None,
) -> Response[bytes]:
    """Take seats for the time it takes to pay. 409 `sold_out`, `departure_closed`, `departure_moved`, `price_changed`, `quote_expired`, `extra_sold_out`.

    With a customer's token the booking is theirs: 401 `not_signed_in` when the session has ended, 403 `email_not_verified`.
    """
    house = request.app.state.house
    signed = bearer(request)
    customer = speaks_for(signed, house.settings) if signed else None
    scope = request.client.host if request.client else "unknown"
    if customer is not None:
        scope = f"customer:{customer.customer_id}"
        if idempotency_key is not None:  # an answer that was kept is theirs only while they are signed in
            async with as_customer(house.db, customer):
                pass

    async def make(booking_id: UUID | None) -> Done:
        made = await _hold(house, data, booking_id, customer)
        kept = msgspec.structs.replace(made, manage_token="", manage_url="")
        return Done(_encoder.encode(made), 201, kept=_encoder.encode(kept))

    async def again(answered: Answered) -> bytes:
        return await _with_key(house, answered)

    return await once(request, scope, idempotency_key, make, again=again)


async def _with_key(house: Any, answered: Answered) -> bytes:
    """The answer as it was, with the booking's key as it is now: no key is kept with an answer."""
    if answered.status != 201:
        return answered.body
    kept = msgspec.json.decode(answered.body, type=BookingMade)
    token = await bookings.present_token(house.db, house.settings.secret, kept.booking.id)
    return _encoder.encode(_made(house, kept.booking, token))


async def _hold(house: Any, data: NewBooking, booking_id: UUID | None, customer: Visitor | None) -> BookingMade:
    if booking_id is not None:
        async with house.db.transaction() as conn:
            made_before = await bookings.get(conn, booking_id)
        if made_before is not None:
            token = bookings.manage_token(house.settings.secret, made_before.id, made_before.key_turn)
            return _made(house, booking_out(made_before, made_before.total_price), token)
    party = data.party if data.party is not None else {"adult": data.number_of_guests or 0}
    held = await bookings.hold(
        house.db,
        bookings.HoldRequest(
            departure_id=data.departure_id or await _departure_on(house, data),
            party=party,
            name=data.customer_name,
            email=data.customer_email,
            phone=data.customer_phone,
            extras=[(extra.id, extra.quantity) for extra in data.extras],
            travellers=data.travellers,
            quote_id=data.quote_id,
            special_requests=data.special_requests,
        ),
        hold_minutes=house.settings.hold_minutes,
        booking_id=booking_id,
        customer=customer,
    )
    return _made(
        house,
        BookingOut(
            id=held.id,
            reference=held.reference,
            status="held",
            payment_status="Pending",
            departure_id=held.departure_id,
            package_id=held.package_id,
            package=held.package_name,
            travel_date=held.starts_on,
            return_date=held.ends_on,
            party=held.party,
            cancelled_party={},
            num_adults=held.party.get("adult", 0),
            num_children=held.party.get("child", 0) + held.party.get("infant", 0),
            seats=held.seats,
            total_price=held.total_price,
            price=held.total_price,
            amount_due=held.total_price,
            currency=held.currency,
            customer_name=held.name,
            customer_email=held.email,
            customer_phone=held.phone,
            special_requests=held.special_requests,
            hold_expires_at=held.hold_expires_at,
            created_at=held.created_at,
        ),
        bookings.manage_token(house.settings.secret, held.id),
    )


async def _departure_on(house: Any, data: NewBooking) -> UUID:
    """The departure of a package on a day, for clients that know packages and dates only."""
    if data.package_id is None or data.travel_date is None:
        raise BadInput("departure_missing", "Send departure_id, or package_id with travel_date.")
    async with house.db.connection() as conn:
        found = await departures.find_departure(conn, data.package_id, data.travel_date)
    if found is None:
        raise NotFound("departure_not_found", "There is no departure of this package on that day.")
    return UUID(str(found))


def _made(house: Any, booking: BookingOut, token: str) -> BookingMade:
    return BookingMade(
        success=True,
        booking=booking,
        manage_token=token,
        manage_url=bookings.manage_link(house.settings.public_url, booking.reference, token),
        message="Your seats are held while you pay.",
    )


def booking_out(booking: bookings.Booking, due: int) -> BookingOut:
    going = booking.going
    return BookingOut(
        id=booking.id,
        reference=booking.reference,
        status=booking.status,
        payment_status=booking.payment_status,
        departure_id=booking.departure_id,
        package_id=booking.package_id,
        package=booking.package_name,
        travel_date=booking.starts_on,
        return_date=booking.ends_on,
        party=going,
        cancelled_party=booking.cancelled_party,
        num_adults=going.get("adult", 0),
        num_children=going.get("child", 0) + going.get("infant", 0),
        seats=booking.seats - booking.cancelled_seats,
        total_price=booking.total_price,
        price=booking.price,
        amount_due=due,
        currency=booking.currency,
        customer_name=booking.name,
        customer_email=booking.email,
        customer_phone=booking.phone,
        special_requests=booking.special_requests,
        hold_expires_at=booking.hold_expires_at,
        created_at=booking.created_at,
        lines=booking.lines,
    )


@get("/{booking_id:str}", summary="One booking")
async def get_booking(request: Ask, booking_id: FromPath[str], x_booking_token: Token = None) -> BookingAnswer:
    """For its customer, and whoever holds its manage token. Everybody else gets the 404 of a booking that does not exist."""
    booking, due, _ = await rights.seen(request, booking_id, x_booking_token)
    return BookingAnswer(booking=booking_out(booking, due))


router = Router(
    path="/api/bookings",
    route_handlers=[create_booking, get_booking],
    tags=["bookings"],
)
