"""The doors of circulars. What is shown before the button is what is sent; if the audience has changed since, nothing is."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg.backoffice.departures import queries as departures
from jklg.backoffice.departures.queries import Going
from jklg.backoffice.forms import key_of
from jklg.backoffice.looking import Ask, eyes_of, when, who
from jklg.backoffice.queries import names_of_staff
from jklg.bookings import circulars
from jklg.bookings.circulars import Audience
from jklg.bookings.circulars.actions import not_found
from jklg.kit.errors import BadInput, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.web.bodies import read_form
from jklg.web.render import go, page

ACT = "bookings_bulk_actions"
SHOWN = 100
VERBS = {"pause": "paused", "resume": "sending", "stop": "stopped"}
WORDS = {
    "sending": ("wait", N_("Going out")),
    "paused": ("wait", N_("Paused")),
    "stopped": ("bad", N_("Stopped")),
    "done": ("good", N_("Done")),
}


@get("/staff/circulars", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """All of them, the newest first, and where another one begins."""
    person = await require_staff(request, ACT)
    async with eyes_of(request, person) as conn:
        found = await circulars.list_all(conn, SHOWN)
        progress = await circulars.progress(conn, [each.id for each in found])
        packages = await departures.list_packages(conn)
    return page(
        request, "backoffice/circulars.html", personal=True, person=person, found=found, progress=progress, packages=packages,
        words=_words(), when=when,
    )  # fmt: skip


@get("/staff/circulars/new", include_in_schema=False)
async def new(request: Ask) -> Response[bytes]:
    """The form: `?departure=` (its id) or `?package=` (its slug)."""
    person = await require_staff(request, ACT)
    asked = {name: str(request.query_params.get(name, "")) for name in ("departure", "package")}
    return await _form(request, person, asked)


@post("/staff/circulars", include_in_schema=False, status_code=200)
async def begin(request: Ask) -> Response[bytes]:
    """First shows it and whom it goes to; with `sure`, begins. Pressed twice it is begun once."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        message = circulars.check_message(form)
        if not form.get("sure"):
            return await _form(request, person, form, sure=True)
        async with eyes_of(request, person) as conn:
            _going, wanted = await _audience(conn, form)
        circular_id = key_of(form, "once")
        await circulars.begin(
            request.app.state.house.db, circular_id, wanted, message, expected=_count(form), actor=f"staff:{person.id}"
        )
    except NotFound:
        raise
    except Refusal as refused:
        return await _form(request, person, form, refusal=refused)
    return go(f"/staff/circulars/{circular_id}")


async def _form(
    request: Ask, person: Person, form: dict[str, str], *, sure: bool = False, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        going, wanted = await _audience(conn, form)
        people = await circulars.audience(conn, wanted)
    field = str((refusal.details or {}).get("field", "")) if refusal else ""
    return page(
        request, "backoffice/circular_new.html", personal=True, status=refusal.status if refusal else 200, person=person, going=going,
        people=[each for each in people if not each.bounced], bounced=[each for each in people if each.bounced], sure=sure, form=form,
        once=form.get("once") or str(uuid7()), pace=request.app.state.house.settings.circular_pace,
        error=_(refusal.sentence) if refusal and not field else "", errors={field: _(refusal.sentence)} if refusal and field else {},
    )  # fmt: skip


@get("/staff/circulars/{circular_id:uuid}", include_in_schema=False)
async def one(request: Ask, circular_id: FromPath[UUID]) -> Response[bytes]:
    """What it says, and how far it is."""
    person = await require_staff(request, ACT)
    return await _show(request, person, circular_id)


@post("/staff/circulars/{circular_id:uuid}/{verb:str}", include_in_schema=False, status_code=200)
async def turn(request: Ask, circular_id: FromPath[UUID], verb: FromPath[str]) -> Response[bytes]:
    """Let it `pause`, `resume` or `stop`."""
    person = await require_staff(request, ACT)
    if verb not in VERBS:
        raise not_found()
    try:
        await circulars.turn(request.app.state.house.db, circular_id, VERBS[verb], actor=f"staff:{person.id}")
    except NotFound:
        raise
    except Refusal as refused:
        return await _show(request, person, circular_id, refused)
    return go(f"/staff/circulars/{circular_id}")


async def _show(request: Ask, person: Person, circular_id: UUID, refusal: Refusal | None = None) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        found = await circulars.get(conn, circular_id)
        if found is None:
            raise not_found()
        progress = (await circulars.progress(conn, [circular_id]))[circular_id]
        names = await names_of_staff(conn)
    return page(
        request, "backoffice/circular.html", personal=True, status=refusal.status if refusal else 200, person=person, circular=found,
        progress=progress, words=_words(), error=_(refusal.sentence) if refusal else "", when=when, who=who(names),
        pace=request.app.state.house.settings.circular_pace,
    )  # fmt: skip


async def _audience(conn: Any, form: dict[str, str]) -> tuple[Going, Audience]:
    """Whom a form is about. NotFound: audience_not_found."""
    try:
        departure_id = UUID(form["departure"]) if form.get("departure") else None
        going = await departures.find_going(conn, departure_id, form.get("package", ""))
    except ValueError:
        going = None
    if going is None:
        raise NotFound("audience_not_found", "We cannot find this departure or package.")
    if going.departure_id is not None:
        return going, Audience(departure_id=going.departure_id)
    return going, Audience(package_id=going.package_id)


def _count(form: dict[str, str]) -> int:
    if not re.fullmatch("[0-9]{1,7}", form.get("count", "")):
        raise BadInput("preview_missing", "Please look at whom it goes to first, then press the button below it.")
    return int(form["count"])


def _words() -> dict[str, tuple[str, str]]:
    return {state: (kind, _(word)) for state, (kind, word) in WORDS.items()}


_handlers: list[Any] = [overview, new, begin, one, turn]
router = Router(path="/", route_handlers=_handlers)
