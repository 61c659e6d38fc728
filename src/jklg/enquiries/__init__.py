"""What people write to the agency, and what staff answer."""

from jklg.enquiries.actions import answer, ask, erase, export, fill, leave, move, note
from jklg.enquiries.queries import Message, Ticket, count_open, get, list_messages, list_tickets
from jklg.enquiries.rules import STATES, Enquiry

__all__ = [
    "STATES",
    "Enquiry",
    "Message",
    "Ticket",
    "answer",
    "ask",
    "count_open",
    "erase",
    "export",
    "fill",
    "get",
    "leave",
    "list_messages",
    "list_tickets",
    "move",
    "note",
]
