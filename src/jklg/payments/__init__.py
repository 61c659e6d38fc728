"""Taking and returning money: one attempt is one row of `transactions`, and everything a gateway says enters through `settle`."""

from jklg.payments.actions import House, Settled, cancel_attempt, give_up, settle, start
from jklg.payments.concerns import report_concern, resolve_concerns, settle_concern, settle_concern_in, take_on
from jklg.payments.foresight import Foreseen, foresee
from jklg.payments.pace import may_look
from jklg.payments.queries import Transaction, get, list_of_booking
from jklg.payments.strays import receive_stray, report_difference, tell_of_stray
from jklg.payments.stumbles import alone

__all__ = [
    "Foreseen",
    "House",
    "Settled",
    "Transaction",
    "alone",
    "cancel_attempt",
    "foresee",
    "get",
    "give_up",
    "list_of_booking",
    "may_look",
    "receive_stray",
    "report_concern",
    "report_difference",
    "resolve_concerns",
    "settle",
    "settle_concern",
    "settle_concern_in",
    "start",
    "take_on",
    "tell_of_stray",
]
