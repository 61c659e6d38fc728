"""The JSON door of the catalogue, and the drawn pictures. Lists answer a bare array; the next page is in the Link header."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from jklg import catalogue
from jklg.catalogue import finding, pictures, rules, scenes
from jklg.catalogue.pictures import Picture
from jklg.catalogue.rules import Day, Destination, Extra, Package, PackageCard, Place
from jklg.kit.errors import NotFound
from jklg.web.render import packed

Ask = Request[object, object, State]
Wish = FromQuery[str | None]


class PackageSummary(msgspec.Struct, kw_only=True):
    """A package in a list. `price` is the guide price of one adult, minor units of `currency`; `price_from` the least that one pays on a
    departure that can be booked now, null without one."""

    id: UUID
    slug: str
    name: str
    title: str
    summary: str
    description: str
    duration: int
    price: int
    price_from: int | None
    currency: str
    image: str | None
    image_alt: str
    destinations: list[str]
    destination_id: UUID | None
    places: list[Place]
    themes: list[str]
    featured: bool
    next_departure_on: date | None


class PictureOut(msgspec.Struct, kw_only=True):
    url: str
    alt: str


class PackageDetail(msgspec.Struct, kw_only=True):
    """A package with all that belongs to it. Prices as in a list."""

    id: UUID
    slug: str
    name: str
    title: str
    summary: str
    description: str
    duration: int
    price: int
    price_from: int | None
    currency: str
    image: str | None
    destinations: list[str]
    destination_id: UUID | None
    places: list[Place]
    themes: list[str]
    featured: bool
    included: list[str]
    excluded: list[str]
    meeting_point: str
    time_zone: str
    itinerary: list[Day]
    pictures: list[PictureOut]
    extras: list[Extra]


class DestinationOut(msgspec.Struct, kw_only=True):
    id: UUID
    slug: str
    name: str
    region: str
    summary: str
    description: str
    image: str
    altitude: int | None
    best_season: str | None
    latitude: float | None
    longitude: float | None
    featured: bool
    packages: int


@get("/api/packages", summary="Packages on sale")
async def list_packages(
    request: Ask,
    destination: Wish = None,
    month: Wish = None,
    q: Wish = None,
    theme: Wish = None,
    days: Wish = None,
    price: Wish = None,
    sort: Wish = None,
    limit: Wish = None,
    cursor: Wish = None,
) -> Response[list[PackageSummary]]:
    """Filter by `destination` (slug or id), `month` (2027-05: has departures then), `q`, `theme`, `days` (1-3, 4-6, 7-9 or 10-) and `price`
    (INR-25000: the most for an adult, by `price_from`, or by `price` where that is null); sort by featured, soonest, price, duration or name.

    422 `destination_invalid`, `month_invalid`, `q_invalid`, `theme_invalid`, `days_invalid`, `price_invalid`, `sort_invalid`,
    `limit_invalid`, `cursor_invalid`.
    """
    words = {
        "destination": destination, "month": month, "q": q, "theme": theme, "days": days, "price": price, "sort": sort,
        "limit": limit,
    }  # fmt: skip
    wanted = finding.read_filter({**words, "cursor": cursor})
    async with request.app.state.house.db.connection() as conn:
        found = await catalogue.list_packages(conn, wanted)
    headers = {}
    if len(found) == wanted.limit:
        query = {word: value for word, value in words.items() if value} | {"cursor": finding.cursor_after(found[-1])}
        headers["Link"] = f'</api/packages?{urlencode(query)}>; rel="next"'
    return Response([_summary(card) for card in found], headers=headers)


@get("/api/packages/{package:str}", summary="One package, by id or slug")
async def get_package(request: Ask, package: FromPath[str]) -> PackageDetail:
    """404 `package_not_found`, also for drafts."""
    async with request.app.state.house.db.connection() as conn:
        found = await catalogue.get_package(conn, package)
    if found is None:
        raise NotFound("package_not_found", "We cannot find this package.")
    return _detail(found)


@get("/api/destinations", summary="Places we go to")
async def list_destinations(request: Ask) -> list[DestinationOut]:
    async with request.app.state.house.db.connection() as conn:
        return [_destination(found) for found in await catalogue.list_destinations(conn)]


@get("/api/destinations/{destination:str}", summary="One place, by id or slug")
async def get_destination(request: Ask, destination: FromPath[str]) -> DestinationOut:
    """404 `destination_not_found`."""
    async with request.app.state.house.db.connection() as conn:
        found = await catalogue.get_destination(conn, destination)
    if found is None:
        raise NotFound("destination_not_found", "We cannot find this destination.")
    return _destination(found)


@get("/pictures/{scene:str}", include_in_schema=False)
async def get_picture(request: Ask, scene: FromPath[str], shape: Wish = None) -> Response[bytes]:
    """A drawn scene as SVG: 3:2, or square with `?shape=square`. The same name always gives the same drawing."""
    name = scene.removesuffix(".svg")
    if not rules.SLUG.fullmatch(name) or len(name) > 80:
        raise NotFound("picture_not_found", "We cannot find this picture.")
    width, height = (800, 800) if shape == "square" else (1200, 800)
    drawn, headers = packed(
        request,
        scenes.draw(name, width, height).encode(),
        {
            "Cache-Control": "public, max-age=86400",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        },
        level=9,
    )
    return Response(drawn, media_type="image/svg+xml", headers=headers)


def picture_url(picture: Picture | str) -> str:
    """Where a picture is served: a photograph in the largest size, a drawing by its name."""
    if isinstance(picture, str):
        return f"/pictures/{picture}.svg"
    return pictures.big(picture.photo) if picture.photo else f"/pictures/{picture.scene}.svg"


def picture_of(place: Destination) -> Picture:
    """What stands for a place: its first picture, else its drawing."""
    return place.pictures[0] if place.pictures else Picture(scene=scenes.of_destination(place.slug), alt="")


def _summary(card: PackageCard) -> PackageSummary:
    return PackageSummary(
        id=card.id,
        slug=card.slug,
        name=card.name,
        title=card.name,
        summary=card.summary,
        description=card.description,
        duration=card.duration_days,
        price=card.price,
        price_from=card.price_from,
        currency=card.currency,
        image=picture_url(card.picture) if card.picture else None,
        image_alt=card.picture.alt if card.picture else "",
        destinations=[place.name for place in card.places],
        destination_id=card.places[0].id if card.places else None,
        places=card.places,
        themes=card.themes,
        featured=card.featured,
        next_departure_on=card.next_departure_on,
    )


def _detail(found: Package) -> PackageDetail:
    return PackageDetail(
        id=found.id,
        slug=found.slug,
        name=found.name,
        title=found.name,
        summary=found.summary,
        description=found.description,
        duration=found.duration_days,
        price=found.price,
        price_from=found.price_from,
        currency=found.currency,
        image=picture_url(found.pictures[0]) if found.pictures else None,
        destinations=[place.name for place in found.places],
        destination_id=found.places[0].id if found.places else None,
        places=found.places,
        themes=found.themes,
        featured=found.featured,
        included=found.included,
        excluded=found.excluded,
        meeting_point=found.meeting_point,
        time_zone=found.time_zone,
        itinerary=found.days,
        pictures=[PictureOut(url=picture_url(picture), alt=picture.alt) for picture in found.pictures],
        extras=found.extras,
    )


def _destination(found: Destination) -> DestinationOut:
    return DestinationOut(
        id=found.id,
        slug=found.slug,
        name=found.name,
        region=found.region,
        summary=found.summary,
        description=found.description,
        image=picture_url(picture_of(found)),
        altitude=found.altitude_m,
        best_season=found.best_season,
        latitude=None if found.latitude is None else float(found.latitude),
        longitude=None if found.longitude is None else float(found.longitude),
        featured=found.featured,
        packages=found.packages,
    )


router = Router(
    path="/",
    route_handlers=[list_packages, get_package, list_destinations, get_destination, get_picture],
    tags=["catalogue"],
)
