"""Gateways that do not answer at present: written when a look at a payment is not answered, taken back by the next that is."""

from jklg.payments.silences.queries import Silence, begin, end, list_long

__all__ = ["Silence", "begin", "end", "list_long"]
