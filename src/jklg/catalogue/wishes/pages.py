"""The doors of journeys put aside: one list for everybody, which follows a customer from device to device."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.catalogue.finding.queries import list_named
from jklg.catalogue.rules import SLUG
from jklg.catalogue.wishes import actions
from jklg.catalogue.wishes.cookies import keep, of_browser, unknown_to_account
from jklg.customers.guard import browser_visitor
from jklg.kit.errors import Forbidden, NotFound, NotSignedIn
from jklg.web.render import go, page

Ask = Request[Any, Any, State]


@get("/wishes", include_in_schema=False)
async def wishes(request: Ask) -> Response[bytes]:
    """The account's list for whoever is signed in, else the browser's. The account learns what the browser knew before."""
    house = request.app.state.house
    kept = await _with_account(request, unknown_to_account(request))
    async with house.db.connection() as conn:
        packages = await list_named(conn, of_browser(request) if kept is None else kept)
    there = [each.slug for each in packages]
    return page(
        request,
        "catalogue/wishes.html",
        personal=True,
        cookies=[keep(house.settings, there, with_account=kept is not None)] if there or of_browser(request) else [],
        packages=packages,
        signed_in=kept is not None,
        wished=there,
    )


@post("/wishes/{slug:str}", include_in_schema=False, status_code=303)
async def put_aside(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """One more, in front. NotFound (package_not_found)."""
    house = request.app.state.house
    async with house.db.connection() as conn:
        found = await list_named(conn, [slug]) if SLUG.fullmatch(slug) else []
    if not found:
        raise NotFound("package_not_found", "We do not have this journey.")
    kept = await _with_account(request, [slug, *unknown_to_account(request)])
    slugs = [slug, *(each for each in of_browser(request) if each != slug)] if kept is None else kept
    return go("/wishes", cookies=[keep(house.settings, slugs, with_account=kept is not None)])


@post("/wishes/{slug:str}/remove", include_in_schema=False, status_code=303)
async def take_away(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """Nothing happens when it is not there."""
    house = request.app.state.house
    kept = await _with_account(request, unknown_to_account(request), without=slug)
    slugs = of_browser(request) if kept is None else kept
    left = [each for each in slugs if each != slug]
    return go("/wishes", cookies=[keep(house.settings, left, with_account=kept is not None)])


async def _with_account(request: Ask, slugs: list[str], without: str = "") -> list[str] | None:
    """What the account has put aside now. None for whoever is not signed in: the cookie remembers alone then."""
    who = browser_visitor(request)
    if who is None:
        return None
    db = request.app.state.house.db
    try:
        if without:
            await actions.forget(db, who, without)
        return await actions.keep(db, who, [each for each in slugs if each != without])
    except (NotSignedIn, Forbidden):
        return None


router = Router(path="/", route_handlers=[wishes, put_aside, take_away])
