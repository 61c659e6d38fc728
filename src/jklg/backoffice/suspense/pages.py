"""The doors of money that a concern is about: to its booking, back to the payer, paid another way, or the agency's own."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, post
from litestar.params import FromPath

from jklg import bookings
from jklg.backoffice.concerns import words
from jklg.backoffice.concerns.pages import ACT, actor_of, concern_page, id_of, missing
from jklg.backoffice.forms import amount_of, key_of
from jklg.backoffice.looking import Ask, eyes_of
from jklg.bookings import Booking
from jklg.kit.errors import BadInput, Refusal
from jklg.payments import desk, suspense
from jklg.payments.desk.rules import OWED, SUSPENSE
from jklg.payments.queries import Anomaly, get_anomaly
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.web.bodies import read_form
from jklg.web.render import go


@post("/staff/concerns/payments/{concern_id:str}/apply", include_in_schema=False, status_code=200)
async def apply(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """What lies in suspense goes to the booking, as far as it is due."""
    person = await require_staff(request, ACT)
    concern, booking = await _of_booking(request, person, concern_id)
    try:
        await suspense.apply(request.app.state.house, booking.id, actor=actor_of(person))
    except Refusal as refusal:
        return await concern_page(request, person, concern.id, refusal, "apply")
    return _back(concern, "applied")


@post("/staff/concerns/payments/{concern_id:str}/send-back", include_in_schema=False, status_code=200)
async def send_back(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """What lies in the account that the form names goes back the way it came. The form carries an id of its own: pressed twice it is once."""
    person = await require_staff(request, ACT)
    concern, booking = await _of_booking(request, person, concern_id)
    form = await read_form(request)
    try:
        source = form.get("account", "")
        beyond = source == "customer_deposits"
        if not beyond and source not in (OWED, SUSPENSE):
            raise ValueError(source)
        asked = await desk.ask_refund(
            request.app.state.house, request_id=key_of(form, "once"), booking_id=booking.id, amount=int(form.get("units", "0")) if beyond else None,
            source=None if beyond else source, reason=words.of(concern.kind).what, actor=actor_of(person),
        )  # fmt: skip
    except ValueError:
        raise BadInput("form_too_old", "Please open this page again.") from None
    except Refusal as refusal:
        return await concern_page(request, person, concern.id, refusal, "send-back")
    return _back(concern, f"back_{asked.status}")


@post("/staff/concerns/payments/{concern_id:str}/paid", include_in_schema=False, status_code=200)
async def paid(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """What is owed was paid another way."""
    person = await require_staff(request, ACT)
    concern, booking = await _of_booking(request, person, concern_id)
    form = await read_form(request)
    try:
        amount = amount_of(form, booking.currency) if form.get("amount", "").strip() else None
        asked = await desk.pay_owed(
            request.app.state.house, request_id=key_of(form, "once"), booking_id=booking.id, amount=amount, method=form.get("method", ""),
            note=form.get("note", ""), actor=actor_of(person),
        )  # fmt: skip
    except Refusal as refusal:
        return await concern_page(request, person, concern.id, refusal, "paid", form)
    return _back(concern, f"paid_{asked.status}")


@post("/staff/concerns/payments/{concern_id:str}/meet-loss", include_in_schema=False, status_code=200)
async def meet_loss(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """The payer has it from her bank already: it meets the loss."""
    person = await require_staff(request, ACT)
    concern, booking = await _of_booking(request, person, concern_id)
    try:
        await suspense.meet_loss(request.app.state.house, booking.id, actor=actor_of(person))
    except Refusal as refusal:
        return await concern_page(request, person, concern.id, refusal, "meet-loss")
    return _back(concern, "loss_met")


@post("/staff/concerns/payments/{concern_id:str}/attach", include_in_schema=False, status_code=200)
async def attach(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """A stranger's payment is one of this booking from now on."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        await suspense.attach(
            request.app.state.house, id_of(concern_id), form.get("reference", ""), actor=actor_of(person)
        )
    except Refusal as refusal:
        if refusal.code == "concern_not_found":
            raise
        return await concern_page(request, person, id_of(concern_id), refusal, "reference", form)
    return go(f"/staff/concerns/payments/{id_of(concern_id)}?said=attached")


@post("/staff/concerns/payments/{concern_id:str}/keep", include_in_schema=False, status_code=200)
async def keep(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """A stranger's payment is the agency's own, and these words say what it was."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        await suspense.keep(
            request.app.state.house, id_of(concern_id), note=form.get("what", ""), actor=actor_of(person)
        )
    except Refusal as refusal:
        if refusal.code == "concern_not_found":
            raise
        return await concern_page(request, person, id_of(concern_id), refusal, "what", form)
    return go(f"/staff/concerns/payments/{id_of(concern_id)}?said=adopted")


async def _of_booking(request: Ask, person: Person, concern_id: str) -> tuple[Anomaly, Booking]:
    async with eyes_of(request, person) as conn:
        found = await get_anomaly(conn, id_of(concern_id))
        booking = await bookings.get(conn, found.booking_id) if found and found.booking_id else None
    if found is None or booking is None:
        raise missing()
    return found, booking


def _back(concern: Anomaly, said: str) -> Response[bytes]:
    return go(f"/staff/concerns/payments/{concern.id}?said={said}")


_handlers: list[Any] = [apply, send_back, paid, meet_loss, attach, keep]
router = Router(path="/", route_handlers=_handlers)
