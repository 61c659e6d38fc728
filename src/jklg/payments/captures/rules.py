"""Whether we take money that waits for our word, and under which key. Pure: values in, decisions out."""

from __future__ import annotations

from uuid import UUID

from jklg.payments.gateways.contract import Snapshot
from jklg.payments.rules import OPEN, Known

MAX_CAPTURES = 5
"""Times that we ask for one attempt after proven refusals. A payer whose card is declined so often needs another way."""

PAYER_IS_BACK = "return"
"""The source of a look that the payer's own return has caused. After a refusal nobody else's look asks again."""


def refusal(known: Known, snapshot: Snapshot, no_use: str | None) -> str | None:
    """Why what waits is not taken; None when it is. `no_use`: why the booking has no use for money now, if so (H08).

    Exactly what was asked for is taken, or nothing: other amounts are for a person to judge.
    """
    if known.state not in OPEN:
        return "attempt_ended"
    if snapshot.currency != known.currency:
        return "currency_mismatch"
    if snapshot.capturable != known.amount or snapshot.captured:
        return "amount_mismatch"
    return no_use


def request_key(transaction_id: UUID, refused_before: int) -> str:
    """The key of a capture. A refusal may be repeated to its key for hours, so each proven one earns a new key."""
    return f"capture:{transaction_id}" + (f":{refused_before + 1}" if refused_before else "")
