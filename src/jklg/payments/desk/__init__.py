"""Where people decide about money: staff send it back, with a second pair of eyes above a limit, and write down what they took or gave by hand."""

from jklg.payments.desk.actions import Asked, ask_refund, left_to_refund, release, return_of_overpaid
from jklg.payments.desk.by_hand import METHODS, close_attempt, paid_out, record_payment
from jklg.payments.desk.owed import pay_owed
from jklg.payments.desk.queries import RefundRequest, get, list_of_booking, list_waiting
from jklg.payments.desk.second import approve, refuse

__all__ = [
    "METHODS",
    "Asked",
    "RefundRequest",
    "approve",
    "ask_refund",
    "close_attempt",
    "get",
    "left_to_refund",
    "list_of_booking",
    "list_waiting",
    "paid_out",
    "pay_owed",
    "record_payment",
    "refuse",
    "release",
    "return_of_overpaid",
]
