"""The doors of the bank's statements. To look, one must see money; to act, be allowed to change payments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import FromPath

from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.kit.errors import BadInput, NotFound, Refusal
from jklg.reconciliation import statements
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import UNREADABLE, read_form
from jklg.web.render import go, page

LOOK, ACT = "bookings_create", "bookings_update_payment"
SHOWN = 200
SAID = {
    "imported": "The statement is imported.",
    "known": "Every line of this statement was known already. Nothing was added.",
    "matched": "Matched and booked.",
    "none": "Nothing more could be matched beyond doubt.",
    "not_ours": "Written down: it is not ours.",
}


@get("/staff/bank", include_in_schema=False)
async def bank(request: Ask) -> Response[bytes]:
    """What gateways hold, what is on its way, lines that nobody knows, and the form to import a statement."""
    person = await require_staff(request, LOOK)
    return await _bank_page(request, person)


async def _bank_page(
    request: Ask, person: Person, refusal: Refusal | None = None, form: dict[str, str] | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        return page(
            request, "backoffice/bank.html", personal=True, status=refusal.status if refusal else 200, person=person,
            accounts=await statements.list_accounts(conn), payouts=await statements.list_payouts(conn),
            lines=await statements.list_open(conn, SHOWN), statements=await statements.list_statements(conn, 20),
            may_act=can(person.role, ACT), error=refusal.sentence if refusal else "",
            error_field=str((refusal.details or {}).get("field", "")) if refusal else "", form=form or {},
            said=SAID.get(str(request.query_params.get("said", ""))), when=when,
        )  # fmt: skip


@post("/staff/bank/import", include_in_schema=False, status_code=200)
async def import_statement(request: Ask) -> Response[bytes]:
    """Take in a statement, all of it or nothing."""
    person = await require_staff(request, ACT)
    form: dict[str, str] = {}
    try:
        form, name, data = await _upload(request)
        told = await statements.import_file(
            request.app.state.house.db, data, file_name=name, actor=_actor(person), account=form.get("account", ""),
            currency=form.get("currency", "").strip().upper(), dates=form.get("dates") or None, decimal=form.get("decimal") or None,
        )  # fmt: skip
    except Refusal as refusal:
        return await _bank_page(request, person, refusal, form)
    return go(f"/staff/bank?said={'imported' if told.new else 'known'}")


@post("/staff/bank/match", include_in_schema=False, status_code=200)
async def match_all(request: Ask) -> Response[bytes]:
    """Match what became known since the import. It books only what is beyond doubt, however often it is pressed."""
    await require_staff(request, ACT)
    found = await statements.match_due(request.app.state.house.db)
    return go(f"/staff/bank?said={'matched' if found else 'none'}")


@get("/staff/bank/lines/{line_id:str}", include_in_schema=False)
async def line(request: Ask, line_id: FromPath[str]) -> Response[bytes]:
    """One line, and what it may be."""
    person = await require_staff(request, LOOK)
    return await _line_page(request, person, _uuid(line_id))


async def _line_page(
    request: Ask, person: Person, line_id: UUID, refusal: Refusal | None = None, ticked: Sequence[UUID] = ()
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        found = await statements.get_line(conn, line_id)
        if found is None:
            raise _missing()
        return page(
            request, "backoffice/bank_line.html", personal=True, status=refusal.status if refusal else 200, person=person, line=found,
            choices=await statements.choices(conn, found), parts=await statements.list_parts(conn, line_id), ticked=ticked, may_act=can(person.role, ACT), error=refusal.sentence if refusal else "", when=when,
        )  # fmt: skip


@post("/staff/bank/lines/{line_id:str}/match", include_in_schema=False, status_code=200)
async def match(request: Ask, line_id: FromPath[str]) -> Response[bytes]:
    """It is this payout, or what was taken and given back by hand, all that is ticked."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    others = [_uuid(name.removeprefix("part.")) for name in form if name.startswith("part.")]
    try:
        await statements.match(request.app.state.house.db, _uuid(line_id), others, actor=_actor(person))
    except Refusal as refusal:
        if refusal.code == "bank_line_not_found":
            raise
        return await _line_page(request, person, _uuid(line_id), refusal, others)
    return go("/staff/bank?said=matched")


@post("/staff/bank/lines/{line_id:str}/not-ours", include_in_schema=False, status_code=200)
async def not_ours(request: Ask, line_id: FromPath[str]) -> Response[bytes]:
    """It has nothing to do with bookings, and these words say what it is."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        await statements.not_ours(
            request.app.state.house.db, _uuid(line_id), note=form.get("note", ""), actor=_actor(person)
        )
    except Refusal as refusal:
        if refusal.code == "bank_line_not_found":
            raise
        return await _line_page(request, person, _uuid(line_id), refusal)
    return go("/staff/bank?said=not_ours")


async def _upload(request: Ask) -> tuple[dict[str, str], str, bytes]:
    """The fields of the form, and the name and content of the file. BadInput (file_missing)."""
    kind, _ = request.content_type
    try:
        sent = await request.form() if kind == RequestEncodingType.MULTI_PART else {}
    except UNREADABLE:
        sent = {}
    file = sent.get("file")
    data = await file.read() if file is not None and hasattr(file, "read") else b""
    if not data:
        raise BadInput("file_missing", "Please choose the file that your bank gave you.", details={"field": "file"})
    fields = {name: value.replace("\0", "") for name, value in sent.items() if isinstance(value, str)}
    return fields, str(getattr(file, "filename", "") or "statement").replace("\0", ""), data


def _actor(person: Person) -> str:
    return f"staff:{person.id}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _missing() from None


def _missing() -> NotFound:
    return NotFound("bank_line_not_found", "We cannot find this line.")


_handlers: list[Any] = [bank, import_statement, match_all, line, match, not_ours]
router = Router(path="/", route_handlers=_handlers)
