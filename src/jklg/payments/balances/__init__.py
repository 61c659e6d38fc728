"""The rest of a price: asked for before it is due and after, taken from a card by consent, put before a person while it is overdue."""

from jklg.payments.balances.actions import forget, remind, watch
from jklg.payments.balances.charging import announce, charge, tell_refused

__all__ = ["announce", "charge", "forget", "remind", "tell_refused", "watch"]
