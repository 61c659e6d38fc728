"""How many decimals Stripe counts in, which is not always what ISO 4217 says (Stripe's currencies page, read 2026-11).

* MGA has two decimals and Stripe takes none: an amount with cents cannot be charged.
* ISK and UGX have none and Stripe takes two, always 00.
* The three-decimal currencies go with three, the last one always 0.
"""

from __future__ import annotations

from jklg.kit import money
from jklg.payments.gateways import currencies
from jklg.payments.gateways.contract import GatewayUnknown

_NONE = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_TWO_THOUGH_NONE = frozenset("ISK UGX".split())
_THREE = frozenset("BHD JOD KWD OMR TND".split())


def to_stripe(minor: int, currency: str) -> int:
    """The `amount` for Stripe. ValueError when Stripe cannot take this amount, or not this currency."""
    known = money.decimals(currency) == 2 or currency in _NONE | _TWO_THOUGH_NONE | _THREE
    if currency not in money.CURRENCIES or not known:
        raise ValueError(f"Stripe does not take {currency}")
    return currencies.to_gateway(minor, currency, _decimals(currency), step=10 if currency in _THREE else 1)


def from_stripe(amount: int, currency: str) -> int:
    """Our minor units. ValueError when Stripe's amount has a fraction of one."""
    return currencies.from_gateway(amount, currency, _decimals(currency))


def minor(amount: int, currency: str) -> int:
    """The same of an answer, which proves nothing when it cannot be read: GatewayUnknown."""
    try:
        return from_stripe(amount, currency)
    except ValueError as problem:
        raise GatewayUnknown("unreadable_amount", str(problem)) from problem


def _decimals(currency: str) -> int:
    if currency in _NONE:
        return 0
    if currency in _TWO_THOUGH_NONE:
        return 2
    return money.decimals(currency)
