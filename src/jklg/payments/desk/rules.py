"""Which payments a refund is taken from, and when one person is not enough. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.money import decimals

ACCOUNTS = ("customer_deposits", "travel_revenue", "suspense:unapplied")
"""Where money of a customer may lie, in the order it is sent back from."""


class Purse(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, and how much of it can still go back. `disputed`: the bank decides about it, and we send nothing back meanwhile."""

    transaction_id: UUID
    left: int
    disputed: bool


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a refund: through this payment, out of this account."""

    transaction_id: UUID
    account: str
    amount: int


def refundable(purses: Sequence[Purse], accounts: Mapping[str, int]) -> int:
    """How much could go back now, in minor units."""
    return min(sum(purse.left for purse in purses if not purse.disputed), sum(accounts.values()))


def check_amount(purses: Sequence[Purse], accounts: Mapping[str, int], amount: int | None) -> int:
    """What to send back: `amount`, or all that is left. Raises, in the order checked: BadInput (amount_invalid); NotFound (nothing_paid);
    Conflict (disputed); BadInput (refund_exceeds_captured, with what is left)."""
    if amount is not None and amount <= 0:
        raise BadInput("amount_invalid", "The amount to send back must be above zero.", details={"field": "amount"})
    if not purses or sum(accounts.values()) <= 0:
        raise NotFound("nothing_paid", "Nothing was paid that could be sent back.")
    left = refundable(purses, accounts)
    wanted = left if amount is None else amount
    if left < max(wanted, 1) and any(purse.disputed for purse in purses):
        raise Conflict("disputed", "The payer's bank is deciding about this payment. Nothing is sent back meanwhile.")
    if wanted > left or not wanted:
        raise BadInput(
            "refund_exceeds_captured",
            "This is more than is left to send back.",
            details={"field": "amount", "refundable": left},
        )
    return wanted


def shares(purses: Sequence[Purse], accounts: Mapping[str, int], amount: int) -> list[Share]:
    """Split a refund that `check_amount` has let pass: payments in the order given, accounts in theirs. The parts add up to `amount`."""
    lying = {account: accounts.get(account, 0) for account in ACCOUNTS}
    found: list[Share] = []
    for purse in purses:
        left = 0 if purse.disputed else purse.left
        for account in ACCOUNTS:
            part = min(left, lying[account], amount)
            if part > 0:
                found.append(Share(transaction_id=purse.transaction_id, account=account, amount=part))
                left, amount, lying[account] = left - part, amount - part, lying[account] - part
    assert amount == 0, "checked before"
    return found


def needs_second(limits: Sequence[tuple[str, int]], currency: str, amount: int, alone_before: int) -> bool:
    """Whether a second person has to agree, above `limits` in whole units of a currency; one without a limit has none. `amount` and
    `alone_before` in minor units: the latter was sent back of the booking by one person alone during the last day, so that a large
    refund does not pass as several small ones."""
    return any(
        named == currency and amount + alone_before > limit * 10 ** decimals(currency) for named, limit in limits
    )
