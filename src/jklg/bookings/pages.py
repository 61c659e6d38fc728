"""From a chosen date to held seats.

The address of a checkout carries its `attempt`, an id made before anything is shown. Whatever happens to the form (a double
click, a reload, the back button, a second tab of the same address), one attempt makes one booking.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State

from jklg import bookings, catalogue, departures, pricing
from jklg.bookings import agreements, checkout
from jklg.bookings.checkout import Form
from jklg.catalogue.api import picture_url
from jklg.customers import profile
from jklg.customers.visits import living
from jklg.departures import Offer
from jklg.kit.errors import Conflict, Forbidden, NotFound, NotSignedIn, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.languages import gettext as _
from jklg.pricing import spoken
from jklg.pricing.terms import Said
from jklg.web import idempotency
from jklg.web import queries as web_queries
from jklg.web.bodies import read_form
from jklg.web.render import go, page
from jklg.web.session import Key, with_key

Ask = Request[Any, Any, State]
SCOPE = "checkout"
ONE_WISH = b"one attempt, one booking"
ASK_AGAIN = ("quote_expired", "quote_differs", "price_changed")
"""The price is another one than the page showed: show the new one and ask."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an attempt: the booking it made, and the wish that made it."""

    reference: str
    booking_id: UUID
    wish: str


@get("/checkout", include_in_schema=False)
async def show_checkout(request: Ask) -> Response[bytes]:
    values = {name: value for name, value in request.query_params.items() if isinstance(value, str)}
    if _attempt(values.get("attempt", "")) is None:
        return go(f"/checkout?{urlencode({**values, 'attempt': str(uuid7())})}")
    offer = await _offer(request, values.get("departure", ""))
    known = await _what_we_know(request)
    return await _show(request, offer, checkout.read({**known, **values}, offer), 200)


async def _what_we_know(request: Ask) -> dict[str, str]:
    """What a signed-in customer need not type again."""
    who = await living(request)
    if who is None:
        return {}
    db = request.app.state.house.db
    try:
        return checkout.known_of(await profile.get(db, who), await profile.list_preferences(db, who))
    except (NotSignedIn, Forbidden):  # signed out in this very moment
        return {}


@post("/checkout", include_in_schema=False, status_code=200)
async def submit_checkout(request: Ask) -> Response[bytes]:
    """Hold the seats and go on to paying; or show the form again, with all that was typed."""
    values = await read_form(request)
    if _attempt(values.get("attempt", "")) is None:
        values["attempt"] = str(uuid7())
    offer = await _offer(request, values.get("departure", ""))
    form = checkout.read(values, offer)
    if "update" in values:
        return await _show(request, offer, form, 200)
    terms = _terms(request, await _sold_under(request, offer, form))
    wanted = checkout.check(form, offer, terms.mark)
    if wanted is None:
        return await _show(request, offer, form, 422)
    if wanted.quote_id is None:
        return await _show(request, offer, form, 409, new_price=True)
    await agreements.keep(request.app.state.house.db, terms)
    try:
        made = await _hold_once(request, form, wanted)
    except Refusal as refusal:
        if refusal.code in ASK_AGAIN:
            return await _show(request, offer, form, 409, new_price=True)
        checkout.note(form, refusal)
        return await _show(request, await _offer(request, str(offer.id)), form, refusal.status)
    if made.wish != form.fingerprint:
        return await _show(request, offer, form, 409, new_attempt=True, made=made)
    return await _go_and_pay(request, made)


@post("/checkout/quote", include_in_schema=False, status_code=200)
async def requote(request: Ask) -> Response[bytes]:
    """The parts of the form that depend on the party, for `quote.js`: the same page, less its frame."""
    values = await read_form(request)
    offer = await _offer(request, values.get("departure", ""))
    return await _show(request, offer, checkout.read(values, offer), 200, template="bookings/checkout_parts.html")


async def _offer(request: Ask, departure: str) -> Offer:
    """NotFound (departure_not_found), also for what is no id at all."""
    missing = NotFound("departure_not_found", "We cannot find this departure.")
    try:
        departure_id = UUID(departure)
    except ValueError:
        raise missing from None
    offer: Offer | None = await request.app.state.house.db.together(departures.get_offers)(departure_id)
    if offer is None:
        raise missing
    return offer


async def _show(
    request: Ask,
    offer: Offer,
    form: Form,
    status: int,
    *,
    template: str = "bookings/checkout.html",
    new_price: bool = False,
    new_attempt: bool = False,
    made: Made | None = None,
) -> Response[bytes]:
    """The checkout with a fresh quote. A departure that cannot be booked any more gets a page that says so; who has typed already gets the
    form again."""
    house = request.app.state.house
    async with house.db.connection() as conn:
        package = await catalogue.get_package(conn, offer.package_id, unpublished=True)
        made = made or await _made_before(conn, form)
    if package is None:
        raise NotFound("departure_not_found", "We cannot find this departure.")
    others: list[departures.Departure] = []
    closed = made is None and (not offer.bookable or offer.seats_left == 0)
    if closed:
        others = await _nearest(request, offer)
        if request.method == "GET":
            return _show_closed(request, offer, package, others)
        checkout.note_closed(form, offer)
        status = 409
    quote = None
    if offer.bookable and not any(name in form.errors for name in (*form.party, *_extra_fields(offer))):
        try:
            quote = await pricing.make_quote(house.db, offer.id, form.party, form.extras)
        except Refusal as refusal:
            checkout.note(form, refusal)
            status = max(status, 200 if request.method == "GET" else refusal.status)
    attempt = str(uuid7()) if new_attempt else form.value("attempt")
    address = f"/checkout?{checkout.address_of(offer, form, attempt)}"
    sale = _sale(offer, quote)
    who = await living(request)
    return page(
        request,
        template,
        status=status,
        personal=True,
        offer=offer,
        package=package,
        form=form,
        quote=quote,
        seats=sum(number for category, number in form.party.items() if offer.prices[category].takes_seat),
        travellers=list(checkout.travellers_wanted(offer, form.party)),
        categories=[
            (category, _(spoken.MANY[category]), spoken.ages(offer.prices[category])) for category in form.party
        ],
        attempt=attempt,
        new_price=new_price,
        made=made,
        hold_minutes=house.settings.hold_minutes,
        sale=sale,
        terms_mark=_terms(request, sale).mark,
        closed=closed,
        others=others,
        address=address,
        picture_url=picture_url,
        signed_in=who is not None,
        sign_in_url=f"/login?{urlencode({'next': address})}",
    )


async def _sold_under(request: Ask, offer: Offer, form: Form) -> Said:
    """What the page said of the terms of sale: those of its quote are the ones that apply, whatever the package has been given since."""
    quote_id = form.quote_id
    async with request.app.state.house.db.connection() as conn:
        quote = await pricing.get_quote(conn, quote_id) if quote_id else None
    return _sale(offer, quote)


def _sale(offer: Offer, quote: pricing.Quote | None) -> Said:
    return pricing.terms.say(quote.terms if quote else pricing.terms.read(offer.sales_terms), offer.currency)


def _terms(request: Ask, sale: Said) -> agreements.Text:
    """Those that are shown, and agreed to, now and in this language."""
    settings = request.app.state.house.settings
    return agreements.current(settings.agency_name, settings.hold_minutes, sale)


def _extra_fields(offer: Offer) -> list[str]:
    return [f"{checkout.EXTRA}{extra_id}" for extra_id in offer.extras]


async def _nearest(request: Ask, offer: Offer) -> list[departures.Departure]:
    """Up to four other dates with seats, in their order."""
    async with request.app.state.house.db.connection() as conn:
        others = await departures.list_departures(conn, offer.package_id)
    free = [other for other in others if other.seats_left and other.id != offer.id]
    nearest = sorted(free, key=lambda other: abs(other.starts_on - offer.starts_on))[:4]
    return sorted(nearest, key=lambda other: other.starts_on)


def _show_closed(
    request: Ask, offer: Offer, package: catalogue.Package, others: list[departures.Departure]
) -> Response[bytes]:
    return page(
        request,
        "bookings/closed.html",
        status=409,
        personal=True,
        offer=offer,
        package=package,
        others=others,
    )


async def _made_before(conn: Any, form: Form) -> Made | None:
    """What this attempt has led to already, e.g. when somebody comes back to the form with the browser's button."""
    attempt = _attempt(form.value("attempt"))
    body = await web_queries.find_answer(conn, SCOPE, str(attempt)) if attempt else None
    return msgspec.json.decode(body, type=Made) if body else None


async def _hold_once(request: Ask, form: Form, wanted: bookings.HoldRequest) -> Made:
    """Hold seats for this attempt, or find what it held before. Raises what `bookings.hold` raises."""
    house = request.app.state.house
    attempt = str(_attempt(form.value("attempt")))
    claimed = await _claim(house, attempt)
    if isinstance(claimed, idempotency.Answered):
        return msgspec.json.decode(claimed.body, type=Made)
    try:
        async with house.db.transaction() as conn:
            before = await bookings.get(conn, claimed.resource_id)  # a first try that ended before it could answer
        reference = (
            before.reference
            if before
            else (
                await bookings.hold(
                    house.db,
                    wanted,
                    hold_minutes=house.settings.hold_minutes,
                    booking_id=claimed.resource_id,
                    customer=await living(request),
                )
            ).reference
        )
    except Exception as error:
        await idempotency.release(house.db, SCOPE, attempt, error)
        raise
    made = Made(reference=reference, booking_id=claimed.resource_id, wish=form.fingerprint)
    await idempotency.keep(house.db, SCOPE, attempt, 303, msgspec.json.encode(made))
    return made


async def _claim(house: Any, attempt: str) -> idempotency.Claimed | idempotency.Answered:
    """A second click waits for the first: the browser shows the answer to the last one only."""
    for patience in range(40):
        try:
            return await idempotency.claim(house.db, SCOPE, attempt, ONE_WISH)
        except Conflict:
            await asyncio.sleep(0.05 + 0.01 * patience)
    raise Conflict(
        "try_again", "We are still working on your last click. Please wait a moment and look at your bookings."
    )


async def _go_and_pay(request: Ask, made: Made) -> Response[bytes]:
    """On to paying, with the booking's key as it is now: the attempt may have made it long ago."""
    house = request.app.state.house
    token = await bookings.present_token(house.db, house.settings.secret, made.booking_id)
    key = Key(made.reference, made.booking_id, token)
    return go(f"/bookings/{made.reference}/pay", cookies=[with_key(house.settings, request.cookies, key)])


def _attempt(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


router = Router(path="/", route_handlers=[show_checkout, submit_checkout, requote])
