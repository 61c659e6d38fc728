"""Money we send back: capacity reserved first, the gateway asked second, the answer booked third."""

from jklg.payments.refunds.actions import apply, park_stray_money, send_back, send_due

__all__ = ["apply", "park_stray_money", "send_back", "send_due"]
