"""The doors of shared pictures. Their addresses carry what is on them, so whoever has one may keep it."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue
from jklg.catalogue import Destination, Package, Picture, pictures, scenes
from jklg.catalogue.api import picture_of
from jklg.kit.db import Connection
from jklg.kit.errors import NotFound
from jklg.kit.languages import figures, ngettext
from jklg.kit.languages import gettext as _
from jklg.settings import Settings
from jklg.site.sharing.drawing import Card, draw, photograph, version

Ask = Request[Any, Any, State]
HOUSE = "sonamarg-dusk"


def card_of_package(settings: Settings, package: Package) -> Card:
    """Without a photograph: `with_photo` reads that when the card is drawn."""
    days = ngettext("{n} day", "{n} days", package.duration_days).format(n=package.duration_days)
    price = ""  # a picture is kept for long: it tells no guide price
    if package.price_from is not None:
        price = _("from {amount}").format(amount=figures.money_text(package.price_from, package.currency))
    places = ", ".join(each.name for each in package.places[:3])
    return _card(settings, package.name, " · ".join(each for each in (days, places, price) if each), package.pictures)


def card_of_place(settings: Settings, place: Destination) -> Card:
    height = f"{figures.figure(place.altitude_m)} m" if place.altitude_m else ""
    line = " · ".join(each for each in (place.region, height, place.best_season or "") if each)
    return _card(settings, place.name, line, [picture_of(place)])


def card_of_house(settings: Settings) -> Card:
    return _card(settings, settings.agency_name, _("Guided journeys in small groups"), [Picture(scene=HOUSE, alt="")])


def _card(settings: Settings, title: str, line: str, shown: list[Picture]) -> Card:
    first = next(iter(shown), Picture(scene=HOUSE, alt=""))
    picture = first.photo.digest if first.photo else scenes.draw(first.scene)
    return Card(agency=settings.agency_name, title=title, line=line, picture=picture)


async def with_photo(conn: Connection, card: Card, shown: list[Picture]) -> Card:
    """The same card with the bytes of its photograph."""
    photo = shown[0].photo if shown else None
    if photo is None:
        return card
    width = max(each for each in photo.widths if each <= 1200)
    content = await pictures.get_file(conn, photo.digest, width, "jpeg") or b""
    picture = photograph(content, width, round(photo.height * width / photo.width))
    return Card(agency=card.agency, title=card.title, line=card.line, picture=picture)


def card_url(request: Ask, card: Card, kind: str, slug: str) -> str:
    """Absolute, because those who fetch it stand outside."""
    public = request.app.state.house.settings.public_url
    prefix = request.scope.get("jklg.prefix", "")
    return f"{public}{prefix}/share/{kind}/{slug}.png?v={version(card)}"


@get("/share/house.png", include_in_schema=False)
async def of_house(request: Ask) -> Response[bytes]:
    """Of every page that has none of its own."""
    return await _drawn(card_of_house(request.app.state.house.settings))


@get("/share/{kind:str}/{name:str}", include_in_schema=False)
async def of_page(request: Ask, kind: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Of a package or a destination: `/share/packages/kashmir-bliss.png`."""
    house = request.app.state.house
    slug = name.removesuffix(".png")
    async with house.db.connection() as conn:
        package = await catalogue.get_package(conn, slug) if kind == "packages" else None
        place = await catalogue.get_destination(conn, slug) if kind == "destinations" else None
        if package is not None:
            card = await with_photo(conn, card_of_package(house.settings, package), package.pictures)
        elif place is not None:
            card = await with_photo(conn, card_of_place(house.settings, place), place.pictures)
        else:
            raise NotFound("picture_not_found", "We cannot find this picture.")
    return await _drawn(card)


async def _drawn(card: Card) -> Response[bytes]:
    content = await asyncio.to_thread(draw, card)
    return Response(content, media_type="image/png", headers={"Cache-Control": "public, max-age=604800"})


router = Router(path="/", route_handlers=[of_house, of_page])
