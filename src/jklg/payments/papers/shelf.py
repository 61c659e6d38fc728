"""The shelf of a booking: which papers there are, and one of them as a file. Nothing is kept: a paper is drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from litestar import Response

from jklg import bookings, catalogue, invoices
from jklg.bookings import Booking, papers
from jklg.bookings import rules as booking_rules
from jklg.bookings.papers import queries as booking_papers
from jklg.bookings.queries import Traveller
from jklg.catalogue import Package
from jklg.invoices import Invoice
from jklg.invoices.jobs import seller_of
from jklg.invoices.papers import paper_of
from jklg.kit.db import Connection
from jklg.kit.errors import NotFound
from jklg.kit.languages import figures, speaking
from jklg.kit.languages import gettext as _
from jklg.payments import queries
from jklg.payments.papers import receipts
from jklg.payments.queries import Transaction
from jklg.settings import Settings
from jklg.web.papers import file
from jklg.web.papers import hand_over as hand_paper_over

VOUCHER, ITINERARY, CALENDAR = "voucher.pdf", "itinerary.pdf", "journey.ics"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One paper. `name` is the last part of its address, `saved_as` what it is called once it is saved; `about` tells it from others."""

    name: str
    title: str
    about: str
    saved_as: str


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """What the papers of a booking are made of, read with the rights of whoever asks. `paid` in minor units."""

    booking: Booking
    package: Package
    travellers: Sequence[Traveller]
    paid: int
    invoices: Sequence[Invoice]
    payments: Sequence[Transaction]
    changed_at: datetime


async def read(conn: Connection, booking: Booking, *, money: bool = True) -> Shelf:
    """Everything, with the rights of the caller's claims; without `money` no invoices and no receipts."""
    package = await catalogue.get_package(conn, booking.package_id, unpublished=True)
    assert package is not None, "a booking keeps its package"
    return Shelf(
        booking=booking,
        package=package,
        travellers=await bookings.list_travellers(conn, booking.id),
        paid=await bookings.amount_paid(conn, booking.id, booking.currency),
        invoices=await invoices.list_of_booking(conn, booking.id) if money else [],
        payments=[each for each in await queries.list_of_booking(conn, booking.id) if each.captured] if money else [],
        changed_at=await booking_papers.changed_at(conn, booking.id),
    )


def list_documents(settings: Settings, shelf: Shelf) -> list[Document]:
    """What there is: first what is taken along, then what was asked for and paid, in its order."""
    booking = shelf.booking
    found = []
    if _goes(booking):
        found += [
            _document(booking, VOUCHER, _("Travel voucher"), _("to be shown on the day of departure")),
            _document(booking, ITINERARY, _("Itinerary"), _("day by day")),
        ]
    if booking.confirmed_at is not None:
        found.append(_document(booking, CALENDAR, _("Calendar file"), _("for the calendar of your phone or computer")))
    for each in shelf.invoices:
        title = _("Credit note") if each.kind == "credit_note" else _("Invoice")
        about = _(", ").join((each.number, figures.day(each.issued_on), figures.money_text(each.amount, each.currency)))
        found.append(Document(name=f"{each.number}.pdf", title=title, about=about, saved_as=f"{each.number}.pdf"))
    for payment in reversed(shelf.payments):
        when = receipts.day_of(payment, settings.seller_time_zone)
        about = _(", ").join((figures.day(when), figures.money_text(payment.captured, payment.currency)))
        name = f"receipt-{payment.id.hex[-12:]}.pdf"
        saved_as = f"{booking.reference}-receipt-{when.isoformat()}-{payment.id.hex[-4:]}.pdf"
        found.append(Document(name=name, title=_("Receipt"), about=about, saved_as=saved_as))
    return found


def _goes(booking: Booking) -> bool:
    return booking.status in ("confirmed", "completed")


def _document(booking: Booking, name: str, title: str, about: str) -> Document:
    return Document(name=name, title=title, about=about, saved_as=f"{booking.reference}-{name}")


async def hand_over(settings: Settings, shelf: Shelf, name: str, link: str) -> Response[bytes]:
    """One of the papers that there are, in the language it was booked in. `link` opens the booking without a password; '' for readers who
    shall not have that.

    NotFound: document_not_found; Unavailable: papers_busy.
    """
    asked = next((each for each in list_documents(settings, shelf) if each.name == name), None)
    if asked is None:
        raise NotFound("document_not_found", "We cannot find this document.")
    with speaking(shelf.booking.locale):
        return await _drawn(settings, shelf, asked, link)


async def _drawn(settings: Settings, shelf: Shelf, asked: Document, link: str) -> Response[bytes]:
    booking = shelf.booking
    name = asked.name
    if name == CALENDAR:
        due = booking_rules.due(booking.status, booking.price, shelf.paid)
        content = papers.calendar_of(
            booking, agency=settings.agency_name, meeting_point=shelf.package.meeting_point, due=due, link=link, changed_at=shelf.changed_at
        )  # fmt: skip
        return file(content, "text/calendar", asked.saved_as, inline=False)
    if name == VOUCHER:
        paper = papers.voucher(settings, booking, shelf.package, shelf.travellers, shelf.paid, link)
    elif name == ITINERARY:
        paper = papers.itinerary(settings, booking, shelf.package)
    elif name.startswith("receipt-"):
        payment = next(each for each in shelf.payments if name == f"receipt-{each.id.hex[-12:]}.pdf")
        paper = receipts.receipt(settings, seller_of(settings), booking, payment, shelf.invoices)
    else:
        paper = paper_of(settings, next(each for each in shelf.invoices if name == f"{each.number}.pdf"))
    return await hand_paper_over(paper, asked.saved_as)
