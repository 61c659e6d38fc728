"""/packages/{slug}/questions: what was asked about a package and answered, and the form to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue, questions
from jklg.customers import profile
from jklg.customers.guard import address_of, browser_visitor
from jklg.customers.visits import Complaints, all_complaints, complaints
from jklg.kit import cursors
from jklg.kit.errors import Forbidden, NotFound, NotSignedIn, Refusal
from jklg.questions import rules
from jklg.web import trap
from jklg.web.bodies import read_form
from jklg.web.render import go, page

Ask = Request[Any, Any, State]
SHOWN = 20


@get("/packages/{slug:str}/questions", include_in_schema=False)
async def of_package(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """Page by page, with the form below. Whoever is signed in need not type her name."""
    return await _show(request, slug, await _known(request))


async def _known(request: Ask) -> dict[str, str]:
    who = browser_visitor(request)
    if who is None:
        return {}
    try:
        me = await profile.get(request.app.state.house.db, who)
    except (NotSignedIn, Forbidden):
        return {}
    return {"name": me.name, "email": me.email}


@post("/packages/{slug:str}/questions", include_in_schema=False, status_code=200)
async def ask(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """Ask. Nothing that was typed is lost by a mistake."""
    form = await read_form(request)
    package = await _package(request, slug)
    wrong = all_complaints(*rules.checks(form).values())
    if wrong:
        return await _show(request, slug, form, wrong)
    try:
        trap.check(form)
        await questions.ask(request.app.state.house.db, package.id, rules.read(form), network=address_of(request))
    except Refusal as refusal:
        return await _show(request, slug, form, complaints(refusal))
    return go(f"/packages/{package.slug}/questions?sent=1")


async def _show(request: Ask, slug: str, form: Mapping[str, str], wrong: Complaints | None = None) -> Response[bytes]:
    package = await _package(request, slug)
    begin = cursors.read_if_given(str(request.query_params.get("cursor", "")))
    async with request.app.state.house.db.connection() as conn:
        found = await questions.list_of_package(conn, package.id, begin, SHOWN + 1)
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    return page(
        request, "questions/all_of_package.html", status=wrong.status if wrong else 200, headers=wrong.headers if wrong else None,
        personal=bool(form), package=package, found=found[:SHOWN], further=begin, sent=bool(request.query_params.get("sent")),
        following=cursors.write(cursors.Place(last.answered_at, last.id)) if last else "", form=form, errors=wrong or {},
    )  # fmt: skip


async def _package(request: Ask, slug: str) -> catalogue.Package:
    async with request.app.state.house.db.connection() as conn:
        package = await catalogue.get_package(conn, slug)
    if package is None:
        raise NotFound("package_not_found", "We do not have this journey.")
    return package


router = Router(path="/", route_handlers=[of_package, ask])
