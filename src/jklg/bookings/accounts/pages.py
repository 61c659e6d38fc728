"""/account and /account/bookings: the next journey, and all of them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router, get, post

from jklg import catalogue
from jklg.bookings import accounts, rules, tidings
from jklg.bookings import queries as booking_queries
from jklg.bookings.accounts import queries
from jklg.bookings.accounts.api import Bookings, read_cursor
from jklg.bookings.accounts.queries import Page
from jklg.bookings.actions import amount_paid
from jklg.catalogue.api import picture_url
from jklg.customers import entering, factors, profile
from jklg.customers.rights import as_customer, ask_together
from jklg.customers.visits import HOME, TURNS_AWAY, Ask, Complaints, complaints, form_page, visitor
from jklg.kit.errors import BadInput, Refusal
from jklg.kit.languages import N_
from jklg.web.render import go, page

SHOWN = 20
TIDINGS = 6
SAID = {"welcome": N_("Your address is confirmed. Welcome: this is your account.")}


@get("/account", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """The next journey, and how everything else stands, in a line each."""
    house = request.app.state.house
    who = visitor(request)
    devices = await entering.list_sessions(house.db, who)
    async with as_customer(house.db, who) as conn:
        next_id = await queries.next_trip(conn, who.customer_id)
        trip = await booking_queries.get(conn, next_id) if next_id else None
        package = await catalogue.get_package(conn, trip.package_id, unpublished=True) if trip else None
        due = rules.due(trip.status, trip.price, await amount_paid(conn, trip.id, trip.currency)) if trip else 0
        lately = await tidings.list_newest(conn, who.customer_id, TIDINGS)
    pictures = package.pictures if package else []
    return page(
        request,
        "accounts/overview.html",
        personal=True,
        me=await profile.get(house.db, who),
        said=SAID.get(str(request.query_params.get("said", ""))),
        trip=trip,
        due=due,
        tidings=lately,
        tiding_says=tidings.sentence,
        picture=picture_url(pictures[0] if pictures else "sonamarg-noon"),
        addresses=await profile.list_addresses(house.db, who),
        preferences=await profile.list_preferences(house.db, who),
        factors=await factors.list_factors(house.db, who),
        devices=len(devices),
    )


@get("/account/bookings", include_in_schema=False)
async def my_bookings(request: Ask) -> Response[bytes]:
    """The newest journey first, a page at a time."""
    return await _bookings_page(request)


@post("/account/bookings", include_in_schema=False, status_code=200)
async def claim(request: Ask) -> Response[bytes]:
    """Take over what was booked as a guest with the proven address."""
    try:
        joined = await accounts.claim(request.app.state.house.db, visitor(request))
    except Refusal as refusal:
        return await _bookings_page(request, errors=complaints(refusal))
    return go(f"/account/bookings?joined={min(joined, 999)}")


async def _bookings_page(request: Ask, *, errors: Complaints | None = None) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    try:
        before = read_cursor(str(request.query_params.get("cursor", "")))
    except BadInput:
        return go("/account/bookings")
    raw = await ask_together(house.db, queries.list_pages, Page(*who, *before, SHOWN))
    found = msgspec.json.decode(raw, type=Bookings)
    joined = str(request.query_params.get("joined", ""))
    return form_page(
        request,
        "accounts/bookings.html",
        me=await profile.get(house.db, who),
        bookings=found.bookings,
        next_page=found.next,
        first_page=before == (None, None),
        joined=int(joined) if joined.isascii() and joined.isdigit() and len(joined) < 4 else None,
        errors=errors,
    )


@get("/customer-dashboard", include_in_schema=False)
async def old_address() -> Response[bytes]:
    """Where the older client had this page: bookmarks still come."""
    return go(HOME)


_handlers: list[Any] = [overview, my_bookings, claim, old_address]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
