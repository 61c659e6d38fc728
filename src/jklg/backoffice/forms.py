"""What staff type into forms, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from jklg.kit.errors import BadInput
from jklg.kit.money import to_minor


def amount_of(form: Mapping[str, str], currency: str, field: str = "amount") -> int:
    """'1,250.50' as minor units of `currency`. BadInput (amount_invalid)."""
    text = form.get(field, "").strip().replace(",", "")
    try:
        if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,3})?", text):
            raise ValueError
        return to_minor(Decimal(text), currency)
    except (ValueError, InvalidOperation):
        raise BadInput("amount_invalid", "Please give an amount such as 1250.50.", details={"field": field}) from None
