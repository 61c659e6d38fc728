"""Documents of a booking for whoever may open it, and of all journeys of an account. A stranger is told what strangers are told everywhere."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.params import FromPath

from jklg import bookings
from jklg.bookings.key_ring import Ask, open_booking
from jklg.customers import profile
from jklg.customers.rights import as_customer
from jklg.customers.visits import TURNS_AWAY, visitor
from jklg.payments import papers
from jklg.payments.papers import queries
from jklg.web.render import page

SHOWN = 100


@get("/bookings/{reference:str}/documents", include_in_schema=False)
async def documents(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """What there is to read, to keep and to take along."""
    house = request.app.state.house
    seen = await open_booking(request, reference)
    async with house.db.transaction(seen.claims) as conn:
        shelf = await papers.read(conn, seen.booking)
    found = papers.list_documents(house.settings, shelf)
    return page(request, "payments/documents.html", personal=True, booking=seen.booking, documents=found)


@get("/bookings/{reference:str}/documents/{name:str}", include_in_schema=False)
async def document(request: Ask, reference: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One of them, drawn now."""
    house = request.app.state.house
    seen = await open_booking(request, reference)
    async with house.db.transaction(seen.claims) as conn:
        shelf = await papers.read(conn, seen.booking)
    token = bookings.manage_token(house.settings.secret, seen.booking.id, seen.booking.key_turn)
    link = bookings.manage_link(house.settings.public_url, seen.booking.reference, token)
    return await papers.hand_over(house.settings, shelf, name, link)


@get("/account/documents", include_in_schema=False)
async def documents_of_account(request: Ask) -> Response[bytes]:
    """Journey by journey, the newest first."""
    house = request.app.state.house
    who = visitor(request)
    async with as_customer(house.db, who) as conn:
        journeys = await queries.list_journeys(conn, who.customer_id, SHOWN)
    me = await profile.get(house.db, who)
    return page(request, "payments/account_documents.html", personal=True, me=me, journeys=journeys)


_of_account: list[Any] = [documents_of_account]
router = Router(path="/", route_handlers=[documents, document])
account_router = Router(path="/", route_handlers=_of_account, exception_handlers=TURNS_AWAY)
