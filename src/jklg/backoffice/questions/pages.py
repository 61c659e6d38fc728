"""What people ask about packages: who waits, the answer, and whether both are shown on the package's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import questions
from jklg.backoffice import piles
from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.kit.cursors import Place
from jklg.kit.errors import BadInput, Refusal
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.questions.rules import no_question
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT, ERASE = "tickets_view", "tickets_edit", "tickets_delete"
WORDS = {
    "open": ("wait", N_("Waits for an answer")),
    "published": ("good", N_("Answered and shown")),
    "answered": ("good", N_("Answered")),
    "closed": ("done", N_("Closed")),
}
SAID = {
    "answered": N_("The answer is on its way."),
    "saved": N_("Saved. Nothing was mailed: the answer had gone before."),
    "closed": N_("Closed. It is not shown."),
    "open": N_("Open again."),
    "erased": N_("Erased. Nothing of it is left."),
}


@get("/staff/questions", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """Those that wait, the longest first; or `?state=published`, `?state=answered`, `?state=closed`."""
    person = await require_staff(request, LOOK)
    state, after = piles.wanted(request, questions.STATES)
    async with eyes_of(request, person) as conn:
        found = await questions.list_by_status(conn, state, after, piles.READ)
        waiting = await questions.count_open(conn)
    found, following = piles.cut(found, state, "/staff/questions", lambda row: Place(row.moved_at, row.id))
    return page(
        request, "backoffice/questions.html", personal=True, person=person, found=found, state=state, waiting=waiting,
        words=piles.spoken(WORDS), following=following, said=piles.said(request, SAID), when=when,
    )  # fmt: skip


@get("/staff/questions/{question_id:uuid}", include_in_schema=False)
async def one(request: Ask, question_id: FromPath[UUID]) -> Response[bytes]:
    """The question as it was asked, and the form of the answer."""
    person = await require_staff(request, LOOK)
    return await _show(request, person, question_id)


async def _show(
    request: Ask, person: Person, question_id: UUID, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        asked = await questions.get(conn, question_id)
    if asked is None:
        raise no_question()
    shown = "1" if asked.status in ("open", "published") else ""
    errors = {str((refusal.details or {}).get("field", "")): _(refusal.sentence)} if refusal else {}
    return page(
        request, "backoffice/question.html", personal=True, status=refusal.status if refusal else 200, person=person, asked=asked,
        words=piles.spoken(WORDS), errors=errors, form=form or {"question": asked.question, "answer": asked.answer, "publish": shown},
        said=piles.said(request, SAID), may_answer=can(person.role, ACT), may_erase=can(person.role, ERASE), when=when,
    )  # fmt: skip


@post("/staff/questions/{question_id:uuid}/answer", include_in_schema=False, status_code=200)
async def answer(request: Ask, question_id: FromPath[UUID]) -> Response[bytes]:
    """Mail the answer the first time, and show both or not."""
    person = await require_staff(request, ACT)
    house, form = request.app.state.house, await read_form(request)
    try:
        mailed = await questions.answer(
            house.db, house.settings, question_id, text=form.get("answer", ""), shown=form.get("question", ""),
            publish=bool(form.get("publish")), name=person.name, actor=f"staff:{person.id}",
        )  # fmt: skip
    except BadInput as refusal:
        return await _show(request, person, question_id, form, refusal)
    return go(f"/staff/questions/{question_id}?said={'answered' if mailed else 'saved'}")


@post("/staff/questions/{question_id:uuid}/move", include_in_schema=False, status_code=200)
async def move(request: Ask, question_id: FromPath[UUID]) -> Response[bytes]:
    """Close it, or open it again."""
    person = await require_staff(request, ACT)
    to = "open" if (await read_form(request)).get("to") == "open" else "closed"
    await questions.move(request.app.state.house.db, question_id, status=to, actor=f"staff:{person.id}")
    return go(f"/staff/questions/{question_id}?said={to}")


@post("/staff/questions/{question_id:uuid}/erase", include_in_schema=False, status_code=200)
async def erase(request: Ask, question_id: FromPath[UUID]) -> Response[bytes]:
    """For an Admin: as if it had never been asked."""
    person = await require_staff(request, ERASE)
    if not (await read_form(request)).get("sure"):
        refusal = BadInput("not_sure", "Please tick that you are sure.", details={"field": "sure"})
        return await _show(request, person, question_id, None, refusal)
    await questions.erase(request.app.state.house.db, question_id, actor=f"staff:{person.id}")
    return go("/staff/questions?said=erased")


_handlers: list[Any] = [overview, one, answer, move, erase]
router = Router(path="/", route_handlers=_handlers)
