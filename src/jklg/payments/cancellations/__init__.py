"""Giving up a booking, or some of its people, with the money: the open payment closed first, what was paid beyond sent back after."""

from jklg.payments.cancellations.actions import Outcome, cancel

__all__ = ["Outcome", "cancel"]
