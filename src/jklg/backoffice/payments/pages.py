"""The list of payments and the story of one, for staff who see money. Filters are in the address: a page can be kept or sent on."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import FromPath

from jklg.backoffice import queries
from jklg.backoffice.forms import amount_of
from jklg.backoffice.looking import Ask, eyes_of, when, who
from jklg.kit import cursors
from jklg.kit.errors import BadInput, NotFound
from jklg.kit.money import CURRENCIES
from jklg.payments import browsing
from jklg.staff.guard import require_staff
from jklg.web.render import page

LOOK = "bookings_create"
SHOWN = 40
FIELDS = ("q", "status", "gateway", "from", "to", "least", "most", "currency")


@get("/staff/payments", include_in_schema=False)
async def payments(request: Ask) -> Response[bytes]:
    """All attempts to pay, the newest first."""
    person = await require_staff(request, LOOK)
    form = {field: str(request.query_params.get(field, "")).strip() for field in FIELDS}
    error, rows, total = None, [], 0
    try:
        wanted = _wanted(form)
        cursor = request.query_params.get("cursor")
        after = cursors.read_if_given(str(cursor or ""))
    except BadInput as refusal:
        error = refusal
        if (field := str((refusal.details or {}).get("field"))) in ("from", "to"):
            form[field] = ""  # a date field shows nothing but dates
    else:
        async with eyes_of(request, person) as conn:
            rows = await browsing.list_rows(conn, wanted, after, 0, SHOWN + 1)
            total = await browsing.count(conn, wanted)
    following = None
    if len(rows) > SHOWN:
        rows = rows[:SHOWN]
        following = cursors.write(cursors.Place(rows[-1].created_at, rows[-1].id))
    kept = {field: value for field, value in form.items() if value}
    return page(
        request, "backoffice/payments.html", personal=True, status=error.status if error else 200, person=person, rows=rows,
        total=total, most=browsing.COUNTED, form=form, filtered=bool(kept), more=bool(kept.keys() - {"q"}), statuses=browsing.STATUSES, gateways=browsing.GATEWAYS,
        newest="/staff/payments?" + urlencode(kept) if request.query_params.get("cursor") else "",
        following="/staff/payments?" + urlencode({**kept, "cursor": following}) if following else "",
        error=error.sentence if error else "", error_field=str((error.details or {}).get("field", "")) if error else "", when=when,
    )  # fmt: skip


def _wanted(form: dict[str, str]) -> browsing.Wanted:
    currency = form["currency"].upper()
    if currency not in CURRENCIES and (currency or form["least"] or form["most"]):
        raise BadInput("filter_invalid", "Please name a currency, such as INR.", details={"field": "currency"})
    return browsing.wanted(
        status=form["status"], gateway=form["gateway"], since=_day(form, "from"), to=_day(form, "to"),
        amount_min=amount_of(form, currency, "least") if form["least"] else None,
        amount_max=amount_of(form, currency, "most") if form["most"] else None, currency=currency, q=form["q"],
    )  # fmt: skip


def _day(form: dict[str, str], field: str) -> date | None:
    try:
        return date.fromisoformat(form[field]) if form[field] else None
    except ValueError:
        raise BadInput("filter_invalid", "Please write a day as 2026-12-31.", details={"field": field}) from None


@get("/staff/payments/{transaction_id:str}", include_in_schema=False)
async def payment(request: Ask, transaction_id: FromPath[str]) -> Response[bytes]:
    """Everything known of one attempt: what changed it, refunds, disputes, and what it did in the books."""
    person = await require_staff(request, LOOK)
    unknown = NotFound("transaction_not_found", "We cannot find this payment.")
    try:
        known_id = UUID(transaction_id)
    except ValueError:
        raise unknown from None
    async with eyes_of(request, person) as conn:
        found = await browsing.get(conn, known_id)
        if found is None:
            raise unknown
        story = await browsing.story(conn, known_id)
        names = await queries.names_of_staff(conn)
    return page(
        request, "backoffice/payment.html", personal=True, person=person, payment=found, story=story, when=when, who=who(names),
        moment=datetime.fromisoformat,
    )  # fmt: skip


router = Router(path="/", route_handlers=[payments, payment])
