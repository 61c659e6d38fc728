"""Take everything along, and go: /account/export and /account/delete."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post

from jklg.customers import factors, leaving, profile
from jklg.customers.guard import address_of, forget
from jklg.customers.leaving.actions import as_document
from jklg.customers.visits import TURNS_AWAY, Ask, Complaints, complaints, form_page, fresh_visitor, visitor
from jklg.kit.errors import Refusal
from jklg.kit.languages import N_
from jklg.web.bodies import read_form
from jklg.web.render import go, page


@get("/account/export", include_in_schema=False)
async def export_page(request: Ask) -> Response[bytes]:
    me = await profile.get(request.app.state.house.db, visitor(request))
    return page(request, "customers/export.html", personal=True, me=me)


@get("/account/export/file", include_in_schema=False)
async def export_file(request: Ask) -> Response[bytes]:
    """The document, for whoever has just proven that it is them."""
    house = request.app.state.house
    found = await leaving.export(house.db, visitor(request), house.exports)
    return Response(
        as_document(found),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="what-we-hold.json"', "Cache-Control": "no-store"},
    )


@get("/account/delete", include_in_schema=False)
async def delete_page(request: Ask) -> Response[bytes]:
    """Whoever has no password, or a second factor, proves with it first."""
    house = request.app.state.house
    known = await factors.list_factors(house.db, visitor(request))
    if known.methods or not known.has_password:
        await fresh_visitor(request)
    return await _delete_page(request)


@post("/account/delete", include_in_schema=False, status_code=200)
async def erase(request: Ask) -> Response[bytes]:
    """At once, and for good."""
    house = request.app.state.house
    who = visitor(request)
    form = await read_form(request)
    known = await factors.list_factors(house.db, who)
    try:
        await leaving.erase(
            house.db,
            house.settings,
            who,
            password=form.get("password", "") if known.has_password else None,
            fresh_proof=not known.has_password,
            address=address_of(request),
            partings=house.partings,
        )
    except Refusal as refusal:
        errors = complaints(
            refusal, {"invalid_credentials": "password"}, invalid_credentials=N_("This is not your password. Nothing was deleted.")
        )  # fmt: skip
        return await _delete_page(request, errors=errors)
    return go("/login?said=deleted", cookies=[forget(house.settings)])


async def _delete_page(request: Ask, *, errors: Complaints | None = None) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    known = await factors.list_factors(house.db, who)
    return form_page(
        request, "customers/delete.html", me=await profile.get(house.db, who),
        errors=errors, has_password=known.has_password,
    )  # fmt: skip


_handlers: list[Any] = [export_page, export_file, delete_page, erase]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
