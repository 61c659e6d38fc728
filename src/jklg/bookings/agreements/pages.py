"""The terms as they are now, and as they were agreed to with a booking."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.bookings import agreements
from jklg.bookings.key_ring import open_booking
from jklg.web.render import page

Ask = Request[Any, Any, State]


@get("/terms", include_in_schema=False)
async def terms(request: Ask) -> Response[bytes]:
    """Those that are offered today."""
    settings = request.app.state.house.settings
    text = agreements.current(settings.agency_name, settings.hold_minutes)
    return page(request, "bookings/terms.html", text=text, agreed=None, booking=None)


@get("/bookings/{reference:str}/terms", include_in_schema=False)
async def terms_of_booking(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Those of a booking, whatever they are today."""
    seen = await open_booking(request, reference)
    async with request.app.state.house.db.transaction(seen.claims) as conn:
        agreed = await agreements.of_booking(conn, seen.booking.id)
    return page(request, "bookings/terms.html", personal=True, text=agreed, agreed=agreed, booking=seen.booking)


router = Router(path="/", route_handlers=[terms, terms_of_booking])
