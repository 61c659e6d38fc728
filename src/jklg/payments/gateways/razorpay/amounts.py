"""Our minor units as Razorpay's subunits and back, exactly or not at all (its payments and currency pages, read 2026-11).

* JPY has no subunits: 295 is 295 yen.
* The currencies with three decimals go with three, the last one always 0: 295.99 dinars are 295990.
* Other currencies without decimals are refused: what one of their units means to Razorpay is written nowhere that we have read,
  and a wrong guess charges a hundredfold.
"""

from __future__ import annotations

from jklg.kit import money
from jklg.payments.gateways import currencies
from jklg.payments.gateways.contract import GatewayUnknown

_THREE = frozenset("BHD JOD KWD OMR TND".split())


def to_razorpay(minor: int, currency: str) -> int:
    """The `amount` for Razorpay. ValueError when it cannot take this amount, or not this currency."""
    if currency not in money.CURRENCIES or not (
        money.decimals(currency) == 2 or currency == "JPY" or currency in _THREE
    ):
        raise ValueError(f"Razorpay does not take {currency}")
    return currencies.to_gateway(minor, currency, money.decimals(currency), step=10 if currency in _THREE else 1)


def minor(amount: int, currency: str) -> int:
    """Our minor units of an amount in an answer. GatewayUnknown for a currency that we do not know."""
    if currency not in money.CURRENCIES:
        raise GatewayUnknown("unreadable_amount", "a currency that we do not know")
    return currencies.from_gateway(amount, currency, money.decimals(currency))
