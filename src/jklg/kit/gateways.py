"""How gateways, and the cards they keep, are called wherever people read of them: on pages, in letters, on papers."""

from __future__ import annotations

import re

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


_CARD = re.compile(r"(.+) ending (\d{4})")


def card_name(label: str | None) -> str:
    """'Visa ending 4242', as gateways label a method they keep, in the language of this moment; 'your card' when they say nothing."""
    if not label:
        return gettext("your card")
    found = _CARD.fullmatch(label)
    return gettext("{brand} ending {digits}").format(brand=found[1], digits=found[2]) if found else gettext(label)
