"""How a refund moves. Pure."""

from __future__ import annotations

from jklg.kit.errors import Conflict

_RANK = {"reserved": 10, "submitted": 15, "pending": 20, "succeeded": 50, "failed": 60, "canceled": 60}
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


def check_amount(amount: int, captured: int, refunded: int, reserved: int) -> None:
    """Conflict (refund_exceeds_captured) when more would go back than came in. The constraint of that meaning stands behind it."""
    if amount > captured - refunded - reserved:
        raise Conflict("refund_exceeds_captured", "This is more than is left to send back.")
