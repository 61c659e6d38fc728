"""The JSON door of giving up, for a booking's customer. Here and not in bookings, because an open payment is closed first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from jklg.bookings import Booking, cancelling
from jklg.bookings.accounts import rights
from jklg.bookings.api import Ask, BookingOut, Token, booking_out
from jklg.kit.errors import Conflict
from jklg.kit.money import grouped
from jklg.payments import cancellations
from jklg.web.once import Done, Key, once

People = Annotated[int, msgspec.Meta(ge=0, le=500)]


class CancellationPreview(msgspec.Struct, kw_only=True):
    """What giving up now would mean, in minor units of `currency`. `worth` is given up, `kept` of it is the fee, `refund` is sent back.
    `before`: how often something of the booking was given up so far; send it along, so that a request that is repeated changes nothing."""

    possible: bool
    worth: int
    kept: int
    refund: int
    currency: str
    percent: int | None
    days_before: int
    whole: bool
    tiers: list[dict[str, int]]
    before: int
    sentence: str


class GivingUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who does not travel (nobody named: nobody does), and what the preview said: what would come back, and how often something was given up."""

    party: dict[str, People] | None = None
    travellers: list[UUID] = []
    expected_refund: int | None = None
    before: Annotated[int, msgspec.Meta(ge=0, le=500)] | None = None


class GivenUp(msgspec.Struct, kw_only=True):
    """The booking afterwards. `refund` in minor units of its currency; `refund_status`: none, waiting, pending, completed, failed."""

    booking: BookingOut
    refund: int
    kept: int
    refund_status: str


@get("/{booking_id:str}/cancellation", summary="What giving up now would mean")
async def preview_cancellation(
    request: Ask,
    booking_id: FromPath[str],
    adult: Annotated[int, QueryParameter(name="adult", ge=0, le=500)] = 0,
    child: Annotated[int, QueryParameter(name="child", ge=0, le=500)] = 0,
    infant: Annotated[int, QueryParameter(name="infant", ge=0, le=500)] = 0,
    x_booking_token: Token = None,
) -> CancellationPreview:
    """Of everything, or of so many people. Carrying it out later on the same day means the same."""
    booking, _, _ = await rights.seen(request, booking_id, x_booking_token)
    leaving = {"adult": adult, "child": child, "infant": infant} if adult or child or infant else None
    async with request.app.state.house.db.transaction() as conn:
        before = len(await cancelling.list_of_booking(conn, booking.id))
        try:
            given = await cancelling.work_out(conn, booking, leaving)
        except Conflict as ended:
            return _preview(booking, None, before, possible=False, sentence=ended.sentence)
    if booking.status == "held":
        sentence = "Nothing was taken. Your seats are released at once."
        return _preview(booking, given, before, possible=leaving is None, sentence=sentence)
    if not cancelling.by_herself(booking):
        sentence = "This booking is paid. Please write to us and we cancel it together."
        return _preview(booking, given, before, possible=False, sentence=sentence)
    back = f"{booking.currency} {grouped(given.refund, booking.currency)}"
    sentence = f"{back} comes back to you the way you paid." if given.refund else "Nothing comes back at this point."
    return _preview(booking, given, before, possible=True, sentence=sentence)


def _preview(
    booking: Booking, given: cancelling.Cancellation | None, before: int, *, possible: bool, sentence: str
) -> CancellationPreview:
    shown = given if possible else None
    return CancellationPreview(
        possible=possible,
        worth=shown.worth if shown else 0,
        kept=shown.kept if shown else 0,
        refund=shown.refund if shown else 0,
        currency=booking.currency,
        percent=shown.percent if shown else None,
        days_before=(booking.starts_on - booking.today).days,
        whole=shown.whole if shown else True,
        tiers=_tiers(booking.sold_terms),
        before=before,
        sentence=sentence,
    )


def _tiers(sold_terms: Mapping[str, object]) -> list[dict[str, int]]:
    return msgspec.convert(sold_terms.get("tiers", []), list[dict[str, int]])


@post(
    "/{booking_id:str}/cancel",
    status_code=200,
    summary="Give up a booking, or some of its people",
    responses={200: ResponseSpec(GivenUp, description="The booking afterwards.", generate_examples=False)},
)
async def cancel_booking(
    request: Ask,
    booking_id: FromPath[str],
    data: JSONBody[GivingUp | None] = None,
    x_booking_token: Token = None,
    idempotency_key: Key = None,
) -> Response[bytes]:
    """409 `booking_paid` where only the agency can, `booking_ended` when there is nothing left to give up, `preview_outdated` when
    something else would come back than `expected_refund`."""
    wanted = data or GivingUp()
    booking, _, right = await rights.seen(request, booking_id, x_booking_token)

    async def give_up(_: UUID | None) -> Done:
        outcome = await cancellations.cancel(
            request.app.state.house,
            booking.id,
            leaving=wanted.party,
            travellers=wanted.travellers,
            expected_refund=wanted.expected_refund,
            before=wanted.before,
            actor=right.actor,
        )
        after, due = (await rights.seen(request, booking_id, x_booking_token))[:2]
        answer = GivenUp(
            booking=booking_out(after, due),
            refund=outcome.given.refund if outcome.given else 0,
            kept=outcome.given.kept if outcome.given else 0,
            refund_status=outcome.asked.status if outcome.asked else "none",
        )
        return Done(msgspec.json.encode(answer))

    return await once(request, right.scope(booking.id), idempotency_key, give_up, about=booking.id)


router = Router(path="/api/bookings", route_handlers=[preview_cancellation, cancel_booking], tags=["bookings"])
