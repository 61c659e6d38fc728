"""Letters that follow the calendar: a journey is near."""

from jklg.bookings.reminding.actions import remind_of_departures

__all__ = ["remind_of_departures"]
