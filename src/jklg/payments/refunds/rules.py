"""How a refund moves. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from jklg.payments.rules import may_send_again

_RANK = {"reserved": 10, "submitted": 15, "pending": 20, "succeeded": 50, "failed": 60, "canceled": 60}
SUSPENSE = "suspense:unapplied"
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


def postings(before: str, after: str, source_account: str, clearing: str) -> tuple[str, list[tuple[str, int]]] | None:
    """The ledger's view of a move, for an amount of 1: (kind, [(account, sign)]). None when no money moves."""
    if after == "succeeded":
        return "refund_succeeded", [("refunds_in_flight", 1), (clearing, -1)]
    if after in ("failed", "canceled") and before in IN_FLIGHT:
        return "refund_released", [("refunds_in_flight", 1), (source_account, -1)]
    if after in ("failed", "canceled") and before == "succeeded":
        return "refund_failed", [(clearing, 1), ("refunds_owed", -1)]
    return None


def account_of_stranger(in_suspense: int, kept: Mapping[str, int], amount: int) -> str:
    """The account that a refund is taken from which somebody made at the gateway."""
    if in_suspense >= amount:
        return SUSPENSE
    if kept["customer_deposits"] < amount <= kept["travel_revenue"]:
        return "travel_revenue"
    return "customer_deposits"


def off_the_price(kept: int, price: int, amount: int) -> int:
    """How much the price is reduced by sending `amount` back of what is `kept`: what was paid beyond the price goes first, and
    whatever else goes back is not asked for again."""
    return max(amount - max(kept - price, 0), 0)
