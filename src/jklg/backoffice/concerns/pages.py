"""The doors of what needs a person. To look, one must see money; to act, be allowed to change payments."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import bookings, history, payments
from jklg.backoffice.concerns import aside as put_aside
from jklg.backoffice.concerns import queries, words
from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.kit.errors import Conflict, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import aside, desk, disputes, rules, suspense
from jklg.payments.queries import Anomaly, get_anomaly
from jklg.reconciliation import movements
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT = "bookings_create", "bookings_update_payment"
SAID = {
    "taken": "It is yours now.",
    "looked": "The gateway was asked, and what it said is booked.",
    "silent": "The gateway did not answer. Try again in a while.",
    "stumbled": "The gateway answered, and its answer cannot be booked. The error is written down.",
    "again": "It is in the queue again. The worker takes it within seconds; if it fails again, it comes back here.",
    "settled": "Settled.",
    "closed": "The payment is closed. The customer may pay in another way.",
    "adopted": "Booked as the agency's own, and settled.",
    "attached": "It is a payment of this booking from now on.",
    "applied": "Applied to the booking.",
    "back_completed": "It was sent back.",
    "back_pending": "It is on its way back.",
    "back_waiting": "Somebody else has to agree before it is sent back.",
    "back_failed": "The gateway could not send it back.",
    "loss_met": "Booked against the loss. Nobody owes it any more.",
    "paid_completed": "Written down: it was paid another way.",
    "paid_waiting": "Somebody else has to agree first. Pay it after that.",
}


@get("/staff/concerns/payments/{concern_id:str}", include_in_schema=False)
async def concern(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """What happened, whose it is, what looking again would do, and how to settle it."""
    person = await require_staff(request, LOOK)
    return await concern_page(request, person, id_of(concern_id))


async def concern_page(
    request: Ask,
    person: Person,
    concern_id: UUID,
    refusal: Refusal | None = None,
    error_field: str = "",
    form: dict[str, str] | None = None,
) -> Response[bytes]:
    """One concern with everything that can be done about it; `refusal` and `error_field` say what could not, and where."""
    house = request.app.state.house
    async with eyes_of(request, person) as conn:
        found = await get_anomaly(conn, concern_id)
        if found is None:
            raise missing()
        booking = await bookings.get(conn, found.booking_id) if found.booking_id else None
        transaction = await payments.get(conn, found.transaction_id) if found.transaction_id else None
        disputed = await disputes.list_of_transaction(conn, found.transaction_id) if found.transaction_id else []
        owner = await queries.name_of(conn, found.owner)
        settled_by = await queries.name_of(conn, found.resolved_by)
        left_aside = await put_aside.of(conn, found)
    foreseen = money = None
    if found.resolved_at is None:
        async with house.db.transaction() as conn:
            money = await suspense.look(conn, found, booking)
        if transaction is not None:
            foreseen = await payments.foresee(house, transaction.id)
    return page(
        request, "backoffice/concern.html", personal=True, status=refusal.status if refusal else 200, person=person, concern=found, booking=booking,
        transaction=transaction, disputes=disputed, owner=owner, mine=found.owner == actor_of(person), settled_by=settled_by,
        aside=left_aside, foreseen=foreseen, money=money, methods=desk.METHODS, once=uuid7(), form=form or {}, closable=_closable(found, transaction), daily=found.kind in movements.CONCERNS,
        adoptable=found.kind in movements.ADOPTED and found.transaction_id is None, words=words.of(found.kind), currency=_currency(found, transaction), may_act=can(person.role, ACT), error=refusal.sentence if refusal else "", error_field=error_field,
        error_at=str((refusal.details or {}).get("field", "")) if refusal else "", when=when,
        said=SAID.get(str(request.query_params.get("said", ""))),
    )  # fmt: skip


@post("/staff/concerns/payments/{concern_id:str}/take", include_in_schema=False, status_code=200)
async def take(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """It is mine from now on."""
    person = await require_staff(request, ACT)
    await payments.take_on(request.app.state.house.db, id_of(concern_id), actor=actor_of(person))
    return go(f"/staff/concerns/payments/{id_of(concern_id)}?said=taken")


@post("/staff/concerns/payments/{concern_id:str}/look", include_in_schema=False, status_code=200)
async def look(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """Ask the gateway again. It books what is true and nothing else, however often it is pressed."""
    person = await require_staff(request, ACT)
    house = request.app.state.house
    async with eyes_of(request, person) as conn:
        found = await get_anomaly(conn, id_of(concern_id))
    daily = found is not None and found.kind in movements.CONCERNS
    if found is None or not (daily or found.transaction_id):
        raise missing()
    said = "looked"
    if found.transaction_id is not None:
        asking = payments.settle(house, found.transaction_id, source="staff")
        answer = await payments.alone(house, found.transaction_id, asking)
        said = "stumbled" if answer is None else "silent" if answer.unknown else said
    if daily and not await movements.look_again(house, str(found.detail["gateway"])):
        said = "silent"
    async with house.db.transaction() as conn:
        await history.record(conn, actor_of(person), "concern.looked_at", "anomaly", found.id)
    return go(f"/staff/concerns/payments/{found.id}?said={said}")


@post("/staff/concerns/payments/{concern_id:str}/again", include_in_schema=False, status_code=200)
async def again(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """Send the mail, look into the webhook or tell the news once more, and settle the concern with that."""
    person = await require_staff(request, ACT)
    try:
        await aside.again(request.app.state.house, id_of(concern_id), actor=actor_of(person))
    except Refusal as refusal:
        if refusal.code == "concern_not_found":
            raise
        return await concern_page(request, person, id_of(concern_id), refusal)
    return go(f"/staff/concerns/payments/{id_of(concern_id)}?said=again")


@post("/staff/concerns/payments/{concern_id:str}/adopt", include_in_schema=False, status_code=200)
async def adopt(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """It is the agency's own, and these words say what it was: the difference is booked as it is."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        await movements.adopt(
            request.app.state.house,
            id_of(concern_id),
            shown=form.get("shown", ""),
            note=form.get("what", ""),
            actor=actor_of(person),
        )
    except Refusal as refusal:
        if refusal.code == "concern_not_found":
            raise
        return await concern_page(request, person, id_of(concern_id), refusal, "what")
    return go(f"/staff/concerns/payments/{id_of(concern_id)}?said=adopted")


@post("/staff/concerns/payments/{concern_id:str}/settle", include_in_schema=False, status_code=200)
async def settle(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """It is dealt with, and these words say how."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        await payments.settle_concern(
            request.app.state.house.db, id_of(concern_id), actor=actor_of(person), note=form.get("note", "")
        )
    except Refusal as refusal:
        if refusal.code not in ("note_missing", "money_still_lies"):
            raise
        return await concern_page(request, person, id_of(concern_id), refusal, "note")
    return go(f"/staff/concerns/payments/{id_of(concern_id)}?said=settled")


@post("/staff/concerns/payments/{concern_id:str}/close", include_in_schema=False, status_code=200)
async def close(request: Ask, concern_id: FromPath[str]) -> Response[bytes]:
    """Nobody can ask the gateway about this payment any more: it is closed here, and the concern settled with the same words."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    house = request.app.state.house
    async with eyes_of(request, person) as conn:
        found = await get_anomaly(conn, id_of(concern_id))
        transaction = await payments.get(conn, found.transaction_id) if found and found.transaction_id else None
    if found is None or transaction is None:
        raise missing()
    here = f"/staff/concerns/payments/{found.id}"
    if not _closable(found, transaction):
        return go(here)
    try:
        await desk.close_attempt(house, transaction.id, note=form.get("words", ""), actor=actor_of(person))
    except Refusal as refusal:
        return await concern_page(request, person, found.id, refusal, "words")
    with suppress(Conflict):  # settled meanwhile, or it alone tells of other money of the booking
        await payments.settle_concern(house.db, found.id, actor=actor_of(person), note=form["words"])
    return go(f"{here}?said=closed")


def _closable(found: Anomaly, transaction: payments.Transaction | None) -> bool:
    """Whether it is about an open payment that its gateway does not show."""
    return found.kind == "gateway_refused_lookup" and transaction is not None and transaction.state in rules.OPEN


def _currency(found: Anomaly, transaction: payments.Transaction | None) -> str:
    """What the numbers of a concern are counted in; '' when nobody knows."""
    said = found.detail.get("currency")
    return said if isinstance(said, str) else transaction.currency if transaction else ""


def actor_of(person: Person) -> str:
    """As whom the history knows somebody of the staff."""
    return f"staff:{person.id}"


def id_of(text: str) -> UUID:
    """NotFound (concern_not_found) for what cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise missing() from None


def missing() -> NotFound:
    """The one answer for what is not there."""
    return NotFound("concern_not_found", "We cannot find this.")


_handlers: list[Any] = [concern, take, look, again, adopt, close, settle]
router = Router(path="/", route_handlers=_handlers)
