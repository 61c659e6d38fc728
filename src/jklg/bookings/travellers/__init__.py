"""Who goes: named by whoever booked, or by themselves with a private link, until the journey begins."""

from jklg.bookings.travellers.actions import (
    Entry,
    fill_in,
    links_of,
    make_link,
    open_link,
    renew_link,
    revoke_link,
    save,
)
from jklg.bookings.travellers.rules import Link, Place, may_change, missing, places

__all__ = [
    "Entry",
    "Link",
    "Place",
    "fill_in",
    "links_of",
    "make_link",
    "may_change",
    "missing",
    "open_link",
    "places",
    "renew_link",
    "revoke_link",
    "save",
]
