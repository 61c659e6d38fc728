"""Giving up a paid booking, or some of its people: what it is worth, what is kept by the terms it was sold under, and what was paid beyond."""

from jklg.bookings.cancelling.actions import Cancellation, carry_out, list_of_booking, list_of_bookings, work_out
from jklg.bookings.cancelling.queries import Given
from jklg.bookings.cancelling.rules import by_herself

__all__ = [
    "Cancellation",
    "Given",
    "by_herself",
    "carry_out",
    "list_of_booking",
    "list_of_bookings",
    "work_out",
]
