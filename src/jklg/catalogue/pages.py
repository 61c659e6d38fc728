"""The catalogue for people: journeys by place, month, length, price and theme, side by side, and the places they go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, Router, get
from litestar.datastructures import State

from jklg import catalogue
from jklg.catalogue import finding, rules
from jklg.catalogue.finding import PackageFilter
from jklg.catalogue.finding.queries import list_named
from jklg.catalogue.wishes.cookies import of_browser
from jklg.kit.errors import Refusal
from jklg.kit.languages import gettext as _
from jklg.web.render import go, page

Ask = Request[Any, Any, State]
FILTERS = ("q", "destination", "month", "days", "price", "theme")
PAGE = 24
MOST_COMPARED = 3


@get("/packages", include_in_schema=False)
async def list_page(request: Ask) -> Response[bytes]:
    """Filters live in the address, so that a list can be sent to a friend."""
    asked = {name: request.query_params.get(name, "") for name in (*FILTERS, "sort", "cursor")}
    wanted, refusal = _wanted(asked)
    async with request.app.state.house.db.connection() as conn:
        found = await catalogue.list_packages(conn, wanted)
        count = await finding.count_packages(conn, wanted)
        destinations = await catalogue.list_destinations(conn)
        choices = await finding.choices(conn)
    following = None
    if len(found) == wanted.limit:
        following = _address(asked | {"cursor": finding.cursor_after(found[-1])})
    place = next((each for each in destinations if wanted.destination in (each.slug, str(each.id))), None)
    return page(
        request,
        "catalogue/list.html",
        kept=refusal is None,
        status=422 if refusal else 200,
        packages=found,
        count=count,
        destinations=destinations,
        choices=choices,
        lengths=_lengths(choices.days),
        length=_length(asked["days"]) if wanted.days else "",
        asked=asked,
        set_filters=_set_filters(asked, refusal),
        place=place,
        wanted=wanted,
        refusal=refusal,
        following=following,
        first_page=_address(asked | {"cursor": ""}) if wanted.after else None,
        wished=of_browser(request),
    )


def _wanted(asked: Mapping[str, str]) -> tuple[PackageFilter, Refusal | None]:
    """The filter, or everything and the reason why not."""
    try:
        return finding.read_filter({**asked, "limit": str(PAGE)}), None
    except Refusal as refusal:
        return PackageFilter(limit=PAGE), refusal


def _address(words: Mapping[str, str]) -> str:
    said = {name: value for name, value in words.items() if value}
    return f"/packages?{urlencode(said)}" if said else "/packages"


def _set_filters(asked: Mapping[str, str], refusal: Refusal | None) -> dict[str, str]:
    """Filter that is set -> the address of the same list without it."""
    if refusal:
        return {}
    return {name: _address({**asked, name: "", "cursor": ""}) for name in FILTERS if asked[name]}


def _lengths(days: list[int]) -> list[tuple[str, str]]:
    """The lengths that there are, in words."""
    return [
        (value, _length(value))
        for value, (least, most) in finding.LENGTHS.items()
        if any(least <= each <= most for each in days)
    ]


def _length(value: str) -> str:
    least, most = finding.LENGTHS[value]
    words = _("{least} to {most} days") if most < 365 else _("{least} days and more")
    return words.format(least=least, most=most)


@get("/compare", include_in_schema=False)
async def compare(request: Ask) -> Response[bytes]:
    """Up to three journeys side by side: `?with=slug,slug`; the form of the list says it as several fields, and is led to the one address."""
    said = request.query_params.getall("with", [])
    slugs = list(dict.fromkeys(slug for each in said for slug in each.split(",") if rules.SLUG.fullmatch(slug)))
    if len(said) > 1:
        return go(f"/compare?with={','.join(slugs)}")
    async with request.app.state.house.db.connection() as conn:
        packages = await list_named(conn, slugs[:MOST_COMPARED])
        whole = [await catalogue.get_package(conn, each.id) for each in packages]
    return page(
        request,
        "catalogue/compare.html",
        columns=[(card, package) for card, package in zip(packages, whole, strict=True) if package],
        left_out=max(0, len(slugs) - MOST_COMPARED),
        without={each.slug: ",".join(other.slug for other in packages if other is not each) for each in packages},
    )


@get("/destinations", include_in_schema=False)
async def places_page(request: Ask) -> Response[bytes]:
    async with request.app.state.house.db.connection() as conn:
        destinations = await catalogue.list_destinations(conn)
    regions: dict[str, list[Any]] = {}
    for each in destinations:
        regions.setdefault(each.region, []).append(each)
    return page(request, "catalogue/places.html", kept=True, regions=regions)


router = Router(path="/", route_handlers=[list_page, compare, places_page])
