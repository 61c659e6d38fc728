"""What a bank's statement is to us, and what a line pays. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput

EARLY, LATE = timedelta(days=3), timedelta(days=10)
"""A payout may be booked so long before and after the day on which the gateway says that it arrives."""
BY_HAND = timedelta(days=10)
"""What was taken or given back by hand is written down so long before or after the bank books it."""
SHORTEST_REFERENCE = 5


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a statement. `amount` in minor units of the statement's currency: what came in is positive. Days by the bank's calendar."""

    booked_on: date
    amount: int
    value_on: date | None = None
    counterparty: str = ""
    description: str = ""
    reference: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says of one account. `opening` and `closing` where the bank tells them."""

    account: str
    currency: str
    format: str
    from_on: date
    to_on: date
    lines: Sequence[Line]
    ref: str = ""
    opening: int | None = None
    closing: int | None = None


class Payout(NamedTuple):
    """A payout that no line has paid yet. `amount` as our bank books it; `due_on` when the gateway says that it arrives."""

    id: UUID
    gateway: str
    amount: int
    currency: str
    due_on: date
    references: Sequence[str]


class ByHand(NamedTuple):
    """Money that staff took (`amount` above zero) or gave back, and that no line of the bank has yet: a posting of `gateway_clearing:manual`.
    `how` it was taken: cash, bank_transfer, ...; '' of what was given back."""

    id: UUID
    amount: int
    currency: str
    written_on: date
    how: str
    references: Sequence[str]

    @property
    def by_bank(self) -> bool:
        """Whether the bank may have it as a line of its own. What was given back may have gone by bank."""
        return self.how in ("bank_transfer", "")


def check_sum(statement: Statement) -> None:
    """What came and went must lead from the opening to the closing balance. BadInput (statement_does_not_add_up)."""
    if statement.opening is None or statement.closing is None:
        return
    total = statement.opening + sum(line.amount for line in statement.lines)
    if total != statement.closing:
        raise BadInput(
            "statement_does_not_add_up",
            "The lines of this statement do not lead from its opening to its closing balance. Nothing was imported.",
            details={"opening": statement.opening, "lines": total - statement.opening, "closing": statement.closing},
        )


def plain(text: str) -> str:
    """Letters and digits only: banks break references where they like."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def names(text: str, references: Sequence[str]) -> bool:
    """Whether a line's words hold one of the references."""
    words = plain(text)
    return any(len(plain(each)) >= SHORTEST_REFERENCE and plain(each) in words for each in references)


def fits(line: Line, currency: str, other: Payout | ByHand) -> bool:
    """Same sum, same currency, about the same day."""
    if (line.amount, currency) != (other.amount, other.currency):
        return False
    if isinstance(other, Payout):
        return other.due_on - EARLY <= line.booked_on <= other.due_on + LATE
    return abs(line.booked_on - other.written_on) <= BY_HAND


def exact(
    line: Line, currency: str, others: Sequence[Payout | ByHand], rivals: Sequence[Line]
) -> Payout | ByHand | None:
    """What a line pays beyond doubt: the only one that fits and is named by it. A payout whose reference the bank has dropped is named by its
    gateway, if nothing else fits and none of the `rivals`, the other open lines, fits it as well."""
    candidates = [
        other for other in others if fits(line, currency, other) and (isinstance(other, Payout) or other.by_bank)
    ]
    text = f"{line.reference} {line.description} {line.counterparty}"
    named = [other for other in candidates if names(text, other.references)]
    if len(named) == 1:
        return named[0]
    if named or len(candidates) != 1:
        return None
    only = candidates[0]
    if (
        isinstance(only, Payout)
        and names(text, [only.gateway])
        and not any(fits(each, currency, only) for each in rivals)
    ):
        return only
    return None
