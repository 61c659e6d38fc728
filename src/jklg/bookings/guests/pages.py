"""The link that opens a booking again, and the bookings that a browser has keys to."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import bookings
from jklg.bookings import rules
from jklg.bookings.key_ring import open_booking
from jklg.customers.visits import living
from jklg.kit.errors import NotFound
from jklg.web.render import go, page
from jklg.web.session import Key, read_keys, with_key

Ask = Request[Any, Any, State]


@get("/manage/{reference:str}/{token:str}", include_in_schema=False)
async def open_with_link(request: Ask, reference: FromPath[str], token: FromPath[str]) -> Response[bytes]:
    """The link of a mail: puts the key on this browser's ring and takes it out of the address. `?to=documents` goes on to the papers, `?to=review` to the form that asks how it was."""
    house = request.app.state.house
    settings = house.settings
    async with house.db.transaction() as conn:
        booking = (
            await bookings.get_by_reference(conn, reference.upper())
            if rules.REFERENCE.fullmatch(reference.upper())
            else None
        )
        if booking is None:
            raise rules.not_found()
        await bookings.guest_claims(conn, settings.secrets, booking.id, token)
    ours = Key(booking.reference, booking.id, bookings.manage_token(settings.secret, booking.id, booking.key_turn))
    to = request.query_params.get("to")
    below = f"/{to}" if to in ("documents", "review") else ""
    return go(
        f"/bookings/{booking.reference}{below}",
        cookies=[with_key(settings, request.cookies, ours)],
        headers={"Referrer-Policy": "no-referrer"},
    )


@get("/bookings", include_in_schema=False)
async def bookings_of_this_browser(request: Ask) -> Response[bytes]:
    """The bookings that this browser has keys to; those of an account are in the account."""
    house = request.app.state.house
    found = []
    for key in read_keys(house.settings, request.cookies):
        try:
            found.append((await open_booking(request, key.reference)).booking)
        except NotFound:
            continue
    return page(
        request, "bookings/mine.html", personal=True, bookings=found, signed_in=await living(request) is not None
    )


router = Router(path="/", route_handlers=[open_with_link, bookings_of_this_browser])
