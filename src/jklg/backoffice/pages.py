"""The staff's doors: Today at /staff, and everything known of one booking."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import bookings, enquiries, history, payments, questions
from jklg.backoffice import queries
from jklg.backoffice.concerns import words
from jklg.backoffice.looking import Ask, booking_of, eyes_of, when, who
from jklg.backoffice.worklist import queries as worklist
from jklg.bookings import agreements, reaching
from jklg.bookings import travellers as people
from jklg.kit.db import claims
from jklg.kit.errors import Refusal
from jklg.kit.languages import gettext as _
from jklg.mail import bounces
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

EVERYTHING = worklist.Wanted()
URGENT = 5
"""Concerns on the Today page: the disputes whose deadline is next, then those that have waited longest."""


@get("/staff", include_in_schema=False)
async def today(request: Ask) -> Response[bytes]:
    """Today's bookings and money, who leaves soon, what needs a person. A Guide sees no money."""
    person = await require_staff(request, "dashboard_view")
    sees_money = _sees_money(person)
    async with eyes_of(request, person) as conn:
        context: dict[str, Any] = {
            "counts": await queries.count_day(conn),
            "booked": await queries.list_bookings_today(conn),
            "holds": await queries.list_holds(conn),
            "departures": await queries.list_departures_soon(conn),
            "money": await queries.list_money_today(conn) if sees_money else [],
            "movements": await queries.list_movements_today(conn) if sees_money else [],
            "concerns": await worklist.list_open(conn, EVERYTHING, None, URGENT) if sees_money else [],
            "counts_of_concerns": await worklist.count_open(conn, EVERYTHING) if sees_money else [],
            "enquiries": await enquiries.count_open(conn) + await questions.count_open(conn)
            if can(person.role, "tickets_view")
            else 0,
        }
    return page(
        request,
        "backoffice/today.html",
        personal=True,
        person=person,
        sees_money=sees_money,
        words_of=words.of,
        of_kind="/staff/concerns?kind={}".format,
        when=when,
        **context,
    )


@get("/staff/bookings/{reference:str}", include_in_schema=False)
async def booking(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """One booking with its people, its price, its money and its story."""
    return await _booking_page(request, await require_staff(request, "bookings_view"), reference)


async def _booking_page(
    request: Ask, person: Person, reference: str, refusal: Refusal | None = None, form: dict[str, str] | None = None
) -> Response[bytes]:
    """`refusal` of a `form` that was filled in on it: both are shown again."""
    sees_money = _sees_money(person)
    async with eyes_of(request, person) as conn:
        found = await booking_of(conn, reference)
        travellers = await bookings.list_travellers(conn, found.id)
        return page(
            request,
            "backoffice/booking.html",
            personal=True,
            status=refusal.status if refusal else 200,
            person=person,
            booking=found,
            form=form or {"email": found.email, "phone": found.phone},
            errors={str((refusal.details or {}).get("field", "email")): refusal.sentence} if refusal else {},
            said=_("Written down.") if request.query_params.get("said") == "contact" else "",
            sees_money=sees_money,
            may_act=can(person.role, "bookings_update_payment"),
            bounce=await bounces.of_address(conn, found.email),
            may_edit=can(person.role, "bookings_edit"),
            travellers=travellers,
            missing=sum(people.missing(found, travellers).values()) if found.status in ("held", "confirmed") else 0,
            agreed=await agreements.of_booking(conn, found.id),
            transactions=await payments.list_of_booking(conn, found.id) if sees_money else [],
            audit=await queries.list_audit(conn, found.id) if sees_money else [],
            postings=await queries.list_postings(conn, found.id) if sees_money else [],
            story=await history.of(conn, found.id),
            who=who(await queries.names_of_staff(conn)),
            when=when,
        )


@post("/staff/bookings/{reference:str}/address-is-good", include_in_schema=False, status_code=200)
async def address_is_good(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Somebody knows that mail arrives there again. Twice is as good as once."""
    person = await require_staff(request, "bookings_edit")
    async with request.app.state.house.db.transaction(claims("system", actor=f"staff:{person.id}")) as conn:
        found = await booking_of(conn, reference)
        if await bounces.forgive(conn, found.email):
            await history.record(conn, f"staff:{person.id}", "booking.address_is_good", "booking", found.id)
    return go(f"/staff/bookings/{found.reference}")


@post("/staff/bookings/{reference:str}/contact", include_in_schema=False, status_code=200)
async def contact(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Another address or number. With another address the links of earlier mails end. Twice is as good as once."""
    person = await require_staff(request, "bookings_edit")
    async with eyes_of(request, person) as conn:
        found = await booking_of(conn, reference)
    form = await read_form(request)
    try:
        await reaching.change(
            request.app.state.house,
            found.id,
            email=form.get("email", ""),
            phone=form.get("phone", ""),
            actor=f"staff:{person.id}",
        )
    except Refusal as refused:
        return await _booking_page(request, person, reference, refused, form)
    return go(f"/staff/bookings/{found.reference}?said=contact")


def _sees_money(person: Person) -> bool:
    """Guides lead people and have no business with their payments: money is for those who may take bookings."""
    return can(person.role, "bookings_create")


router = Router(path="/", route_handlers=[today, booking, address_is_good, contact])
