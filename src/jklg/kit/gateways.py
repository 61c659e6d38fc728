"""How gateways are called wherever people read of them: on pages, in letters, on papers."""

from __future__ import annotations

from jklg.kit.languages import N_, gettext

NAMES = {
    "stripe": "Stripe",
    "paypal": "PayPal",
    "razorpay": "Razorpay",
    "sandbox": N_("Play bank"),
    "manual": N_("By hand"),
}


def gateway_name(code: str) -> str:
    """'PayPal' for 'paypal', in the language of this moment. A code that we do not know stays as it is."""
    return gettext(NAMES.get(code, code))
