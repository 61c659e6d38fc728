"""Which payments a refund is taken from, and when one person is not enough. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.money import decimals, off_step, step

OWED, SUSPENSE = "refunds_owed", "suspense:unapplied"
Piles = Sequence[tuple[str, int]]
"""Where money of a customer lies, (account, minor units), in the order in which it is sent back. An account may come twice."""


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


def piles(lying: Mapping[str, int], price: int, source: str | None = None) -> Piles:
    """What is `lying` (account -> minor units), in the order in which it goes back: what the booking has beyond its `price`, what we owe
    since a refund did not arrive, the rest of the deposits, what was earned of them, what nobody has applied. `source`: this account alone."""
    if source is not None:
        return [(source, max(lying[source], 0))]
    deposits, earned = max(lying["customer_deposits"], 0), max(lying["travel_revenue"], 0)
    beyond = min(max(deposits + earned - price, 0), deposits)
    return [
        ("customer_deposits", beyond),
        (OWED, max(lying[OWED], 0)),
        ("customer_deposits", deposits - beyond),
        ("travel_revenue", earned),
        (SUSPENSE, max(lying[SUSPENSE], 0)),
    ]


def refundable(purses: Sequence[Purse], piles: Piles) -> int:
    """How much could go back now, in minor units."""
    return min(sum(purse.left for purse in purses if not purse.disputed), sum(amount for _, amount in piles))


def check_amount(purses: Sequence[Purse], piles: Piles, amount: int | None, currency: str) -> int:
    """What to send back: `amount`, or all that is left. Raises, in the order checked: BadInput (amount_invalid); NotFound (nothing_paid);
    Conflict (disputed); BadInput (refund_exceeds_captured, with what is left; amount_invalid: a rest that no gateway moves)."""
    if amount is not None and amount <= 0:
        raise BadInput("amount_invalid", "The amount to send back must be above zero.", details={"field": "amount"})
    if not purses or sum(lying for _, lying in piles) <= 0:
        raise NotFound("nothing_paid", "Nothing was paid that could be sent back.")
    left = refundable(purses, piles)
    wanted = left if amount is None else amount
    if left < max(wanted, 1) and any(purse.disputed for purse in purses):
        raise Conflict("disputed", "The payer's bank is deciding about this payment. Nothing is sent back meanwhile.")
    if wanted > left or not wanted:
        raise BadInput(
            "refund_exceeds_captured",
            "This is more than is left to send back.",
            details={"field": "amount", "refundable": left},
        )
    if wanted % step(currency) and wanted != left:
        raise BadInput("amount_invalid", off_step(currency), details={"field": "amount"})
    return wanted


def shares(purses: Sequence[Purse], piles: Piles, amount: int) -> list[Share]:
    """Split a refund that `check_amount` has let pass: payments in the order given, piles in theirs. The parts add up to `amount`."""
    lying = [left for _, left in piles]
    parts: dict[tuple[UUID, str], int] = {}
    for purse in purses:
        left = 0 if purse.disputed else purse.left
        for number, (account, _) in enumerate(piles):
            part = min(left, lying[number], amount)
            if part > 0:
                share = purse.transaction_id, account
                parts[share] = parts.get(share, 0) + part
                left, amount, lying[number] = left - part, amount - part, lying[number] - part
    assert amount == 0, "checked before"
    return [Share(transaction_id=of, account=account, amount=part) for (of, account), part in parts.items()]


def check_owed(owed: int, amount: int | None) -> int:
    """What to pay another way: `amount`, or all that is `owed`. Raises, in the order checked: BadInput (amount_invalid); NotFound
    (nothing_owed); BadInput (more_than_owed, with what is owed)."""
    if amount is not None and amount <= 0:
        raise BadInput("amount_invalid", "The amount must be above zero.", details={"field": "amount"})
    if owed <= 0:
        raise NotFound("nothing_owed", "Nothing is owed to this customer any more.")
    if amount is not None and amount > owed:
        raise BadInput("more_than_owed", "This is more than is owed.", details={"field": "amount", "owed": owed})
    return owed if amount is None else amount


def needs_second(limits: Sequence[tuple[str, int]], currency: str, amount: int, alone_before: int) -> bool:
    """Whether a second person has to agree, above `limits` in whole units of a currency; one without a limit has none. `amount` and
    `alone_before` in minor units: the latter was sent back of the booking by one person alone during the last day, so that a large
    refund does not pass as several small ones."""
    return any(
        named == currency and amount + alone_before > limit * 10 ** decimals(currency) for named, limit in limits
    )
