"""The doors of the refund desk, for people. Who may change payments acts; who sees money looks (backoffice/pages)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import bookings
from jklg.backoffice.forms import amount_of, key_of
from jklg.backoffice.looking import Ask, booking_of, eyes_of, when
from jklg.bookings import Booking, cancelling
from jklg.bookings.rules import due
from jklg.kit.errors import NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import consents, desk
from jklg.payments.refunds import queries as refund_queries
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.web.bodies import read_form
from jklg.web.render import go, page

ACT = "bookings_update_payment"
SAID = {
    "completed": "It was sent back.",
    "pending": "It is on its way back. This page tells when it has arrived.",
    "waiting": "Somebody else has to agree to it first.",
    "refused": "It is not sent back.",
    "failed": "The gateway could not send it back. See what needs a person.",
    "recorded": "The payment is written down.",
    "given_up": "The booking was given up.",
    "card_stopped": "The card is not charged any more. Please tell the customer how she pays the rest.",
    "paid_out": "Written down: the money was given back.",
}


@get("/staff/bookings/{reference:str}/money", include_in_schema=False)
async def money(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """What can be done about the money of a booking, and what was asked so far."""
    person = await require_staff(request, ACT)
    return await _money_page(request, person, await _booking(request, person, reference))


async def _money_page(
    request: Ask, person: Person, booking: Booking, refusal: Refusal | None = None, form: dict[str, str] | None = None
) -> Response[bytes]:
    house = request.app.state.house
    async with house.db.transaction() as conn:
        left, disputed = await desk.left_to_refund(conn, booking)
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
    async with eyes_of(request, person) as conn:
        requests = await desk.list_of_booking(conn, booking.id)
        sent = await refund_queries.list_of_booking(conn, booking.id)
        before = await cancelling.list_of_booking(conn, booking.id)
        card = await consents.find_living(conn, booking.id)
    return page(
        request,
        "backoffice/money_of_booking.html",
        personal=True,
        status=refusal.status if refusal else 200,
        person=person,
        booking=booking,
        paid=paid,
        due=due(booking.status, booking.price, paid),
        left=left,
        disputed=disputed,
        requests=requests,
        refunds=sent,
        going=booking.going if booking.status == "confirmed" else {},
        before=before,
        card=card,
        methods=desk.METHODS,
        me=_actor(person),
        once=(form or {}).get("once") or str(uuid7()),
        form=form or {},
        error=refusal.sentence if refusal else "",
        error_field=str((refusal.details or {}).get("field", "")) if refusal else "",
        said=SAID.get(str(request.query_params.get("said", ""))),
        when=when,
    )


@post("/staff/bookings/{reference:str}/refund", include_in_schema=False, status_code=200)
async def refund(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Send a part back, or all. The form carries an id of its own, so that pressing twice is once."""
    person = await require_staff(request, ACT)
    booking = await _booking(request, person, reference)
    form = await read_form(request)
    try:
        amount = amount_of(form, booking.currency) if form.get("amount", "").strip() else None
        asked = await desk.ask_refund(
            request.app.state.house, request_id=key_of(form, "once"), booking_id=booking.id, amount=amount,
            reason=form.get("reason", ""), actor=_actor(person),
        )  # fmt: skip
    except Refusal as refused:
        return await _money_page(request, person, booking, refused, form)
    return _to_money(booking, asked.status)


@post("/staff/bookings/{reference:str}/payment", include_in_schema=False, status_code=200)
async def payment(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Write down what was taken by hand."""
    person = await require_staff(request, ACT)
    booking = await _booking(request, person, reference)
    form = await read_form(request)
    try:
        await desk.record_payment(
            request.app.state.house, payment_id=key_of(form, "once"), booking_id=booking.id, amount=amount_of(form, booking.currency),
            method=form.get("method", ""), note=form.get("note", ""), actor=_actor(person),
        )  # fmt: skip
    except Refusal as refused:
        return await _money_page(request, person, booking, refused, form)
    return _to_money(booking, "recorded")


@post("/staff/bookings/{reference:str}/card/stop", include_in_schema=False, status_code=200)
async def stop_card(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Nothing more is taken from the customer's card. Twice is as good as once."""
    person = await require_staff(request, ACT)
    booking = await _booking(request, person, reference)
    await consents.stop(request.app.state.house.db, booking.id, actor=_actor(person))
    return _to_money(booking, "card_stopped")


@post("/staff/refund-requests/{request_id:str}/{decision:str}", include_in_schema=False, status_code=200)
async def decide(request: Ask, request_id: FromPath[str], decision: FromPath[str]) -> Response[bytes]:
    """Agree to what somebody else asked, or refuse it."""
    person = await require_staff(request, ACT)
    verb = {"approve": desk.approve, "refuse": desk.refuse}.get(decision)
    if verb is None:
        raise _missing()
    async with eyes_of(request, person) as conn:
        found = await desk.get(conn, _uuid(request_id))
        booking = await bookings.get(conn, found.booking_id) if found else None
    if booking is None:
        raise _missing()
    try:
        asked = await verb(request.app.state.house, _uuid(request_id), actor=_actor(person))
    except Refusal as refused:
        return await _money_page(request, person, booking, refused)
    return _to_money(booking, asked.status)


@post("/staff/refunds/{refund_id:str}/paid-out", include_in_schema=False, status_code=200)
async def paid_out(request: Ask, refund_id: FromPath[str]) -> Response[bytes]:
    """Money that was taken by hand was given back by hand."""
    person = await require_staff(request, ACT)
    async with eyes_of(request, person) as conn:
        found = await refund_queries.get(conn, _uuid(refund_id))
        booking = await bookings.get(conn, found.booking_id) if found else None
    if booking is None:
        raise _missing()
    await desk.paid_out(request.app.state.house, _uuid(refund_id), actor=_actor(person))
    return _to_money(booking, "paid_out")


async def _booking(request: Ask, person: Person, reference: str) -> Booking:
    async with eyes_of(request, person) as conn:
        return await booking_of(conn, reference)


def _to_money(booking: Booking, said: str) -> Response[bytes]:
    return go(f"/staff/bookings/{booking.reference}/money?said={said}")


def _actor(person: Person) -> str:
    return f"staff:{person.id}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _missing() from None


def _missing() -> NotFound:
    return NotFound("refund_not_found", "We cannot find this refund.")


_handlers: list[Any] = [money, refund, payment, stop_card, decide, paid_out]
router = Router(path="/", route_handlers=_handlers)
