"""Circulars: one message to everybody who travels on a departure, or with a package. Each mailbox gets it once, whatever happens on the way."""

from jklg.bookings.circulars.actions import begin, forget, send, turn
from jklg.bookings.circulars.queries import Circular, Progress, audience, get, list_all, progress
from jklg.bookings.circulars.rules import Audience, Message, check_message

__all__ = [
    "Audience",
    "Circular",
    "Message",
    "Progress",
    "audience",
    "begin",
    "check_message",
    "forget",
    "get",
    "list_all",
    "progress",
    "send",
    "turn",
]
