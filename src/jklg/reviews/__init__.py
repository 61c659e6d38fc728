"""What travellers say of a journey they have been on: one review for each booking, shown as it was written or not at all."""

from jklg.reviews.actions import decide, export, forget_booking, invent, praise, remove, reply, tell, write
from jklg.reviews.queries import count_pending, get, list_by_status, list_chosen, list_of_package, of_booking
from jklg.reviews.rules import STATES, Review, Saying, Shown, Stars, may_write

__all__ = [
    "STATES",
    "Review",
    "Saying",
    "Shown",
    "Stars",
    "count_pending",
    "decide",
    "export",
    "forget_booking",
    "get",
    "invent",
    "list_by_status",
    "list_chosen",
    "list_of_package",
    "may_write",
    "of_booking",
    "praise",
    "remove",
    "reply",
    "tell",
    "write",
]
