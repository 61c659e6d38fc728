"""Giving up in pages, for a booking's customer: she sees what comes back before anything happens."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg.bookings import cancelling
from jklg.bookings.key_ring import Ask, OpenBooking, open_booking
from jklg.kit.errors import BadInput, Conflict, Refusal
from jklg.payments import cancellations
from jklg.pricing import terms
from jklg.web.bodies import read_form
from jklg.web.render import go, page

log = logging.getLogger(__name__)


@get("/bookings/{reference:str}/cancel", include_in_schema=False)
async def look_at_giving_up(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """What giving up would mean, of everybody or of some, before anything is done."""
    seen = await open_booking(request, reference)
    if not cancelling.by_herself(seen.booking):
        return _to_booking(seen)
    asked = {category: request.query_params.get(category, "0") for category in seen.booking.party}
    numbers = {category: int(text) for category, text in asked.items() if re.fullmatch("[0-9]{1,3}", text)}
    return await _giving_up_page(request, seen, {each: number for each, number in numbers.items() if number} or None)


async def _giving_up_page(
    request: Ask,
    seen: OpenBooking,
    leaving: dict[str, int] | None,
    refusal: Refusal | None = None,
    ticked: Sequence[UUID] = (),
) -> Response[bytes]:
    """`ticked`: who was said not to travel, when it has to be said again."""
    async with request.app.state.house.db.transaction() as conn:
        try:
            given = await cancelling.work_out(conn, seen.booking, leaving)
        except BadInput as wrong:
            refusal, given = wrong, await cancelling.work_out(conn, seen.booking, None)
        before = len(await cancelling.list_of_booking(conn, seen.booking.id))
    going = seen.booking.going
    return page(
        request,
        "payments/giving_up.html",
        personal=True,
        status=refusal.status if refusal else 200,
        booking=seen.booking,
        given=given,
        before=before,
        going=going,
        paid=seen.paid,
        terms=terms.giving_up(terms.read(seen.booking.sold_terms), deposit=bool(seen.booking.deposit_amount)),
        ticked=ticked,
        travellers=[each for each in seen.travellers if each.cancelled_at is None],
        refusal=refusal.sentence if refusal else "",
    )


@post("/bookings/{reference:str}/cancel", include_in_schema=False, status_code=200)
async def give_up(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Let held seats go, or give up a paid booking as its preview said. Twice is as good as once."""
    seen = await open_booking(request, reference)
    form = await read_form(request)
    leaving, travellers = None, []
    if seen.booking.status == "confirmed":
        wanted = form.get("refund", "")
        if not cancelling.by_herself(seen.booking) or not re.fullmatch("[0-9]{1,16}", wanted):
            return _to_booking(seen)
        named = {category: form.get(category, "") for category in seen.booking.party}
        leaving = {each: int(text) for each, text in named.items() if re.fullmatch("[1-9][0-9]{0,2}", text)} or None
        travellers = [each.id for each in seen.travellers if form.get(f"traveller.{each.id}")]
    try:
        await cancellations.cancel(
            request.app.state.house, seen.booking.id, leaving=leaving, travellers=travellers,
            expected_refund=int(form["refund"]) if seen.booking.status == "confirmed" else None,
            before=int(form["before"]) if re.fullmatch("[0-9]{1,4}", form.get("before", "")) else None, actor="guest",
        )  # fmt: skip
    except (BadInput, Conflict) as refusal:
        log.info("not given up %s: %s", seen.booking.reference, refusal.code)
        if refusal.code in ("preview_outdated", "travellers_missing", "travellers_unknown", "payment_open"):
            return await _giving_up_page(request, await open_booking(request, reference), leaving, refusal, travellers)
    return _to_booking(seen)


def _to_booking(seen: OpenBooking) -> Response[bytes]:
    return go(f"/bookings/{seen.booking.reference}")


router = Router(path="/", route_handlers=[look_at_giving_up, give_up])
