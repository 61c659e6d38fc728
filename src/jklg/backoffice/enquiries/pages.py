"""What people have written to us: who waits for an answer, the thread, and the answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import bookings, enquiries, questions
from jklg.backoffice import piles
from jklg.backoffice.forms import key_of
from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.bookings.rules import REFERENCE
from jklg.kit.cursors import Place
from jklg.kit.errors import BadInput, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT, ERASE = "tickets_view", "tickets_edit", "tickets_delete"
WORDS = {
    "open": ("wait", N_("Waits for an answer")),
    "answered": ("good", N_("Answered")),
    "closed": ("done", N_("Closed")),
}
SAID = {
    "answered": N_("The answer is on its way."),
    "noted": N_("Written down. The enquiry waits for an answer again."),
    "closed": N_("Closed."),
    "open": N_("Open again."),
    "erased": N_("Erased. Nothing of it is left."),
}


@get("/staff/enquiries", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """Those that wait, the longest first; or `?state=answered`, `?state=closed`."""
    person = await require_staff(request, LOOK)
    state, after = piles.wanted(request, enquiries.STATES)
    async with eyes_of(request, person) as conn:
        found = await enquiries.list_tickets(conn, state, after, piles.READ)
        waiting = await enquiries.count_open(conn)
        asked = await questions.count_open(conn)
    found, following = piles.cut(found, state, "/staff/enquiries", lambda row: Place(row.moved_at, row.id))
    return page(
        request, "backoffice/enquiries.html", personal=True, person=person, found=found, state=state, waiting=waiting, asked=asked,
        words=piles.spoken(WORDS), following=following, said=piles.said(request, SAID), when=when,
    )  # fmt: skip


@get("/staff/enquiries/{ticket_id:uuid}", include_in_schema=False)
async def one(request: Ask, ticket_id: FromPath[UUID]) -> Response[bytes]:
    """The thread, the booking it may be about, and the form of the answer."""
    person = await require_staff(request, LOOK)
    return await _show(request, person, ticket_id)


async def _show(
    request: Ask, person: Person, ticket_id: UUID, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        ticket = await enquiries.get(conn, ticket_id)
        if ticket is None:
            raise NotFound("enquiry_not_found", "We cannot find this enquiry.")
        messages = await enquiries.list_messages(conn, ticket_id)
        reference = ticket.booking_reference
        booking = await bookings.get_by_reference(conn, reference) if REFERENCE.fullmatch(reference) else None
    field = str((refusal.details or {}).get("field", "")) if refusal else ""
    return page(
        request, "backoffice/enquiry.html", personal=True, status=refusal.status if refusal else 200, person=person, ticket=ticket,
        messages=messages, booking=booking, hers=booking is not None and booking.email.lower() == ticket.email.lower(), words=piles.spoken(WORDS),
        form=form or {"message_id": str(uuid7())}, errors={field: _(refusal.sentence)} if refusal else {}, said=piles.said(request, SAID),
        may_answer=can(person.role, ACT), may_erase=can(person.role, ERASE), when=when,
    )  # fmt: skip


@post("/staff/enquiries/{ticket_id:uuid}/answer", include_in_schema=False, status_code=200)
async def answer(request: Ask, ticket_id: FromPath[UUID]) -> Response[bytes]:
    """Mail the answer. A form that is sent twice mails once."""
    person = await require_staff(request, ACT)
    house, form = request.app.state.house, await read_form(request)
    try:
        await enquiries.answer(
            house.db, house.settings, ticket_id, message_id=key_of(form, "message_id"), text=form.get("answer", ""), name=person.name,
            actor=f"staff:{person.id}",
        )  # fmt: skip
    except BadInput as refusal:
        return await _show(request, person, ticket_id, form, refusal)
    return go(f"/staff/enquiries/{ticket_id}?said=answered")


@post("/staff/enquiries/{ticket_id:uuid}/note", include_in_schema=False, status_code=200)
async def note(request: Ask, ticket_id: FromPath[UUID]) -> Response[bytes]:
    """Write down what was said elsewhere."""
    person = await require_staff(request, ACT)
    house, form = request.app.state.house, await read_form(request)
    try:
        await enquiries.note(
            house.db,
            ticket_id,
            message_id=key_of(form, "message_id"),
            text=form.get("note", ""),
            actor=f"staff:{person.id}",
        )
    except BadInput as refusal:
        return await _show(request, person, ticket_id, form, refusal)
    return go(f"/staff/enquiries/{ticket_id}?said=noted")


@post("/staff/enquiries/{ticket_id:uuid}/move", include_in_schema=False, status_code=200)
async def move(request: Ask, ticket_id: FromPath[UUID]) -> Response[bytes]:
    """Close it, or open it again."""
    person = await require_staff(request, ACT)
    to = "open" if (await read_form(request)).get("to") == "open" else "closed"
    await enquiries.move(request.app.state.house.db, ticket_id, status=to, actor=f"staff:{person.id}")
    return go(f"/staff/enquiries/{ticket_id}?said={to}")


@post("/staff/enquiries/{ticket_id:uuid}/erase", include_in_schema=False, status_code=200)
async def erase(request: Ask, ticket_id: FromPath[UUID]) -> Response[bytes]:
    """For an Admin: as if it had never been written."""
    person = await require_staff(request, ERASE)
    if not (await read_form(request)).get("sure"):
        refusal = BadInput("not_sure", "Please tick that you are sure.", details={"field": "sure"})
        return await _show(request, person, ticket_id, None, refusal)
    await enquiries.erase(request.app.state.house.db, ticket_id, actor=f"staff:{person.id}")
    return go("/staff/enquiries?said=erased")


_handlers: list[Any] = [overview, one, answer, note, move, erase]
router = Router(path="/", route_handlers=_handlers)
