"""The rest of a price: asked for before it is due and after, and put before a person while it is overdue."""

from jklg.payments.balances.actions import forget, remind, watch

__all__ = ["forget", "remind", "watch"]
