"""The JSON door of pricing: ask for a price."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.params import Body

from jklg import pricing
from jklg.kit.errors import BadInput
from jklg.pricing.rules import Line
from jklg.pricing.terms import Payable

Ask = Request[object, object, State]


class ExtraAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    quantity: int


class QuoteAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who travels, on which departure, with what besides. Prices are never taken from the client."""

    departure_id: UUID
    party: dict[str, int]
    extras: Annotated[list[ExtraAsked], msgspec.Meta(max_length=50)] = []
    promo_code: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class QuoteOut(msgspec.Struct, kw_only=True):
    """A price that holds until `expires_at`. The amounts of `lines` add up to `total`; minor units of `currency`."""

    quote_id: UUID
    departure_id: UUID
    currency: str
    total: int
    seats: int
    lines: list[Line]
    payable: list[Payable]
    expires_at: datetime


@post("/api/quotes", status_code=201, summary="Ask for a price")
async def create_quote(request: Ask, data: Annotated[QuoteAsked, Body()]) -> QuoteOut:
    """Holds no seats. 404 `departure_not_found`; 409 `departure_closed`, `sold_out`, `extra_sold_out`; 422 for a party or extras
    that make no sense (`party_invalid`, `party_needs_adult`, `category_not_offered`, `extra_not_offered`, ...)."""
    if data.promo_code and data.promo_code.strip():
        raise BadInput("promo_code_unknown", "We do not know this promo code.", details={"field": "promo_code"})
    quote = await pricing.make_quote(
        request.app.state.house.db, data.departure_id, data.party, [(extra.id, extra.quantity) for extra in data.extras]
    )
    return QuoteOut(
        quote_id=quote.quote_id,
        departure_id=quote.departure_id,
        currency=quote.currency,
        total=quote.total,
        seats=quote.seats,
        lines=quote.lines,
        payable=quote.payable,
        expires_at=quote.expires_at,
    )


router = Router(path="/", route_handlers=[create_quote], tags=["pricing"])
