"""Money we send back: capacity reserved first, the gateway asked second, the answer booked third."""

from jklg.payments.refunds.actions import BY_HAND, reserve, send_back
from jklg.payments.refunds.answers import apply
from jklg.payments.refunds.calls import send_due, send_now

__all__ = ["BY_HAND", "apply", "reserve", "send_back", "send_due", "send_now"]
