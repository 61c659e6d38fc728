"""Writing the papers of bookings: one verb brings them up to date, whatever happened since, however often it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from jklg import bookings, history
from jklg.bookings import Booking, cancelling
from jklg.invoices import queries, rules
from jklg.invoices.queries import Invoice
from jklg.invoices.rules import Lines, Seller
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7


class _Lacking(msgspec.Struct, frozen=True):
    """A paper that is to be written."""

    kind: str
    booking: Booking
    lines: Lines
    corrects: Invoice | None


async def write(conn: Connection, seller: Seller, booking_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Write what the papers of bookings lack: the invoice once one was confirmed, a credit note once its price is less than they say.

    Answers the number of what was written, by booking. Locks the bookings, all before the first number is taken, but no departure; then
    the series, invoices before credit notes, until the caller's database transaction ends: what is rolled back leaves no gap.
    """
    locked = await bookings.lock_without_seats(conn, booking_ids)
    lacking = await _lacking(conn, [each for each in locked.values() if each.confirmed_at is not None])
    buyers = await _buyers(conn, [each.booking for each in lacking])
    numbers: dict[UUID, str] = {}
    for kind in ("invoice", "credit_note"):
        of_kind = [each for each in lacking if each.kind == kind]
        if of_kind:
            numbers |= await _number(conn, seller, kind, of_kind, buyers)
    return numbers


async def _lacking(conn: Connection, confirmed: Sequence[Booking]) -> list[_Lacking]:
    ids = [each.id for each in confirmed]
    papers = await queries.list_of_bookings(conn, ids)
    given = await cancelling.list_of_bookings(conn, ids)
    lacking = []
    for booking in confirmed:
        before, gone = papers.get(booking.id, []), given.get(booking.id, [])
        if before:
            lines = rules.credit_lines([each.lines for each in before], booking.price, gone)
            found = _Lacking("credit_note", booking, lines, before[0])
        else:
            found = _Lacking("invoice", booking, rules.invoice_lines(booking.lines, booking.price, gone), None)
        if found.lines and (before or booking.price):  # nothing is asked for what costs nothing
            lacking.append(found)
    return lacking


async def _number(
    conn: Connection, seller: Seller, kind: str, lacking: Sequence[_Lacking], buyers: dict[UUID, dict[str, Any]]
) -> dict[UUID, str]:
    """Give papers of one kind the next numbers of the series, and write them."""
    year, first, today = await queries.take_numbers(conn, kind, seller.time_zone, len(lacking))
    papers = [
        queries.NewPaper(
            id=uuid7(),
            serial=first + place,
            booking_id=each.booking.id,
            corrects=each.corrects.id if each.corrects else None,
            currency=each.booking.currency,
            amount=sum(line["amount"] for line in each.lines),
            lines=each.lines,
            buyer=each.corrects.buyer if each.corrects else buyers[each.booking.id],
            journey=_journey(each.booking),
            terms=_terms(each.booking),
        )
        for place, each in enumerate(lacking)
    ]
    numbers = await queries.insert(conn, kind, year, today, msgspec.to_builtins(seller), papers)
    await history.record_all(
        conn,
        [
            history.Happening("system", f"{kind}.written", "booking", each.booking_id, {"number": numbers[each.booking_id]})
            for each in papers
        ],
    )  # fmt: skip
    return numbers


async def _buyers(conn: Connection, booked: Sequence[Booking]) -> dict[UUID, dict[str, Any]]:
    """Whoever booked, with the address of their account, by booking. Nothing of who has been forgotten already."""
    known = [each for each in booked if each.email]
    homes = await queries.addresses_of(conn, [each.customer_id for each in known if each.customer_id])
    return {each.id: {} for each in booked} | {
        each.id: {"name": each.name, "email": each.email, "address": homes.get(each.customer_id, {})} for each in known
    }


def _journey(booking: Booking) -> dict[str, Any]:
    return {
        "reference": booking.reference,
        "package": booking.package_name,
        "starts_on": booking.starts_on.isoformat(),
        "ends_on": booking.ends_on.isoformat(),
        "party": booking.party,
    }


def _terms(booking: Booking) -> dict[str, Any]:
    return {
        "sold_terms": booking.sold_terms,
        "deposit_amount": booking.deposit_amount,
        "balance_due_on": booking.balance_due_on.isoformat() if booking.balance_due_on else None,
    }


async def forget(conn: Connection, booking_id: UUID) -> None:
    """Whoever booked has left: the papers stay, without who they were written to."""
    await queries.forget_buyer(conn, booking_id)
