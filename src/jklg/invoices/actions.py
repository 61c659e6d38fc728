"""Writing the papers of a booking: one verb brings them up to date, whatever happened since, however often it is called."""

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


async def write(conn: Connection, seller: Seller, booking_id: UUID) -> Invoice | None:
    """Write what a booking's papers lack: the invoice once it was confirmed, a credit note once its price is less than they say.

    None when nothing is lacking. Locks departure and booking, then the series until the caller's database transaction ends; what is
    rolled back leaves no gap. NotFound: booking_not_found.
    """
    return await _complete(conn, seller, await bookings.lock(conn, booking_id))


async def write_all(conn: Connection, seller: Seller, booking_ids: Sequence[UUID]) -> None:
    """The same for many bookings: all of them are locked before the first number is taken, and no departure is."""
    for booking in (await bookings.lock_without_seats(conn, booking_ids)).values():
        await _complete(conn, seller, booking)


async def _complete(conn: Connection, seller: Seller, booking: Booking) -> Invoice | None:
    if booking.confirmed_at is None:
        return None
    papers = await queries.list_of_booking(conn, booking.id)
    given = await cancelling.list_of_booking(conn, booking.id)
    if not papers:
        lines = rules.invoice_lines(booking.lines, booking.price, given)
        if booking.price == 0:
            return None  # nothing is asked for what costs nothing
        return await _write(conn, seller, booking, "invoice", lines, None)
    lines = rules.credit_lines([each.lines for each in papers], booking.price, given)
    return await _write(conn, seller, booking, "credit_note", lines, papers[0]) if lines else None


async def _write(
    conn: Connection, seller: Seller, booking: Booking, kind: str, lines: Lines, corrects: Invoice | None
) -> Invoice:
    buyer = corrects.buyer if corrects else await _buyer(conn, booking)
    year, serial, today = await queries.take_number(conn, kind, seller.time_zone)
    invoice_id = uuid7()
    number = await queries.insert(
        conn,
        invoice_id=invoice_id,
        kind=kind,
        year=year,
        serial=serial,
        issued_on=today,
        booking_id=booking.id,
        corrects=corrects.id if corrects else None,
        currency=booking.currency,
        amount=sum(line["amount"] for line in lines),
        lines=lines,
        seller=msgspec.to_builtins(seller),
        buyer=buyer,
        journey=_journey(booking),
        terms=_terms(booking),
    )
    await history.record(conn, "system", f"{kind}.written", "booking", booking.id, {"number": number})
    written = await queries.list_of_booking(conn, booking.id)
    return next(each for each in written if each.id == invoice_id)


async def _buyer(conn: Connection, booking: Booking) -> dict[str, Any]:
    """Whoever booked, with the address of their account. Nothing of who has been forgotten already."""
    if booking.email == "":
        return {}
    address = await queries.address_of_customer(conn, booking.customer_id) if booking.customer_id else None
    return {"name": booking.name, "email": booking.email, "address": address or {}}


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
