"""Money we send back: capacity reserved first, the gateway asked second, the answer booked third."""

from jklg.payments.refunds.actions import BY_HAND, reserve, send_back, send_due, send_now
from jklg.payments.refunds.answers import apply, park_stray_money

__all__ = ["BY_HAND", "apply", "park_stray_money", "reserve", "send_back", "send_due", "send_now"]
