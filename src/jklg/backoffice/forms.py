"""What staff type into forms, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from jklg.kit import money
from jklg.kit.errors import BadInput


def amount_of(form: Mapping[str, str], currency: str, field: str = "amount") -> int:
    """'1,250.50' as minor units of `currency`. BadInput (amount_invalid)."""
    try:
        return money.read(form.get(field, ""), currency)
    except ValueError:
        raise BadInput("amount_invalid", "Please give an amount such as 1250.50.", details={"field": field}) from None


def key_of(form: Mapping[str, str], field: str) -> UUID:
    """The id that a form was opened with, so that pressed twice it is once. BadInput (form_too_old)."""
    try:
        return UUID(form.get(field, ""))
    except ValueError:
        raise BadInput("form_too_old", "Please open this page again.") from None
