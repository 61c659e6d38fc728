"""Where whoever booked is reached: another address or number, written down by staff, and the letters about it."""

from jklg.bookings.reaching.actions import change

__all__ = ["change"]
