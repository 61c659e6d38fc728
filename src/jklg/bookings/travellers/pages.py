"""The doors of travellers: the list for whoever booked, and the page that a private link opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.bookings.key_ring import OpenBooking, open_booking
from jklg.bookings.travellers import actions, rules
from jklg.bookings.travellers.actions import Entry, Opened
from jklg.bookings.travellers.rules import Place
from jklg.kit.errors import BadInput, Conflict, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.languages import gettext as _
from jklg.pricing.rules import PEOPLE
from jklg.web.bodies import read_form
from jklg.web.render import go, page

Ask = Request[Any, Any, State]
PRIVATE = {"Referrer-Policy": "no-referrer"}
"""The address of these pages is a key: no other page is told of it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A place as the page shows it. `id`, which its fields are named by, is its traveller's, or a fresh one; `shown` is what stood in them, so
    that only what was touched is changed: somebody may fill in with a link meanwhile. `url` is the whole private link, '' without one."""

    place: Place
    id: UUID
    title: str
    needs_birth: bool
    name: str
    born: str
    shown: str
    url: str


@get("/bookings/{reference:str}/travellers", include_in_schema=False)
async def list_page(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Everybody who goes, who has no name yet, and the private links."""
    return await _show_list(request, await open_booking(request, reference))


async def _show_list(
    request: Ask, seen: OpenBooking, form: Mapping[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response[bytes]:
    async with request.app.state.house.db.transaction(seen.claims) as conn:
        links = await actions.links_of(conn, seen.booking.id)
    rows = _rows(request, rules.places(seen.booking, seen.travellers, links), form or {})
    return page(
        request, "bookings/travellers.html", personal=True, status=422 if errors else 200, booking=seen.booking, rows=rows,
        errors=errors or {}, open_to_change=rules.may_change(seen.booking), saved=request.query_params.get("saved"), fresh_id=uuid7,
        missing=sum(rules.missing(seen.booking, seen.travellers).values()),
    )  # fmt: skip


def _rows(request: Ask, places: Sequence[Place], form: Mapping[str, str]) -> list[Row]:
    """With what was typed for whom; what was typed for a place without a name is still at such a place."""
    known = {each.traveller.id for each in places if each.traveller}
    typed = [(id_, form.get(f"category.{id_}")) for id_ in _ids(form) if id_ not in known]
    rows = []
    for place in places:
        id_ = place.traveller.id if place.traveller else None
        free = next((each for each in typed if each[1] == place.category), None)
        if id_ is None and free:
            typed.remove(free)
            id_ = free[0]
        rows.append(_row(request, place, form, id_ or uuid7()))
    return rows


def _row(request: Ask, place: Place, form: Mapping[str, str], id_: UUID) -> Row:
    settings, who = request.app.state.house.settings, place.traveller
    person = _(PEOPLE[place.category][0])
    name = who.name if who else ""
    born = who.date_of_birth.isoformat() if who and who.date_of_birth else ""
    return Row(
        place=place,
        id=id_,
        title=_("{person} {n}").format(person=person, n=place.number) if place.of > 1 else person,
        needs_birth=place.category != "adult",
        name=form.get(f"name.{id_}", name),
        born=form.get(f"born.{id_}", born),
        shown=f"{name}|{born}",
        url=f"{settings.public_url}{_path(settings.secret, place.link.id)}" if place.link else "",
    )


def _ids(form: Mapping[str, str]) -> list[UUID]:
    """Whose fields these are, in the order of the page."""
    found = (_uuid(name.removeprefix("name.")) for name in form if name.startswith("name."))
    return [each for each in found if each is not None]


@post("/bookings/{reference:str}/travellers", include_in_schema=False, status_code=200)
async def save(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Name them, or correct them. Nothing typed is lost by a mistake; what was not touched is left alone."""
    seen, form = await open_booking(request, reference), await read_form(request)
    entries, errors = _entries(form)
    if not errors:
        try:
            await actions.save(request.app.state.house.db, seen.booking.id, entries, actor="guest")
        except BadInput as refusal:
            details = refusal.details or {}
            what = "born" if str(details["field"]).endswith(".date_of_birth") else "name"
            errors[f"{what}.{entries[int(str(details['traveller'])) - 1].traveller_id}"] = refusal.sentence
        except Conflict as refusal:
            errors[""] = refusal.sentence
    if errors:
        return await _show_list(request, await open_booking(request, reference), form, errors)
    return go(f"/bookings/{seen.booking.reference}/travellers?saved=1")


def _entries(form: Mapping[str, str]) -> tuple[list[Entry], dict[str, str]]:
    """What was touched, and what of it cannot be read."""
    entries, errors = [], {}
    for id_ in _ids(form):
        name, born = form.get(f"name.{id_}", ""), form.get(f"born.{id_}", "")
        if f"{name}|{born}" == form.get(f"shown.{id_}"):
            continue
        try:
            day = rules.born_of(born, f"born.{id_}")
        except BadInput as refusal:
            errors[f"born.{id_}"] = refusal.sentence
            continue
        link_id = _uuid(form.get(f"link.{id_}", ""))
        category = form.get(f"category.{id_}", "")
        entries.append(Entry(traveller_id=id_, category=category, name=name, date_of_birth=day, link_id=link_id))
    return entries, errors


@post("/bookings/{reference:str}/travellers/links", include_in_schema=False, status_code=200)
async def change_links(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Make a private link, another one in its place, or stop it."""
    seen, form = await open_booking(request, reference), await read_form(request)
    db, booking_id = request.app.state.house.db, seen.booking.id
    link_id, fresh_id = _uuid(form.get("link", "")), _uuid(form.get("fresh", "")) or uuid7()
    try:
        if form.get("do") == "make":
            await actions.make_link(
                db, booking_id, link_id=fresh_id, category=form.get("category", ""), traveller_id=_uuid(form.get("traveller", "")),
                actor="guest",
            )  # fmt: skip
        elif form.get("do") == "renew" and link_id:
            await actions.renew_link(db, booking_id, link_id, fresh_id=fresh_id, actor="guest")
        elif form.get("do") == "stop" and link_id:
            await actions.revoke_link(db, booking_id, link_id, actor="guest")
    except Conflict as refusal:
        return await _show_list(request, seen, None, {"": refusal.sentence})
    return go(f"/bookings/{seen.booking.reference}/travellers#links")


@get("/travellers/{link:str}/{token:str}", include_in_schema=False)
async def their_page(request: Ask, link: FromPath[str], token: FromPath[str]) -> Response[bytes]:
    """What a private link opens: the journey, and the form for one's own details. Nothing of money, of the booking or of anybody else."""
    try:
        opened = await _open(request, link, token)
    except NotFound:
        return _dead(request)
    return _show_theirs(request, opened)


@post("/travellers/{link:str}/{token:str}", include_in_schema=False, status_code=200)
async def fill_in(request: Ask, link: FromPath[str], token: FromPath[str]) -> Response[bytes]:
    """One's own details. Twice is as good as once."""
    form = await read_form(request)
    house = request.app.state.house
    try:
        opened = await _open(request, link, token)
        born: date | None = rules.born_of(form.get("born", ""), "born")
        await actions.fill_in(
            house.db, house.settings.secrets, opened.link.id, token, name=form.get("name", ""), date_of_birth=born
        )
    except NotFound:
        return _dead(request)
    except Refusal as refusal:
        part = str((refusal.details or {}).get("field", "name")).rpartition(".")[2]
        field = "born" if part in ("born", "date_of_birth") else "name" if refusal.status == 422 else ""
        return _show_theirs(request, opened, form, {field: refusal.sentence}, refusal.status)
    return go(f"{_path(house.settings.secret, opened.link.id)}?saved=1", headers=PRIVATE)


async def _open(request: Ask, link: str, token: str) -> Opened:
    link_id, house = _uuid(link), request.app.state.house
    if link_id is None:
        raise NotFound("traveller_link_not_found", "This link does not open anything.")
    return await actions.open_link(house.db, house.settings.secrets, link_id, token)


def _show_theirs(
    request: Ask,
    opened: Opened,
    form: Mapping[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[bytes]:
    who = opened.traveller
    known = {"name": who.name, "born": who.date_of_birth.isoformat() if who.date_of_birth else ""} if who else {}
    return page(
        request, "bookings/their_details.html", personal=True, status=status, headers=PRIVATE, booking=opened.booking, form=form or known,
        errors=errors or {}, named=who is not None, saved=request.query_params.get("saved"), needs_birth=opened.link.category != "adult",
    )  # fmt: skip


def _dead(request: Ask) -> Response[bytes]:
    """The one page for links that never were, and for those that open nothing any more."""
    return page(request, "bookings/dead_link.html", personal=True, status=404, headers=PRIVATE)


def _path(secret: str, link_id: UUID) -> str:
    return f"/travellers/{link_id}/{actions.link_token(secret, link_id)}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


router = Router(path="/", route_handlers=[list_page, save, change_links, their_page, fill_in])
