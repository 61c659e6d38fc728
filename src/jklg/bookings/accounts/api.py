"""The JSON door of a customer's bookings, under the customer's address: list them, claim what was booked as a guest."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from jklg.bookings import accounts
from jklg.bookings.accounts import queries
from jklg.bookings.accounts.queries import Page
from jklg.customers.guard import own
from jklg.customers.rights import ask_together
from jklg.kit.errors import BadInput
from jklg.web.errors import BAD_INPUT_IS_400
from jklg.web.hot import HOT

Ask = Request[Any, Any, State]
_CURSOR = re.compile(r"(\d{4}-\d{2}-\d{2})_([0-9a-f-]{36})")


class PackageOfBooking(msgspec.Struct, kw_only=True):
    """`price` is the guide price of one adult, minor units."""

    id: UUID
    name: str
    price: int
    destination_id: UUID | None


class BookingInList(msgspec.Struct, kw_only=True):
    """A booking in its customer's list. Money in minor units of `currency`; times in UTC. `num_adults` and `num_children` still go; `total_price`
    is what it was sold for, `price` what it costs today."""

    id: UUID
    reference: str
    package_id: UUID
    travel_date: date
    return_date: date
    num_adults: int
    num_children: int
    total_price: int
    price: int
    currency: str
    payment_status: str
    status: str
    created_at: datetime
    packages: PackageOfBooking


class Bookings(msgspec.Struct, kw_only=True):
    """`next` is the `cursor` of the next page, null on the last."""

    bookings: list[BookingInList]
    next: str | None


class Claimed(msgspec.Struct, kw_only=True):
    message: str
    joined: int


@get(
    "/{customer_id:str}/bookings",
    opt=HOT,
    summary="My bookings",
    responses={200: ResponseSpec(Bookings, description="A page of them.", generate_examples=False)},
)
async def list_bookings(
    request: Ask,
    customer_id: FromPath[str],
    cursor: Annotated[str | None, QueryParameter(name="cursor", required=False)] = None,
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=100, required=False)] = 20,
) -> msgspec.Raw:
    """The newest trip first. 400 `cursor_invalid`."""
    who = own(request, customer_id)
    page = Page(*who, *read_cursor(cursor), limit)
    return await ask_together(request.app.state.house.db, queries.list_pages, page)


def read_cursor(cursor: str | None) -> tuple[date | None, UUID | None]:
    """Where a page of the list begins. BadInput (cursor_invalid)."""
    if not cursor:
        return None, None
    try:
        day, last = _CURSOR.fullmatch(cursor).groups()  # type: ignore[union-attr]
        return date.fromisoformat(day), UUID(last)
    except (AttributeError, ValueError):
        raise BadInput("cursor_invalid", "This page of the list does not exist. Please start from the first.") from None


@post("/{customer_id:str}/claim-bookings", status_code=200, summary="Take over what I booked as a guest")
async def claim_bookings(request: Ask, customer_id: FromPath[str]) -> Claimed:
    """Guest bookings made with your confirmed address become yours. 429 `too_many_requests`."""
    who = own(request, customer_id)
    joined = await accounts.claim(request.app.state.house.db, who)
    return Claimed(message="Your bookings are in your account.", joined=joined)


router = Router(
    path="/api/customers", route_handlers=[list_bookings, claim_bookings], tags=["customers"], opt=BAD_INPUT_IS_400
)
