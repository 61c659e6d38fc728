"""What stands on an invoice and on a credit note, line by line. Whole minor units; lines always add up to what is asked or given. Pure.

The invoice asks the price as it is when it is written; each credit note gives what the price has fallen by since the papers before
it. So the sum of a booking's papers is its price, whenever they are up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from jklg.kit.languages import N_

Lines = list[dict[str, Any]]

GIVEN_UP = N_("Given up")
KEPT = N_("Kept by the terms of sale")
TAKEN_OFF = N_("Taken off the price")


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sells, as it stands on papers. `address` line by line; `note` is what the law wants said (a scheme of tax, for example)."""

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""
    note: str = ""
    time_zone: str = "UTC"


class GivenUp(Protocol):
    """A giving up as papers need to see one: minor units."""

    @property
    def id(self) -> UUID: ...
    @property
    def worth(self) -> int: ...
    @property
    def kept(self) -> int: ...
    @property
    def party(self) -> dict[str, int]: ...


def invoice_lines(sold: Sequence[Mapping[str, Any]], price: int, given: Sequence[GivenUp]) -> Lines:
    """What it was sold for, and what its price has fallen by before there was an invoice."""
    lines = [
        {name: line[name] for name in ("label", "quantity", "unit_amount", "amount", "rule") if name in line}
        for line in sold
    ]
    return lines + fall(price - sum(line["amount"] for line in lines), given)


def credit_lines(papers: Sequence[Lines], price: int, given: Sequence[GivenUp]) -> Lines:
    """What the price has fallen by since the papers written so far; [] when they still say what it is."""
    change = price - sum(line["amount"] for lines in papers for line in lines)
    told = {line["cancellation_id"] for lines in papers for line in lines if "cancellation_id" in line}
    return fall(change, [each for each in given if str(each.id) not in told]) if change < 0 else []


def fall(change: int, given: Sequence[GivenUp]) -> Lines:
    """A change of the price, explained by what was given up; whatever that does not explain was taken off. Adds up to `change`."""
    lines: Lines = []
    for each in given:
        if each.worth == each.kept:
            continue  # nothing came of it: the price stayed
        lines.append(
            {"label": GIVEN_UP, "amount": -each.worth, "cancellation_id": str(each.id), "party": dict(each.party)}
        )
        if each.kept:
            lines.append({"label": KEPT, "amount": each.kept, "cancellation_id": str(each.id)})
    rest = change - sum(line["amount"] for line in lines)
    if rest:
        lines.append({"label": TAKEN_OFF, "amount": rest})
    return lines
