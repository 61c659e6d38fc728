"""Our minor units in a gateway's units and back, exactly or not at all. Which units those are, each gateway says itself."""

from __future__ import annotations

from decimal import Decimal

from jklg.kit import money


def to_gateway(minor: int, currency: str, decimals: int, *, step: int = 1) -> int:
    """`minor` in units of which `10 ** decimals` make one of the currency. ValueError when it is not a whole multiple of `step`."""
    units = money.to_decimal(minor, currency).scaleb(decimals)
    if units != units.to_integral_value() or int(units) % step:
        raise ValueError(f"{money.plain(minor, currency)} cannot be expressed at this gateway")
    return int(units)


def from_gateway(units: int, currency: str, decimals: int) -> int:
    """The other way. ValueError when a fraction of a minor unit would be lost."""
    return money.to_minor(Decimal(units).scaleb(-decimals), currency)
