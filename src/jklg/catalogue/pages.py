"""The catalogue for people: journeys by place, month and words, and the places they go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue
from jklg.catalogue import rules, scenes
from jklg.catalogue.api import picture_url
from jklg.catalogue.rules import PackageFilter
from jklg.kit.errors import NotFound, Refusal
from jklg.web.render import page

Ask = Request[Any, Any, State]
FILTERS = ("q", "destination", "month", "sort")
PAGE = 24


@get("/packages", include_in_schema=False)
async def list_page(request: Ask) -> Response[bytes]:
    """Filters live in the address, so that a list can be sent to a friend."""
    asked = {name: request.query_params.get(name, "") for name in (*FILTERS, "cursor")}
    wanted, refusal = _wanted(asked)
    async with request.app.state.house.db.connection() as conn:
        found = await catalogue.list_packages(conn, wanted)
        destinations = await catalogue.list_destinations(conn)
        months = await catalogue.months_on_sale(conn)
    following = None
    if len(found) == wanted.limit:
        words = {name: asked[name] for name in FILTERS if asked[name]} | {"cursor": rules.cursor_after(found[-1])}
        following = f"/packages?{urlencode(words)}"
    place = next((each for each in destinations if wanted.destination in (each.slug, str(each.id))), None)
    return page(
        request,
        "catalogue/list.html",
        status=422 if refusal else 200,
        packages=found,
        destinations=destinations,
        months=months,
        asked=asked,
        place=place,
        wanted=wanted,
        refusal=refusal,
        following=following,
        picture_url=picture_url,
    )


def _wanted(asked: Mapping[str, str]) -> tuple[PackageFilter, Refusal | None]:
    """The filter, or everything and the reason why not."""
    try:
        return rules.read_filter(
            asked["destination"], asked["month"], asked["q"], asked["sort"], str(PAGE), asked["cursor"]
        ), None
    except Refusal as refusal:
        return PackageFilter(limit=PAGE), refusal


@get("/destinations", include_in_schema=False)
async def places_page(request: Ask) -> Response[bytes]:
    async with request.app.state.house.db.connection() as conn:
        destinations = await catalogue.list_destinations(conn)
    return page(request, "catalogue/places.html", destinations=destinations, scene_of=_scene_of)


@get("/destinations/{slug:str}", include_in_schema=False)
async def place_page(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    async with request.app.state.house.db.connection() as conn:
        place = await catalogue.get_destination(conn, slug)
        if place is None:
            raise NotFound("destination_not_found", "We do not know this place.")
        packages = await catalogue.list_packages(conn, PackageFilter(destination=place.slug))
    return page(
        request, "catalogue/place.html", place=place, packages=packages, scene_of=_scene_of, picture_url=picture_url
    )


def _scene_of(slug: str) -> str:
    return picture_url(scenes.of_destination(slug))


router = Router(path="/", route_handlers=[list_page, places_page, place_page])
