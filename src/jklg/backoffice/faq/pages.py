"""Questions that many ask: their words, their place, whether they are shown."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg.backoffice.forms import key_of
from jklg.backoffice.looking import Ask
from jklg.catalogue import faq
from jklg.catalogue.faq import Wording
from jklg.kit.errors import BadInput, NotFound
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

SAID = {"kept": N_("Kept."), "removed": N_("It is gone.")}


@get("/staff/faq", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """All of them, in their groups."""
    person = await require_staff(request, "faq_view")
    async with request.app.state.house.db.connection() as conn:
        groups = faq.groups(await faq.list_questions(conn, unpublished=True))
    said = _(SAID.get(str(request.query_params.get("said", "")), ""))
    may_edit = can(person.role, "faq_edit")
    return page(
        request, "backoffice/faq.html", personal=True, person=person, groups=groups, said=said, may_edit=may_edit
    )


@get("/staff/faq/new", include_in_schema=False)
async def new(request: Ask) -> Response[bytes]:
    """The form of one more, at the end of a group."""
    person = await require_staff(request, "faq_create")
    async with request.app.state.house.db.connection() as conn:
        there = await faq.list_questions(conn, unpublished=True)
    last = max((each.position for each in there), default=0)
    form = {"position": str(min(last + 10, 9999)), "published": "1", "id": str(uuid7())}
    return await _form(request, person, None, form)


@get("/staff/faq/{question_id:uuid}", include_in_schema=False)
async def one(request: Ask, question_id: FromPath[UUID]) -> Response[bytes]:
    """One of them, to change."""
    person = await require_staff(request, "faq_edit")
    async with request.app.state.house.db.connection() as conn:
        found = await faq.get(conn, question_id)
    if found is None:
        raise NotFound("faq_not_found", "We cannot find this question.")
    form = {name: str(value) for name, value in msgspec.to_builtins(found).items()}
    return await _form(request, person, question_id, {**form, "published": "1" if found.published else ""})


async def _form(
    request: Ask, person: Person, question_id: UUID | None, form: dict[str, str], refusal: BadInput | None = None
) -> Response[bytes]:
    async with request.app.state.house.db.connection() as conn:
        groups = faq.groups(await faq.list_questions(conn, unpublished=True))
    errors = {str((refusal.details or {}).get("field", "")): _(refusal.sentence)} if refusal else {}
    return page(
        request, "backoffice/faq_question.html", personal=True, status=refusal.status if refusal else 200, person=person,
        question_id=question_id, form=form, errors=errors, categories=[each.name for each in groups],
        may_remove=question_id is not None and can(person.role, "faq_delete"),
    )  # fmt: skip


@post("/staff/faq/new", include_in_schema=False, status_code=200)
async def add(request: Ask) -> Response[bytes]:
    """Keep one more. A form that is sent twice adds one."""
    person = await require_staff(request, "faq_create")
    form = await read_form(request)
    try:
        await faq.add(request.app.state.house.db, _wording(form), id_=key_of(form, "id"), actor=f"staff:{person.id}")
    except BadInput as refusal:
        return await _form(request, person, None, form, refusal)
    return go("/staff/faq?said=kept")


@post("/staff/faq/{question_id:uuid}", include_in_schema=False, status_code=200)
async def change(request: Ask, question_id: FromPath[UUID]) -> Response[bytes]:
    """Change it, or take it away."""
    form = await read_form(request)
    person = await require_staff(request, "faq_delete" if form.get("remove") else "faq_edit")
    db, actor = request.app.state.house.db, f"staff:{person.id}"
    try:
        if form.get("remove"):
            await faq.remove(db, question_id, actor=actor)
            return go("/staff/faq?said=removed")
        await faq.change(db, question_id, _wording(form), actor=actor)
    except BadInput as refusal:
        return await _form(request, person, question_id, form, refusal)
    return go("/staff/faq?said=kept")


def _wording(form: dict[str, str]) -> Wording:
    position = form.get("position", "").strip()
    return Wording(
        question=form.get("question", ""),
        answer=form.get("answer", ""),
        category=form.get("category", ""),
        position=int(position) if re.fullmatch("[0-9]{1,4}", position) else -1,
        published=bool(form.get("published")),
    )


_handlers: list[Any] = [overview, new, add, one, change]
router = Router(path="/", route_handlers=_handlers)
