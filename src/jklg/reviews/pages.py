"""The doors of reviews: all of a package, the chosen ones, and the form of whoever has travelled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue, reviews
from jklg.bookings.key_ring import OpenBooking, open_booking
from jklg.customers.visits import Complaints, all_complaints
from jklg.kit import cursors
from jklg.kit.errors import Conflict, NotFound
from jklg.kit.texts import first_name
from jklg.reviews import rules
from jklg.web.bodies import read_form
from jklg.web.render import go, page

Ask = Request[Any, Any, State]
SHOWN = 20


@get("/testimonials", include_in_schema=False)
async def testimonials(request: Ask) -> Response[bytes]:
    """What staff have chosen among what travellers say."""
    house = request.app.state.house
    async with house.db.connection() as conn:
        chosen = await reviews.list_chosen(conn, made_up_too=not house.settings.production)
    return page(request, "reviews/testimonials.html", chosen=chosen)


@get("/packages/{slug:str}/reviews", include_in_schema=False)
async def of_package(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """All that is published of one package, page by page."""
    house = request.app.state.house
    async with house.db.connection() as conn:
        package = await catalogue.get_package(conn, slug)
        if package is None:
            raise NotFound("package_not_found", "We do not have this journey.")
        begin = cursors.read_if_given(str(request.query_params.get("cursor", "")))
        found = await reviews.list_of_package(
            conn, package.id, begin, SHOWN + 1, made_up_too=not house.settings.production
        )
    following = (
        cursors.write(cursors.Place(found[SHOWN - 1].decided_at, found[SHOWN - 1].id)) if len(found) > SHOWN else ""
    )
    return page(
        request, "reviews/all_of_package.html", package=package, found=found[:SHOWN], following=following, further=begin
    )


@get("/bookings/{reference:str}/review", include_in_schema=False)
async def form(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """The form, for whoever has travelled; what became of it, for whoever has written."""
    seen = await open_booking(request, reference)
    return await _show(request, seen, {"name": first_name(seen.booking.name)})


@post("/bookings/{reference:str}/review", include_in_schema=False, status_code=200)
async def write(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Say it. Twice is as good as once."""
    seen = await open_booking(request, reference)
    typed = await read_form(request)
    wrong = all_complaints(*rules.checks(typed).values())
    if wrong:
        return await _show(request, seen, typed, wrong)
    with suppress(Conflict):  # too early, or there already: the page says which
        await reviews.write(request.app.state.house.db, seen.booking, rules.read(typed), actor="guest")
    return go(f"/bookings/{seen.booking.reference}/review")


async def _show(
    request: Ask, seen: OpenBooking, typed: Mapping[str, str], wrong: Complaints | None = None
) -> Response[bytes]:
    async with request.app.state.house.db.transaction(seen.claims) as conn:
        there = await reviews.of_booking(conn, seen.booking.id)
    return page(
        request, "reviews/write.html", personal=True, status=wrong.status if wrong else 200, booking=seen.booking,
        there=there, open_to_her=rules.may_write(seen.booking), form=typed, errors=wrong or {},
    )  # fmt: skip


router = Router(path="/", route_handlers=[testimonials, of_package, form, write])
