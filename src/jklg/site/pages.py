"""The front of the shop. A journey's page is here because it shows a package with its departures, which stand above the catalogue."""

from __future__ import annotations

from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue, departures, pricing
from jklg.catalogue import PackageCard
from jklg.catalogue.api import picture_url
from jklg.departures import Departure, Price
from jklg.kit.errors import NotFound
from jklg.pricing.rules import ages
from jklg.web.render import page

Ask = Request[Any, Any, State]
FEW_SEATS = 4
"""From here on down the number of seats is said aloud: it is true, and somebody with four friends wants to know."""


@get("/", include_in_schema=False)
async def home(request: Ask) -> Response[bytes]:
    async with request.app.state.house.db.connection() as conn:
        packages = await catalogue.list_packages(conn)
        destinations = await catalogue.list_destinations(conn)
        months = await catalogue.months_on_sale(conn)
    return page(
        request,
        "site/home.html",
        packages=packages[:6],
        hero=_hero(packages),
        destinations=destinations,
        months=months,
        picture_url=picture_url,
    )


def _hero(packages: list[PackageCard]) -> PackageCard | None:
    """The favourite that leaves next."""
    leaving = [package for package in packages if package.next_departure_on]
    return min(leaving, key=lambda package: (not package.featured, package.next_departure_on), default=None)


@get("/packages/{slug:str}", include_in_schema=False)
async def journey(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """One journey, its days, and the departures to choose from."""
    async with request.app.state.house.db.connection() as conn:
        package = await catalogue.get_package(conn, slug)
        if package is None:
            raise NotFound("package_not_found", "We do not have this journey.")
        dates = await departures.list_departures(conn, package.id)
    return page(
        request,
        "site/journey.html",
        package=package,
        dates=dates,
        months=_by_month(dates),
        chosen=_chosen(dates, request.query_params.get("month", ""), request.query_params.get("departure", "")),
        categories=_categories(dates),
        few=FEW_SEATS,
        picture_url=picture_url,
    )


def _by_month(dates: list[Departure]) -> dict[date, list[Departure]]:
    months: dict[date, list[Departure]] = {}
    for departure in dates:
        months.setdefault(departure.starts_on.replace(day=1), []).append(departure)
    return months


def _chosen(dates: list[Departure], month: str, departure_id: str) -> Departure | None:
    """What is ticked at first: what the link names, else the first that has seats in the month that was searched for."""
    free = [departure for departure in dates if departure.seats_left]
    named = [departure for departure in free if str(departure.id) == departure_id]
    fitting = [departure for departure in free if departure.starts_on.isoformat().startswith(month)]
    return next(iter(named or fitting or free), None)


def _categories(dates: list[Departure]) -> dict[str, tuple[str, str]]:
    """Category -> (word for many, ages), from the first departure: who can come along."""
    if not dates:
        return {}
    return {
        price.category: (
            pricing.rules.PEOPLE[price.category][1].capitalize(),
            ages(Price(amount=price.amount, min_age=price.min_age, max_age=price.max_age)),
        )
        for price in dates[0].prices
        if price.category in pricing.rules.PEOPLE
    }


@get("/how-booking-works", include_in_schema=False)
async def how_booking_works(request: Ask) -> Response[bytes]:
    return page(request, "site/how_booking_works.html", hold_minutes=request.app.state.house.settings.hold_minutes)


@get("/terms", include_in_schema=False)
async def terms(request: Ask) -> Response[bytes]:
    return page(request, "site/terms.html", hold_minutes=request.app.state.house.settings.hold_minutes)


@get("/sitemap.xml", include_in_schema=False)
async def sitemap(request: Ask) -> Response[str]:
    async with request.app.state.house.db.connection() as conn:
        packages: list[Any] = await catalogue.list_packages(conn)
        destinations = await catalogue.list_destinations(conn)
    url = request.app.state.house.settings.public_url
    paths = ["/", "/packages", "/destinations", "/how-booking-works", "/terms"]
    paths += [f"/packages/{package.slug}" for package in packages] + [
        f"/destinations/{place.slug}" for place in destinations
    ]
    entries = "".join(f"<url><loc>{escape(url + path)}</loc></url>" for path in paths)
    text = f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
    return Response(text, media_type="application/xml", headers={"Cache-Control": "public, max-age=3600"})


router = Router(path="/", route_handlers=[home, journey, how_booking_works, terms, sitemap])
