"""Bookings of customers with an account: their list, guest bookings that join it, what they count for, and how they are forgotten."""

from jklg.bookings.accounts.actions import claim, erase_due, export, join, leave, recount, recount_all

__all__ = [
    "claim",
    "erase_due",
    "export",
    "join",
    "leave",
    "recount",
    "recount_all",
]
