"""What a traveller takes along: the voucher that proves the service, the journey day by day, and a file for the calendar."""

from jklg.bookings.papers.calendar import calendar_of
from jklg.bookings.papers.composing import itinerary, people, voucher

__all__ = ["calendar_of", "itinerary", "people", "voucher"]
