"""The booking terms word for word: as they are now, and as somebody agreed to them with a booking."""

from jklg.bookings.agreements.actions import keep
from jklg.bookings.agreements.queries import Agreed, of_booking
from jklg.bookings.agreements.wording import Text, current, version_of

__all__ = ["Agreed", "Text", "current", "keep", "of_booking", "version_of"]
