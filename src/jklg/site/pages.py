"""The front of the shop: home, how it works, and what search engines read first."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue
from jklg.catalogue import PackageCard, PackageFilter, agency, faq, finding
from jklg.kit.errors import NotFound
from jklg.kit.languages import ENGLISH, LANGUAGES
from jklg.site import describing
from jklg.site.sharing.pages import card_of_place, card_url
from jklg.web import markup
from jklg.web.render import page
from jklg.web.tongue import in_language

Ask = Request[Any, Any, State]
SHOWN = 6
PUBLIC = (
    "/",
    "/packages",
    "/destinations",
    "/gallery",
    "/how-booking-works",
    "/faq",
    "/about",
    "/testimonials",
    "/contact",
    "/terms",
)
"""Pages without a noun of their own that search engines may tell of. Rooms that add one name it here."""


@get("/", include_in_schema=False)
async def home(request: Ask) -> Response[bytes]:
    settings = request.app.state.house.settings
    async with request.app.state.house.db.connection() as conn:
        packages = await catalogue.list_packages(conn, PackageFilter(limit=SHOWN))
        destinations = await catalogue.list_destinations(conn)
        choices = await finding.choices(conn)
    request.app.state.pages.popular = [(each.name, f"/packages/{each.slug}", each.summary) for each in packages[:4]]
    return page(
        request,
        "site/home.html",
        kept=True,
        packages=packages,
        hero=_hero(packages),
        destinations=destinations,
        choices=choices,
        described=describing.house(settings),
    )


def _hero(packages: list[PackageCard]) -> PackageCard | None:
    """The favourite that leaves next."""
    leaving = [package for package in packages if package.next_departure_on]
    return min(leaving, key=lambda package: (not package.featured, package.next_departure_on), default=None)


@get("/destinations/{slug:str}", include_in_schema=False)
async def place_page(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """One place, and the journeys that come here."""
    settings = request.app.state.house.settings
    async with request.app.state.house.db.connection() as conn:
        place = await catalogue.get_destination(conn, slug)
        if place is None:
            raise NotFound("destination_not_found", "We do not know this place.")
        packages = await catalogue.list_packages(conn, PackageFilter(destination=place.slug))
        others = [each for each in await catalogue.list_destinations(conn) if each.id != place.id]
    return page(
        request,
        "catalogue/place.html",
        kept=True,
        place=place,
        packages=packages,
        others=[each for each in others if each.region == place.region],
        described=describing.place(settings, place),
        share_url=card_url(request, card_of_place(settings, place), "destinations", place.slug),
    )


@get("/how-booking-works", include_in_schema=False)
async def how_booking_works(request: Ask) -> Response[bytes]:
    return page(request, "site/how_booking_works.html", hold_minutes=request.app.state.house.settings.hold_minutes)


@get("/faq", include_in_schema=False)
async def questions(request: Ask) -> Response[bytes]:
    """Questions that many ask, in groups; each has an address of its own."""
    async with request.app.state.house.db.connection() as conn:
        found = await faq.list_questions(conn)
    told = describing.faq([(each.question, markup.plain(each.answer)) for each in found])
    return page(
        request, "site/faq.html", kept=True, groups=faq.groups(found), described=describing.block(told) if found else ""
    )


@get("/about", include_in_schema=False)
async def about(request: Ask) -> Response[bytes]:
    """What the agency says of itself."""
    async with request.app.state.house.db.connection() as conn:
        profile = await agency.get(conn)
    described = describing.about(request.app.state.house.settings, profile)
    return page(request, "site/about.html", kept=True, profile=profile, described=described)


@get("/sitemap.xml", include_in_schema=False)
async def sitemap(request: Ask) -> Response[str]:
    """Every public page in every language, each telling of the others."""
    async with request.app.state.house.db.connection() as conn:
        packages: list[Any] = []
        wanted = PackageFilter(sort="name")
        while found := await catalogue.list_packages(conn, wanted):
            packages += found
            last = found[-1]
            wanted = PackageFilter(sort="name", after=(last.rank, last.name, last.id))
        destinations = await catalogue.list_destinations(conn)
    paths = [
        *PUBLIC,
        *(f"/packages/{each.slug}" for each in packages),
        *(f"/destinations/{each.slug}" for each in destinations),
    ]
    url = request.app.state.house.settings.public_url
    entries = "".join(_entry(url, path) for path in paths)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:xhtml="http://www.w3.org/1999/xhtml">{entries}</urlset>'
    )
    return Response(text, media_type="application/xml", headers={"Cache-Control": "public, max-age=3600"})


def _entry(url: str, path: str) -> str:
    addresses = {code: escape(url + in_language(code, path)) for code in LANGUAGES}
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{code}" href="{address}"/>'
        for code, address in [*addresses.items(), ("x-default", addresses[ENGLISH])]
    )
    return "".join(f"<url><loc>{address}</loc>{others}</url>" for address in addresses.values())


router = Router(path="/", route_handlers=[home, place_page, how_booking_works, questions, about, sitemap])
