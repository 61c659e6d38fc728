"""The JSON doors of browsing, with the paths and words of the contract (contract.md 1)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from jklg.bookings.api import Ask
from jklg.kit import cursors
from jklg.kit.db import claims
from jklg.kit.errors import BadInput, NotFound
from jklg.payments import browsing
from jklg.payments.browsing.queries import Row
from jklg.staff.guard import require_staff
from jklg.web.hot import HOT

PERMISSION = "bookings_view"
DEEPEST = 500
"""The last page that can be asked for by its number, as an older client does. Further back one goes by `cursor`."""
Whole = Annotated[int | None, QueryParameter(ge=0, le=10**15)]
Id = Annotated[UUID | None, QueryParameter()]


class Pagination(msgspec.Struct, kw_only=True, rename="camel"):
    """`total` is counted up to 10,000; `next` is the cursor of the next page, None on the last one."""

    page: int | None
    limit: int
    total: int
    total_pages: int
    next: str | None


class Transactions(msgspec.Struct, kw_only=True):
    """A page of attempts, the newest first. Minor units; times in UTC."""

    transactions: list[Row]
    pagination: Pagination


class OneTransaction(msgspec.Struct, kw_only=True):
    """An attempt with everything that belongs to it. Postings: debits positive."""

    transaction: Row
    audit_logs: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    postings: list[dict[str, Any]]


@get("/transactions", summary="All attempts to pay, the newest first", opt=HOT)
async def transactions(
    request: Ask,
    page: Annotated[int | None, QueryParameter(ge=1, le=10**9)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    status: Annotated[str | None, QueryParameter(max_length=40)] = None,
    gateway: Annotated[str | None, QueryParameter(max_length=40)] = None,
    since: Annotated[date | None, QueryParameter(name="from")] = None,
    to: Annotated[date | None, QueryParameter()] = None,
    amount_min: Whole = None,
    amount_max: Whole = None,
    booking: Id = None,
    customer: Id = None,
    q: Annotated[str, QueryParameter(max_length=320)] = "",
) -> Transactions:
    """For staff who see bookings. `from` and `to` are days in India, both included. `q`: three characters or more, a part of a booking's reference,
    name or e-mail address, or the beginning of a gateway's id.
    422 `filter_invalid`, `page_too_deep`, `cursor_invalid`."""
    person = await require_staff(request, PERMISSION)
    wanted = browsing.wanted(
        status=status or "", gateway=gateway or "", since=since, to=to, amount_min=amount_min, amount_max=amount_max,
        booking=booking, customer=customer, q=q,
    )  # fmt: skip
    if cursor is None and page is not None and page > DEEPEST:
        raise BadInput("page_too_deep", f"Pages have numbers up to {DEEPEST}. Please go on by `cursor`.")
    after = cursors.read_if_given(cursor or "")
    skip = 0 if after else ((page or 1) - 1) * limit
    async with request.app.state.house.db.transaction(claims("staff", actor=f"staff:{person.id}")) as conn:
        wanted = await browsing.narrow(conn, wanted)
        rows = await browsing.list_rows(conn, wanted, after, skip, limit + 1)
        total = await browsing.count(conn, wanted)
    shown = rows[:limit]
    following = cursors.write(cursors.Place(shown[-1].created_at, shown[-1].id)) if len(rows) > limit else None
    return Transactions(
        transactions=[_out(row) for row in shown],
        pagination=Pagination(
            page=None if after else page or 1, limit=limit, total=total, total_pages=-(-total // limit), next=following
        ),
    )


@get("/transactions/{transaction_id:str}", summary="Everything known of one attempt to pay")
async def transaction(request: Ask, transaction_id: FromPath[str]) -> OneTransaction:
    """For staff who see bookings. 404 `transaction_not_found`."""
    person = await require_staff(request, PERMISSION)
    unknown = NotFound("transaction_not_found", "We cannot find this payment.")
    try:
        known_id = UUID(transaction_id)
    except ValueError:
        raise unknown from None
    async with request.app.state.house.db.transaction(claims("system", actor=f"staff:{person.id}")) as conn:
        found = await browsing.get(conn, known_id)
        if found is None:
            raise unknown
        story = await browsing.story(conn, known_id)
    postings = [{**posting, "currency": posting["currency"].lower()} for posting in story.pop("postings")]
    return OneTransaction(transaction=_out(found), postings=postings, **story)


def _out(row: Row) -> Row:
    """Currencies are lower case at the doors of payments, as Stripe writes them."""
    return msgspec.structs.replace(row, currency=row.currency.lower())


router = Router(path="/api/payments", route_handlers=[transactions, transaction], tags=["payments"])
