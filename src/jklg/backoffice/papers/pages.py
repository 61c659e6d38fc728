"""Documents of a booking, for staff. A Guide sees what is taken along and no money, and no link that opens the booking for its customer."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.params import FromPath

from jklg import bookings
from jklg.backoffice.looking import Ask, booking_of, eyes_of
from jklg.payments import papers
from jklg.staff.guard import require_staff
from jklg.staff.rules import can
from jklg.web.render import page

MONEY = "bookings_create"


@get("/staff/bookings/{reference:str}/documents", include_in_schema=False)
async def documents(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """What there is of one booking."""
    person = await require_staff(request, "bookings_view")
    settings = request.app.state.house.settings
    shelf = await _shelf(request, person, reference)
    found = papers.list_documents(settings, shelf)
    return page(request, "backoffice/documents.html", personal=True, person=person, booking=shelf.booking, documents=found)  # fmt: skip


@get("/staff/bookings/{reference:str}/documents/{name:str}", include_in_schema=False)
async def document(request: Ask, reference: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One of them, drawn now. The voucher carries the customer's own link only where its reader could act for her anyway."""
    person = await require_staff(request, "bookings_view")
    settings = request.app.state.house.settings
    shelf = await _shelf(request, person, reference)
    link = ""
    if can(person.role, MONEY):
        token = bookings.manage_token(settings.secret, shelf.booking.id, shelf.booking.key_turn)
        link = bookings.manage_link(settings.public_url, shelf.booking.reference, token)
    return await papers.hand_over(settings, shelf, name, link)


async def _shelf(request: Ask, person: Any, reference: str) -> papers.Shelf:
    """NotFound: booking_not_found."""
    async with eyes_of(request, person) as conn:
        return await papers.read(conn, await booking_of(conn, reference), money=can(person.role, MONEY))


router = Router(path="/", route_handlers=[documents, document])
