"""The terms as they are now, and as they were agreed to with a booking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import departures, pricing
from jklg.bookings import agreements
from jklg.bookings.key_ring import open_booking
from jklg.departures import Offer
from jklg.web.render import page

Ask = Request[Any, Any, State]


@get("/terms", include_in_schema=False)
async def terms(request: Ask) -> Response[bytes]:
    """Those that are offered today; of `?departure=<id>` word for word as whoever books it agrees to them."""
    house = request.app.state.house
    offer = await _offer(request)
    sale = pricing.terms.say(pricing.terms.read(offer.sales_terms), offer.currency) if offer else None
    text = agreements.current(house.settings.agency_name, house.settings.hold_minutes, sale)
    return page(request, "bookings/terms.html", text=text, offer=offer, agreed=None, booking=None)


async def _offer(request: Ask) -> Offer | None:
    try:
        departure_id = UUID(request.query_params.get("departure", ""))
    except ValueError:
        return None
    found: Offer | None = await request.app.state.house.db.together(departures.get_offers)(departure_id)
    return found


@get("/bookings/{reference:str}/terms", include_in_schema=False)
async def terms_of_booking(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Those of a booking, whatever they are today."""
    seen = await open_booking(request, reference)
    async with request.app.state.house.db.transaction(seen.claims) as conn:
        agreed = await agreements.of_booking(conn, seen.booking.id)
    return page(
        request, "bookings/terms.html", personal=True, text=agreed, offer=None, agreed=agreed, booking=seen.booking
    )


router = Router(path="/", route_handlers=[terms, terms_of_booking])
