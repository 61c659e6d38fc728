"""The arithmetic of terms of sale. Whole minor units only; parts always add up to their whole. Pure.

1. Parts of a price. The deposit is a percentage, a fixed sum, or a sum for each person, rounded up to what gateways take (`money.step`: one minor
   unit, nearly everywhere). The balance is the rest: total less deposit, due so many days before departure. Who
   books when the balance would be due already, or for no more than the deposit, pays everything at once.
2. A journey given up. The tier with the most days that has been reached decides which percentage comes back. What comes back is
   rounded up to what gateways take, in the customer's favour; what is kept is the rest.
Days are counted on the calendar of the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

import msgspec

from jklg.kit.errors import BadInput
from jklg.kit.languages import N_
from jklg.kit.money import MAX_MINOR, step

MAX_DAYS = 730
MAX_TIERS = 12


class Deposit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part that confirms a booking. `value`: whole percent (1 to 99), or minor units of the departure's currency."""

    kind: Literal["percent", "fixed", "per_person"]
    value: int


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`percent` of the price comes back when the journey is given up at least `days_before` its first day."""

    days_before: int
    percent: int


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Terms of sale. No deposit: all at once. No tiers: nobody gives up a paid booking without talking to us.

    `keeps_deposit`: of a booking given up altogether, the deposit stays with us whatever the tier says.
    """

    deposit: Deposit | None = None
    balance_days: int = 0
    tiers: tuple[Tier, ...] = ()
    keeps_deposit: bool = False


class Payable(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid when: `full`, or `deposit` and `balance`. `amount` in minor units; `due_on` at the place of the package."""

    kind: str
    amount: int
    due_on: date


def read(kept: Mapping[str, Any]) -> Terms:
    """Terms as a package or a booking keeps them."""
    return msgspec.convert(kept, Terms)


def check(terms: Terms) -> Terms:
    """Terms that make sense, with their tiers in order, the earliest first. BadInput: deposit_invalid, balance_days_invalid, tiers_invalid."""
    deposit = terms.deposit
    if deposit is not None and not 1 <= deposit.value <= (99 if deposit.kind == "percent" else MAX_MINOR):
        raise _wrong("deposit_invalid", N_("A deposit is 1 to 99 percent, or an amount above zero."), "deposit")
    if not 0 <= terms.balance_days <= MAX_DAYS:
        raise _wrong(
            "balance_days_invalid", f"The balance is due 0 to {MAX_DAYS} days before departure.", "balance_days"
        )
    tiers = tuple(sorted(terms.tiers, key=lambda tier: -tier.days_before))
    days = [tier.days_before for tier in tiers]
    percents = [tier.percent for tier in tiers]
    if (
        len(tiers) > MAX_TIERS
        or len(set(days)) != len(days)
        or any(not 0 <= each <= MAX_DAYS for each in days)
        or any(not 0 <= each <= 100 for each in percents)
        or percents != sorted(percents, reverse=True)
    ):
        raise _wrong(
            "tiers_invalid",
            f"Up to {MAX_TIERS} tiers, each with days of its own (0 to {MAX_DAYS}) and 0 to 100 percent; who leaves later never gets more.",
            "tiers",
        )
    return msgspec.structs.replace(terms, tiers=tiers)


def payables(terms: Terms, total: int, people: int, starts_on: date, today: date, currency: str) -> list[Payable]:
    """The parts of a price, in the order they are due. They add up to `total`."""
    full = [Payable(kind="full", amount=total, due_on=today)]
    if terms.deposit is None or total == 0:
        return full
    due_on = starts_on - timedelta(days=terms.balance_days)
    if today >= due_on:
        return full
    deposit = _deposit(terms.deposit, total, people, currency)
    if deposit >= total:
        return full
    return [
        Payable(kind="deposit", amount=deposit, due_on=today),
        Payable(kind="balance", amount=total - deposit, due_on=due_on),
    ]


def _deposit(deposit: Deposit, total: int, people: int, currency: str) -> int:
    if deposit.kind == "percent":
        return share(total, deposit.value, currency)
    amount = deposit.value * (people if deposit.kind == "per_person" else 1)
    return -(-amount // step(currency)) * step(currency)


def share(amount: int, percent: int, currency: str) -> int:
    """`percent` of `amount`, rounded up to what gateways take, and never more than `amount`."""
    least = step(currency)
    return min(-(-amount * percent // (100 * least)) * least, amount)


def tier_on(terms: Terms, starts_on: date, today: date) -> Tier:
    """The tier that counts today. After the last of them, nothing comes back."""
    left = (starts_on - today).days
    for tier in sorted(terms.tiers, key=lambda tier: -tier.days_before):
        if left >= tier.days_before:
            return tier
    return Tier(days_before=0, percent=0)


def _wrong(code: str, sentence: str, field: str) -> BadInput:
    return BadInput(code, sentence, details={"field": field})
