"""The doors of giving up for a customer. The preview is what will be done; whatever has changed since is told, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import bookings
from jklg.backoffice.forms import amount_of
from jklg.backoffice.looking import Ask, booking_of, eyes_of
from jklg.bookings import Booking, cancelling
from jklg.kit.errors import BadInput, Refusal
from jklg.payments import cancellations
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.web.bodies import read_form
from jklg.web.render import go, page

ACT = "bookings_update_payment"
WORDS = {"adult": "Adults", "child": "Children", "infant": "Infants"}


@get("/staff/bookings/{reference:str}/give-up", include_in_schema=False)
async def look_at_giving_up(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """What it would mean: of everybody, or of some, by the terms or keeping another sum."""
    person = await require_staff(request, ACT)
    form = {name: str(value) for name, value in request.query_params.items()}
    return await _preview(request, person, reference, form)


async def _preview(
    request: Ask, person: Person, reference: str, form: dict[str, str], refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        booking = await booking_of(conn, reference)
        if booking.status != "confirmed":
            return go(f"/staff/bookings/{booking.reference}/money")
        given = None
        try:
            given = await cancelling.work_out(conn, booking, _leaving(form), _kept(form, booking))
        except BadInput as wrong:  # there is nothing to do then but to ask again
            refusal = wrong
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
        before = len(await cancelling.list_of_booking(conn, booking.id))
        travellers = [each for each in await bookings.list_travellers(conn, booking.id) if each.cancelled_at is None]
    return page(
        request, "backoffice/giving_up.html", personal=True, status=refusal.status if refusal else 200, person=person, booking=booking,
        given=given, going=booking.going, words=WORDS, paid=paid, before=before,
        travellers=travellers, promised="tiers" in booking.sold_terms, form=form, error=refusal.sentence if refusal else "",
        error_field=str((refusal.details or {}).get("field", "")) if refusal else "",
    )  # fmt: skip


@post("/staff/bookings/{reference:str}/give-up", include_in_schema=False, status_code=200)
async def give_up(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Do what was shown. Pressed twice it is done once."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    async with eyes_of(request, person) as conn:
        booking = await booking_of(conn, reference)
        travellers = await bookings.list_travellers(conn, booking.id)
    try:
        refund, before = _whole(form, "refund"), _whole(form, "before")
        outcome = await cancellations.cancel(
            request.app.state.house, booking.id, leaving=_leaving(form), expected_refund=refund, before=before,
            travellers=[each.id for each in travellers if form.get(f"traveller.{each.id}")], kept=_kept(form, booking),
            reason=" ".join(form.get("reason", "").split())[:500], actor=f"staff:{person.id}", by_staff=True,
        )  # fmt: skip
    except Refusal as refused:
        answer = await _preview(request, person, reference, form, refused)
        return answer if answer.status_code != 303 else _to_money(booking, "given_up")
    return _to_money(booking, outcome.asked.status if outcome.asked else "given_up")


def _leaving(form: Mapping[str, str]) -> dict[str, int] | None:
    """Who does not travel; None: nobody named, so that nobody does."""
    named = {each: form.get(each, "") for each in WORDS}
    return {each: int(text) for each, text in named.items() if re.fullmatch("[1-9][0-9]{0,2}", text)} or None


def _kept(form: Mapping[str, str], booking: Booking) -> int | None:
    return amount_of(form, booking.currency, "kept") if form.get("kept", "").strip() else None


def _whole(form: Mapping[str, str], field: str) -> int:
    if not re.fullmatch("[0-9]{1,16}", form.get(field, "")):
        raise BadInput("preview_missing", "Please look at what comes back first, then press the button below it.")
    return int(form[field])


def _to_money(booking: Booking, said: str) -> Response[bytes]:
    return go(f"/staff/bookings/{booking.reference}/money?said={said}")


router = Router(path="/", route_handlers=[look_at_giving_up, give_up])
