"""A journey as a file for any calendar (RFC 5545).

We know days and no hours, so that events are of whole days, which are the same days on every clock: somebody in Auckland does not
see the journey begin a day late. One UID for each booking, and a SEQUENCE that grows with every change, so that a file taken again
replaces what it said before, also when the journey was given up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from icalendar import Calendar, Event

from jklg.bookings.queries import Booking
from jklg.kit.languages import figures, spoken
from jklg.kit.languages import gettext as _


def calendar_of(
    booking: Booking, *, agency: str, meeting_point: str, due: int, link: str, changed_at: datetime
) -> bytes:
    """The journey, and the day on which `due` (minor units) has to be paid. `changed_at`: when the booking last changed."""
    calendar = Calendar()
    calendar.add("prodid", f"-//JKLG//{agency}//{spoken().code.upper()}")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    alive = booking.status in ("confirmed", "completed")
    journey = Event()
    journey.add("summary", booking.package_name)
    journey.add("dtstart", booking.starts_on)
    journey.add("dtend", booking.ends_on + timedelta(days=1))  # the first day that does not belong to it
    if meeting_point:
        journey.add("location", meeting_point)
    journey.add("description", _("Booking {reference}").format(reference=booking.reference) + f"\n{link}")
    journey.add("status", "CONFIRMED" if alive else "CANCELLED")
    _finish(journey, booking, "journey", changed_at)
    calendar.add_component(journey)
    if booking.balance_due_on:  # also when it is paid: what a file leaves out, a calendar keeps
        pay = Event()
        sold = booking.total_price - (booking.deposit_amount or 0)
        amount = figures.money_text(due or sold, booking.currency)
        pay.add("summary", _("Pay {amount} for {journey}").format(amount=amount, journey=booking.package_name))
        pay.add("dtstart", booking.balance_due_on)
        pay.add("dtend", booking.balance_due_on + timedelta(days=1))
        pay.add("transp", "TRANSPARENT")
        pay.add("description", link)
        pay.add("status", "CONFIRMED" if alive and due else "CANCELLED")
        _finish(pay, booking, "balance", changed_at)
        calendar.add_component(pay)
    written: bytes = calendar.to_ical()
    return written


def _finish(event: Event, booking: Booking, what: str, changed_at: datetime) -> None:
    event.add("uid", f"{booking.id}-{what}@jklg")
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("created", booking.created_at)
    event.add("sequence", max(int((changed_at - booking.created_at).total_seconds()), 0))
