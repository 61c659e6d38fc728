"""How a refund moves. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_RANK = {"reserved": 10, "submitted": 15, "pending": 20, "succeeded": 50, "failed": 60, "canceled": 60}
SUSPENSE = "suspense:unapplied"
IN_FLIGHT = ("reserved", "submitted", "pending")


def next_state(state: str, reported: str) -> str | None:
    """The state a report moves a refund to; None when it is old news. A success may still fail, days later (Stripe `refund.failed`)."""
    if reported not in _RANK:
        return None
    return reported if _RANK[reported] > _RANK[state] else None


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
