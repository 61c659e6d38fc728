"""Where people decide about money: staff send it back, with a second pair of eyes above a limit, and write down what they took by hand."""

from jklg.payments.desk.actions import (
    Asked,
    approve,
    ask_refund,
    left_to_refund,
    refuse,
    release,
    return_of_overpaid,
)
from jklg.payments.desk.by_hand import METHODS, paid_out, record_payment
from jklg.payments.desk.queries import RefundRequest, get, list_of_booking, list_waiting

__all__ = [
    "METHODS",
    "Asked",
    "RefundRequest",
    "approve",
    "ask_refund",
    "get",
    "left_to_refund",
    "list_of_booking",
    "list_waiting",
    "paid_out",
    "record_payment",
    "refuse",
    "release",
    "return_of_overpaid",
]
