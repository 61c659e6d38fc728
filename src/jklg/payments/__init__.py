"""Taking and returning money: one attempt is one row of `transactions`, and everything a gateway says enters through `settle`."""

from jklg.payments.actions import House, Settled, cancel_attempt, give_up, settle, start
from jklg.payments.queries import Transaction, get, list_of_booking
from jklg.payments.strays import receive_stray, report_difference

__all__ = [
    "House",
    "Settled",
    "Transaction",
    "cancel_attempt",
    "get",
    "give_up",
    "list_of_booking",
    "receive_stray",
    "report_difference",
    "settle",
    "start",
]
