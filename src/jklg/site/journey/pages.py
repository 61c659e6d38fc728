"""The doors of a journey: its page, and the price of what is chosen there."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue, departures, pricing
from jklg.catalogue import maps
from jklg.catalogue.wishes.cookies import of_browser
from jklg.departures import Departure, Offer, Price
from jklg.kit.db import Connection
from jklg.kit.errors import NotFound, Refusal
from jklg.kit.languages import gettext as _
from jklg.pricing.spoken import MANY, ages
from jklg.site import describing
from jklg.site.journey import queries, rules
from jklg.site.sharing.pages import card_of_package, card_url
from jklg.web.render import page

Ask = Request[Any, Any, State]


@get("/packages/{slug:str}", include_in_schema=False)
async def journey(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """One journey, its days, and the departures to choose from: `?month=2027-05`, `?departure=<id>`, and the party."""
    house = request.app.state.house
    asked = rules.read(request.query_params)
    async with house.db.connection() as conn:
        package = await catalogue.get_package(conn, slug)
        if package is None:
            raise NotFound("package_not_found", "We do not have this journey.")
        said = await queries.voices(conn, package.id, made_up_too=not house.settings.production)
        months = await departures.list_months(conn, package.id)
        first = await _first_day(conn, package.id, asked)
        dates = await departures.list_departures(conn, package.id, first, limit=rules.SHOWN + 1)
        shown = dates[: rules.SHOWN]
        chosen = rules.chosen(shown, asked.departure)
        offer = await departures.get_offer(conn, chosen.id) if chosen else None
    sketch = maps.sketch(package.places)
    return page(
        request,
        "site/journey.html",
        kept=True,
        package=package,
        sketch=sketch,
        dates=shown,
        months=rules.by_month(shown),
        all_months=months,
        later=dates[rules.SHOWN].starts_on if len(dates) > rules.SHOWN else None,
        earlier=bool(first) and bool(months) and months[0][0] < (first or date.max),
        calendars=rules.calendars(shown),
        chosen=chosen,
        party=asked.party,
        categories=_categories(shown),
        few=rules.FEW_SEATS,
        wished=package.slug in of_browser(request),
        voices=said,
        described=describing.journey(house.settings, package, shown, said),
        sale=pricing.terms.say(pricing.terms.read(offer.sales_terms), offer.currency) if offer else None,
        share_url=card_url(request, card_of_package(house.settings, package), "packages", package.slug),
        **_priced(offer, asked.party),
    )


async def _first_day(conn: Connection, package_id: Any, asked: rules.Asked) -> date | None:
    """Where the list of dates begins; None: with the next one."""
    if asked.departure is not None:
        offer = await departures.get_offer(conn, asked.departure)
        if offer is not None and offer.package_id == package_id and offer.bookable:
            return offer.starts_on.replace(day=1)
    return asked.month


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
    return page(request, "site/price.html", headers=headers, **_priced(offer, asked.party))


def _priced(offer: Offer | None, party: dict[str, int]) -> dict[str, Any]:
    """What the template of the price needs. A party that cannot travel is told why."""
    if offer is None:
        return {"offer": None, "priced": None, "complaint": ""}
    try:
        priced = pricing.rules.price(offer, party)
    except Refusal as refusal:
        return {"offer": offer, "priced": None, "complaint": _(refusal.sentence)}
    complaint = ""
    if not offer.bookable:
        complaint = _("This departure can no longer be booked.")
    elif priced.seats > offer.seats_left:
        complaint = _("Not enough seats are left on this departure.")
    return {"offer": offer, "priced": priced, "complaint": complaint}


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
