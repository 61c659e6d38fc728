"""How a dispute moves. Pure."""

from __future__ import annotations

from jklg.payments.gateways.contract import CASELESS

RANK = {
    "inquiry": 10,
    "inquiry_closed": 20,
    "needs_response": 30,
    "under_review": 40,
    "prevented": 50,
    "lost": 60,
    "appealed": 70,
    "won": 80,
}
OPEN = ("inquiry", "needs_response", "under_review", "appealed")
LOOK_AGAIN_SECONDS = 6 * 3600
"""How long until we ask how an open dispute stands. Its notices may have been lost, and its deadline does not wait."""


def next_state(state: str, reported: str) -> str | None:
    """The state a report moves a dispute to; None when it is old news. What was lost may be appealed, and lost again."""
    if state == "appealed" and reported == "lost":
        return reported
    return reported if RANK[reported] > RANK[state] else None


def caseless(gateway_ref: str) -> bool:
    """Whether the bank took the money without a case that could be answered."""
    return gateway_ref.startswith(CASELESS)


def round_of(state: str, loss_postings: int) -> str:
    """What somebody who looks has to deal with: the bank's question, its taking the money, or an appeal, each of them anew."""
    if state in ("inquiry", "inquiry_closed"):
        return "inquiry"
    return f"appeal_{loss_postings}" if state == "appealed" else "chargeback"


def written_off(state: str, withdrawn: int) -> int:
    """What is lost for good, of the money that was taken."""
    return max(withdrawn, 0) if state == "lost" else 0
