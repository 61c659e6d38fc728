"""The doors of departures for staff. What is shown before the button is what will be done; whatever has changed since is told, and changes nothing."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import departures
from jklg.backoffice.departures import queries
from jklg.backoffice.forms import key_of
from jklg.backoffice.looking import Ask, eyes_of, when, who
from jklg.backoffice.queries import names_of_staff
from jklg.departures import Days
from jklg.departures.rules import check_words
from jklg.kit.errors import BadInput, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT = "bookings_view", "packages_edit"
SHOWN = 60
SAID = {"moved": N_("Moved. Everybody with seats on it is written to.")}


@get("/staff/departures", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """Those that are still to come; `?package=`, `?booked=1`."""
    person = await require_staff(request, LOOK)
    asked = request.query_params
    slug, booked = str(asked.get("package", "")), bool(asked.get("booked"))
    async with eyes_of(request, person) as conn:
        found = await queries.list_coming(conn, slug, booked, _after(str(asked.get("after", ""))), SHOWN + 1)
        packages = await queries.list_packages(conn)
    following = ""
    if len(found) > SHOWN:
        found = found[:SHOWN]
        last = f"{found[-1].starts_on}.{found[-1].id}"
        following = "/staff/departures?" + urlencode({"package": slug, "booked": "1" if booked else "", "after": last})
    return page(
        request, "backoffice/departures.html", personal=True, person=person, found=found, packages=packages, slug=slug, booked=booked,
        following=following,
    )  # fmt: skip


@get("/staff/departures/{departure_id:uuid}", include_in_schema=False)
async def one(request: Ask, departure_id: FromPath[UUID]) -> Response[bytes]:
    """Who travels on it, how it was moved before, and, for whoever may move it, the form."""
    person = await require_staff(request, LOOK)
    return await _show(request, person, departure_id, {})


@post("/staff/departures/{departure_id:uuid}/move", include_in_schema=False, status_code=200)
async def move(request: Ask, departure_id: FromPath[UUID]) -> Response[bytes]:
    """First shows whom other days concern and what they will read; with `sure`, moves it. Pressed twice it is moved once."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        starts_on, ends_on = _day(form, "starts_on"), _day(form, "ends_on")
        if not form.get("sure"):
            return await _show(request, person, departure_id, form, new=(starts_on, ends_on))
        await departures.move(
            request.app.state.house.db, departure_id, move_id=key_of(form, "once"), before=(_day(form, "old_starts_on"), _day(form, "old_ends_on")),
            starts_on=starts_on, ends_on=ends_on, words=form.get("words", ""), actor=f"staff:{person.id}",
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refused:
        return await _show(request, person, departure_id, form, refusal=refused)
    return go(f"/staff/departures/{departure_id}?said=moved")


async def _show(
    request: Ask,
    person: Person,
    departure_id: UUID,
    form: dict[str, str],
    *,
    new: tuple[date, date] | None = None,
    refusal: Refusal | None = None,
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        found, days = await queries.get(conn, departure_id), await departures.days_of(conn, departure_id)
        if found is None or days is None:
            raise NotFound("departure_not_found", "We cannot find this departure.")
        concerned = await queries.list_concerned(conn, departure_id)
        moves = await departures.list_moves(conn, departure_id)
        names = await names_of_staff(conn)
    if new is not None:
        try:
            departures.check_move(days, *new)
            check_words(form.get("words", ""))
        except Refusal as refused:
            refusal, new = refused, None
    field = str((refusal.details or {}).get("field", "")) if refusal else ""
    return page(
        request, "backoffice/departure.html", personal=True, status=refusal.status if refusal else 200, person=person, departure=found,
        concerned=concerned, moves=moves, new=new, form=form, once=form.get("once") or str(uuid7()), may_move=_may_move(person, days),
        late=[each for each in concerned if new and each.balance_due_on and each.balance_due_on >= new[0]],
        error=_(refusal.sentence) if refusal and not field else "", errors={field: _(refusal.sentence)} if refusal and field else {},
        said=_(SAID.get(str(request.query_params.get("said", "")), "")), when=when, who=who(names),
    )  # fmt: skip


def _may_move(person: Person, days: Days) -> bool:
    return can(person.role, ACT) and days.status != "cancelled" and days.starts_on >= days.today


def _day(form: dict[str, str], field: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", form.get(field, "").strip()):
            raise ValueError(field)
        return date.fromisoformat(form[field].strip())
    except ValueError:
        raise BadInput("day_invalid", "Please give a day such as 2027-05-14.", details={"field": field}) from None


def _after(cursor: str) -> tuple[date, UUID] | None:
    """Where the next page begins; from the beginning when it makes no sense."""
    day, _dot, departure_id = cursor.partition(".")
    try:
        return date.fromisoformat(day), UUID(departure_id)
    except ValueError:
        return None


_handlers: list[Any] = [overview, one, move]
router = Router(path="/", route_handlers=_handlers)
