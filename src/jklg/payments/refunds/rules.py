"""How a refund moves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jklg.payments.rules import may_send_again

_RANK = {"reserved": 10, "submitted": 15, "pending": 20, "succeeded": 50, "failed": 60, "canceled": 60}
SUSPENSE, OWED = "suspense:unapplied", "refunds_owed"
Entries = Sequence[tuple[str, int]]
"""(account, minor units), debits positive."""
IN_FLIGHT = ("reserved", "submitted", "pending")


def next_state(state: str, reported: str) -> str | None:
    """The state a report moves a refund to; None when it is old news. A success may still fail, days later (Stripe `refund.failed`)."""
    if reported not in _RANK:
        return None
    return reported if _RANK[reported] > _RANK[state] else None


def was_made_after_all(state: str, gateway_ref: str | None, reported: str) -> bool:
    """Whether a gateway shows a refund of ours that we held for refused, and never saw there."""
    return state in ("failed", "canceled") and gateway_ref is None and reported not in ("failed", "canceled")


def memory_of_key(seconds_since_first: float, lifetime_seconds: int) -> str:
    """What a gateway still knows of a key: 'clear' up to 80 % of its lifetime, then 'fading', and 'gone' when that is over.

    While it fades nothing is sent under it, so that whatever was sent before has been heard by the time that it is gone.
    """
    if may_send_again(seconds_since_first, lifetime_seconds):
        return "clear"
    return "fading" if seconds_since_first < lifetime_seconds else "gone"


def posting(
    before: str, after: str, clearing: str, submitted: Entries, amount: int
) -> tuple[str, list[tuple[str, int]]] | None:
    """The ledger's view of a move: (kind, entries). None when no money moves. `submitted`: how it was taken out of its accounts."""
    if after == "succeeded":
        return "refund_succeeded", [("refunds_in_flight", amount), (clearing, -amount)]
    if after in ("failed", "canceled") and before in IN_FLIGHT:
        return "refund_released", [(account, -taken) for account, taken in submitted]
    if after in ("failed", "canceled") and before == "succeeded":
        return "refund_failed", [(clearing, amount), (OWED, -amount)]
    return None


def sources_of_stranger(lying: Mapping[str, int], amount: int) -> list[tuple[str, int]]:
    """The accounts that a refund is taken out of which somebody made at the gateway: the first that covers it, of what is owed, what nobody
    has applied, deposits and revenue; else as many of them as it takes. What none of them has would overdraw the deposits, and be seen."""
    order = (OWED, SUSPENSE, "customer_deposits", "travel_revenue")
    for account in order:
        if lying[account] >= amount:
            return [(account, amount)]
    parts: dict[str, int] = {}
    for account in order:
        parts[account] = min(max(lying[account], 0), amount)
        amount -= parts[account]
    parts["customer_deposits"] += amount
    return [(account, part) for account, part in parts.items() if part]


def off_the_price(kept: int, price: int, amount: int) -> int:
    """How much the price is reduced by sending `amount` back of what is `kept`: what was paid beyond the price goes first, and
    whatever else goes back is not asked for again."""
    return max(amount - max(kept - price, 0), 0)
