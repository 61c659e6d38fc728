"""Quotes: a price computed by the house, kept for half an hour, and honoured if it is taken up in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from jklg import departures
from jklg.departures import Offer
from jklg.kit.db import Connection, Database
from jklg.kit.errors import Conflict
from jklg.kit.ids import uuid7
from jklg.pricing import queries, rules
from jklg.pricing.rules import Line, Priced
from jklg.pricing.terms import Payable, Terms, payables, read

QUOTE_MINUTES = 30


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A price offered until `expires_at`, with its derivation. Money in minor units of `currency`."""

    quote_id: UUID
    departure_id: UUID
    currency: str
    total: int
    seats: int
    lines: list[Line]
    payable: list[Payable]
    terms: Terms
    expires_at: datetime


async def make_quote(
    db: Database, departure_id: UUID, party: Mapping[str, int], extras: Sequence[tuple[UUID, int]] = ()
) -> Quote:
    """Compute a price and keep it. Holds no seats. Two round trips, no lock.

    Raises NotFound (departure_not_found), Conflict (departure_closed), what `rules.price` raises, Conflict (sold_out).
    """
    async with db.connection() as conn:
        offer = await departures.offer_or_refuse(conn, departure_id)
        priced = rules.price(offer, party, extras)
        if priced.seats > offer.seats_left:
            raise Conflict(
                "sold_out",
                "Not enough seats are left on this departure.",
                details={"seats_left": offer.seats_left, "seats": priced.seats},
            )
        quote_id = uuid7()
        expires_at = await queries.insert_quote(
            conn,
            quote_id,
            offer.id,
            offer.price_version,
            {category: number for category, number in party.items() if number},
            [{"id": str(extra), "quantity": quantity} for extra, quantity in extras],
            priced.seats,
            priced.currency,
            priced.total,
            msgspec.to_builtins(priced.lines),
            msgspec.to_builtins(priced.terms),
            QUOTE_MINUTES,
        )
    return Quote(
        quote_id=quote_id,
        departure_id=offer.id,
        currency=priced.currency,
        total=priced.total,
        seats=priced.seats,
        lines=priced.lines,
        payable=payables(
            priced.terms, priced.total, sum(party.values()), offer.starts_on, offer.today, priced.currency
        ),
        terms=priced.terms,
        expires_at=expires_at,
    )


async def get_quote(conn: Connection, quote_id: UUID) -> Quote | None:
    """A quote that is still good, or None."""
    stored = await queries.get_quote(conn, quote_id)
    if stored is None or not stored.live:
        return None
    return Quote(
        quote_id=stored.id,
        departure_id=stored.departure_id,
        currency=stored.currency,
        total=stored.total,
        seats=stored.seats,
        lines=msgspec.convert(stored.lines, list[Line]),
        payable=payables(
            read(stored.sales_terms),
            stored.total,
            sum(stored.party.values()),
            stored.starts_on,
            stored.quoted_on,
            stored.currency,
        ),
        terms=read(stored.sales_terms),
        expires_at=stored.expires_at,
    )


async def honour_quote(
    conn: Connection, quote_id: UUID, offer: Offer, party: Mapping[str, int], extras: Sequence[tuple[UUID, int]]
) -> Priced:
    """The price as it was quoted, even when prices have changed since. One round trip.

    Raises what `rules.price` raises for a party or extras that make no sense, Conflict quote_expired (also for a quote
    that never was), Conflict quote_differs when the quote was for another departure, party or extras.
    """
    rules.price(offer, party, extras)
    stored = await queries.get_quote(conn, quote_id)
    if stored is None or not stored.live:
        raise Conflict(
            "quote_expired",
            "This price was offered for a limited time, which is over. Please ask for a new quote.",
        )
    wanted = {category: number for category, number in party.items() if number}
    quoted_extras = {extra["id"]: extra["quantity"] for extra in stored.extras}
    if (
        stored.departure_id != offer.id
        or stored.party != wanted
        or quoted_extras != {str(extra): quantity for extra, quantity in extras}
    ):
        raise Conflict(
            "quote_differs", "This quote was made for another party or other extras. Please ask for a new one."
        )
    return Priced(
        currency=stored.currency,
        total=stored.total,
        seats=stored.seats,
        lines=msgspec.convert(stored.lines, list[Line]),
        terms=read(stored.sales_terms),
    )


async def forget_old_quotes(db: Database, limit: int = 1000) -> int:
    """Forget quotes that ended more than a day ago; how many. Safe to run anywhere, any number of times."""
    async with db.transaction() as conn:
        return await queries.delete_quotes_expired(conn, limit)
