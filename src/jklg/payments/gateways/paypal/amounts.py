"""Our minor units as PayPal's decimal strings and back, exactly or not at all (PayPal's currency codes page, read 2026-11).

* HUF and TWD have two decimals in ISO 4217, and PayPal takes none; JPY has none anywhere.
* Everything else goes with two. Currencies that have none or three elsewhere are not PayPal's.
"""

from __future__ import annotations

import re
from decimal import Decimal

from jklg.kit import money
from jklg.payments.gateways import currencies

_NONE = frozenset(("HUF", "JPY", "TWD"))
_VALUE = re.compile(r"[0-9]{0,30}(\.[0-9]{1,30})?")


def to_paypal(minor: int, currency: str) -> str:
    """The `value` of an amount. ValueError when PayPal cannot take this amount, or not this currency."""
    if currency not in money.CURRENCIES or (money.decimals(currency) != 2 and currency != "JPY"):
        raise ValueError(f"PayPal does not take {currency}")
    places = 0 if currency in _NONE else 2
    units = currencies.to_gateway(minor, currency, places)
    return str(units) if places == 0 else f"{units // 100}.{units % 100:02}"


def from_paypal(value: str, currency: str) -> int:
    """Our minor units of "29.990" or ".5". ValueError for a fraction of one, and for anything else than a number."""
    if currency not in money.CURRENCIES or not value.isascii() or not _VALUE.fullmatch(value) or not value:
        raise ValueError("not an amount of a currency that we know")
    return money.to_minor(Decimal(value), currency)
