"""The doors of a journey: its page, and the price of what is chosen there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue, departures, pricing
from jklg.catalogue import maps
from jklg.catalogue.wishes.cookies import of_browser
from jklg.departures import Departure, Offer, Price
from jklg.kit.db import VISITOR, Connection
from jklg.kit.errors import NotFound, Refusal
from jklg.kit.languages import figures
from jklg.kit.languages import gettext as _
from jklg.pricing.spoken import MANY, ages
from jklg.site import describing
from jklg.site.journey import queries, rules
from jklg.site.sharing.pages import card_of_package, card_url
from jklg.web.render import page

Ask = Request[Any, Any, State]


@get("/packages/{slug:str}", include_in_schema=False)
async def journey(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """One journey, its days, and the departures to choose from: `?from=2027-05-13`, `?month=2027-05`, `?departure=<id>`, and the party."""
    house = request.app.state.house
    asked = rules.read(request.query_params)
    async with house.db.transaction(VISITOR, planned_once=True) as conn:
        package = await catalogue.get_package(conn, slug)
        if package is None:
            raise NotFound("package_not_found", "We do not have this journey.")
        said = await queries.voices(conn, package.id, made_up_too=not house.settings.production)
        months = await departures.list_months(conn, package.id)
        named = await _named(conn, package.id, asked.departure)
        shown = await _dates(conn, package.id, asked.first, named)
        chosen = rules.chosen(shown, named)
        offer = named
        if named is None or chosen is None:
            offer = await departures.get_offer(conn, chosen.id) if chosen else None
        around = await _around(conn, package.id, shown, from_the_first=named is None and asked.first is None)
    sketch = maps.sketch(package.places)
    return page(
        request,
        "site/journey.html",
        kept=True,
        package=package,
        sketch=sketch,
        dates=shown,
        gone=named if named and not chosen else None,
        months=rules.by_month(shown),
        all_months=months,
        chosen=chosen,
        party=asked.party,
        categories=_categories(shown),
        few=rules.FEW_SEATS,
        wished=package.slug in of_browser(request),
        voices=said,
        described=describing.journey(house.settings, package, shown, said),
        sale=pricing.terms.say(pricing.terms.read(offer.sales_terms), offer.currency) if offer else None,
        share_url=card_url(request, card_of_package(house.settings, package), "packages", package.slug),
        **around,
        **_priced(offer, asked.party, package.time_zone),
    )


async def _named(conn: Connection, package_id: UUID, departure_id: UUID | None) -> Offer | None:
    """The departure of this package that the link names, whether or not it can be booked."""
    offer = await departures.get_offer(conn, departure_id) if departure_id else None
    return offer if offer and offer.package_id == package_id else None


async def _dates(conn: Connection, package_id: UUID, first: date | None, named: Offer | None) -> list[Departure]:
    """From that day on; around what is named: from its month on, or from its day where the month is too full to reach it."""
    if named is None:
        return await departures.list_departures(conn, package_id, first, limit=rules.SHOWN)
    month = named.starts_on.replace(day=1)
    dates = await departures.list_departures(conn, package_id, month, limit=rules.SHOWN)
    if len(dates) >= rules.SHOWN and dates[-1].starts_on < named.starts_on:
        dates = await departures.list_departures(conn, package_id, named.starts_on, limit=rules.SHOWN)
    return dates or await departures.list_departures(conn, package_id, limit=rules.SHOWN)


async def _around(
    conn: Connection, package_id: UUID, shown: list[Departure], *, from_the_first: bool
) -> dict[str, Any]:
    """What leads from the list to every other date: earlier and later ones, whole months, and where none of these has seats, one that has."""
    if not shown:
        return {"earlier": None, "later": None, "calendars": [], "elsewhere": None}
    first, last = shown[0].starts_on, shown[-1].starts_on
    before, later = await departures.days_beside(
        conn, package_id, None if from_the_first else first, last, rules.SHOWN + 1
    )
    months, end = rules.months_of_calendar(shown)
    days = await departures.list_days(conn, package_id, months[0], end)
    elsewhere = None
    if not any(each.seats_left for each in shown):
        elsewhere = await departures.next_with_seats(conn, package_id, last)
        elsewhere = elsewhere or await departures.next_with_seats(conn, package_id, None)
    return {
        "earlier": rules.earlier(before),
        "later": later,
        "calendars": rules.calendars(months, days),
        "elsewhere": elsewhere,
    }


@get("/packages/{slug:str}/price", include_in_schema=False)
async def price(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """The price of what is chosen, for `picker.js`: a part of the page and nothing else. Holds nothing, keeps nothing."""
    asked = rules.read(request.query_params)
    async with request.app.state.house.db.connection() as conn:
        offer = await departures.get_offer(conn, asked.departure) if asked.departure else None
        package = await catalogue.get_package(conn, slug)
    if offer is None or package is None or offer.package_id != package.id:
        raise NotFound("departure_not_found", "We cannot find this departure.")
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return page(request, "site/price.html", headers=headers, **_priced(offer, asked.party, package.time_zone))


def _priced(offer: Offer | None, party: dict[str, int], zone: str) -> dict[str, Any]:
    """What the template of the price needs, with the last day for booking in `zone`. A party that cannot travel is told why."""
    if offer is None:
        return {"offer": None, "priced": None, "complaint": ""}
    last_day = figures.date_at(offer.cutoff_at - timedelta(microseconds=1), zone)  # from the cut-off on it is too late
    try:
        priced = pricing.rules.price(offer, party)
    except Refusal as refusal:
        return {"offer": offer, "last_day": last_day, "priced": None, "complaint": _(refusal.sentence)}
    complaint = ""
    if not offer.bookable:
        complaint = _("This departure can no longer be booked.")
    elif priced.seats > offer.seats_left:
        complaint = _("Not enough seats are left on this departure.")
    return {"offer": offer, "last_day": last_day, "priced": priced, "complaint": complaint}


def _categories(dates: list[Departure]) -> dict[str, tuple[str, str]]:
    """Category -> (word for many, ages), from the first departure: who can come along."""
    if not dates:
        return {}
    return {
        each.category: (
            _(MANY[each.category]),
            ages(Price(amount=each.amount, min_age=each.min_age, max_age=each.max_age)),
        )
        for each in dates[0].prices
        if each.category in MANY
    }


router = Router(path="/", route_handlers=[journey, price])
