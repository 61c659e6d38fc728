"""Tidings: a line to a customer about a booking of theirs, in the account and on open pages at once."""

from jklg.bookings.tidings.actions import Line, export, leave, tell
from jklg.bookings.tidings.queries import Tiding, list_newest
from jklg.bookings.tidings.rules import sentence

__all__ = ["Line", "Tiding", "export", "leave", "list_newest", "sentence", "tell"]
