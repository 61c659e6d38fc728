"""What staff type into forms, read strictly."""

from __future__ import annotations

from collections.abc import Mapping

from jklg.kit import money
from jklg.kit.errors import BadInput


def amount_of(form: Mapping[str, str], currency: str, field: str = "amount") -> int:
    """'1,250.50' as minor units of `currency`. BadInput (amount_invalid)."""
    try:
        return money.read(form.get(field, ""), currency)
    except ValueError:
        raise BadInput("amount_invalid", "Please give an amount such as 1250.50.", details={"field": field}) from None
