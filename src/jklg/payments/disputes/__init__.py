"""The payer's bank asks, takes money back, and decides: what a gateway tells of it, booked, with a deadline somebody must see."""

from jklg.payments.disputes.actions import apply
from jklg.payments.disputes.queries import Dispute, hold_back, list_of_transaction
from jklg.payments.disputes.rules import LOOK_AGAIN_SECONDS

__all__ = ["LOOK_AGAIN_SECONDS", "Dispute", "apply", "hold_back", "list_of_transaction"]
