"""What the house is known to do wrong while branch `money` mends it. Each constant goes, with what it excuses, when that is merged."""

from __future__ import annotations

import asyncpg

COLLIDING_REFUNDS_RAISE = True
"""Somebody sends back at the gateway what is reserved for a refund of ours: until ours is refused there, hearing of theirs raises."""
LATE_MONEY_TOPS_UP_DEPOSITS = True
"""A full payment that succeeds late is added to the deposit that was paid in the meantime, above the price."""
_ABOVE_THE_PRICE = (
    "a booking keeps no more than its price", "and no more than its price ever came in", "paid and not confirmed",
)  # fmt: skip


def excused(error: Exception) -> bool:
    return (
        COLLIDING_REFUNDS_RAISE
        and isinstance(error, asyncpg.CheckViolationError)
        and error.constraint_name == "refunds_never_exceed_captured"
    )


def unexcused(findings: list[str]) -> list[str]:
    excuses = _ABOVE_THE_PRICE if LATE_MONEY_TOPS_UP_DEPOSITS else ()
    collided = "refunds_never_exceed_captured" if COLLIDING_REFUNDS_RAISE else " "
    return [
        finding
        for finding in findings
        if not any(each in finding for each in excuses) and not ("CheckViolation" in finding and collided in finding)
    ]
