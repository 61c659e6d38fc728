"""Whether money in suspense may be applied to its booking, and how much of it. Pure."""

from __future__ import annotations

import msgspec

from jklg.kit.errors import Conflict, NotFound


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying would do, in minor units of `currency`: `amount` goes to the booking, `left` stays in suspense. `confirms`: its seats are hers."""

    amount: int
    left: int
    currency: str
    confirms: bool


def plan(status: str, lying: int, paid: int, price: int, confirms_at: int, currency: str, *, disputed: bool) -> Plan:
    """Up to what is still due. Raises, in the order checked: NotFound (nothing_in_suspense); Conflict (disputed, already_paid, not_enough)."""
    if lying <= 0:
        raise NotFound("nothing_in_suspense", "There is no money in suspense for this booking any more.")
    if disputed:
        raise Conflict("disputed", "The payer's bank is deciding about this money, or has taken it back.")
    amount = min(lying, price - paid)
    if amount <= 0:
        raise Conflict("already_paid", "This booking is paid. Nothing more is due: send the money back.")
    seated = status not in ("held", "expired")
    if not seated and paid + amount < confirms_at:
        raise Conflict(
            "not_enough", "This does not pay the first part of the booking, so its seats cannot be confirmed with it."
        )
    return Plan(amount=amount, left=lying - amount, currency=currency, confirms=not seated)
