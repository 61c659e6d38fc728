"""What a line of our account at a gateway means in the books, and when a difference is one. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from jklg.payments.gateways.movements import Movement

AFTER_A_FAILURE_SECONDS = 600
AT_IT_SECONDS = 3600
UNREAD_TOLD = timedelta(days=1)
"""For so long an account may not be readable to its end before a person is told."""
OVERLAP = timedelta(days=4)
"""Listed again each day: what came late, and lines that have been paid out since."""
FURTHEST = timedelta(days=1000)
"""How far the first look goes back at most: PayPal tells of three years."""
LOOKS = 2
"""A balance that differs is asked for again before anybody is told: money may have moved between two questions."""

CONCERNS = ("movements_differ", "movement_unmatched", "movement_changed", "balance_differs", "account_unread")
ADOPTED = ("movement_unmatched", "balance_differs", "movements_differ")
"""What a person may have booked as it is; `movements_differ` only where there is no payment of ours."""

OTHER = "gateway_other"
"""What moved at a gateway and belongs to no booking: said so by a person."""
FEES, IN_TRANSIT, SUSPENSE = "gateway_fees", "bank_in_transit", "suspense:unapplied"


class Posting(NamedTuple):
    """What `ledger.post` wants besides the fact's id. Minor units of `currency`, debits positive."""

    kind: str
    currency: str
    entries: list[tuple[str, int]]


class Difference(NamedTuple):
    """What a gateway and we say of one attempt, in minor units of `currency`. `transaction_id` None: none of ours.

    `under_way`: a refund is on its way, which gateways take from us sooner than we book it. `newest_at`: the last that either heard of it.
    """

    transaction_id: UUID | None
    booking_id: UUID | None
    ref: str
    currency: str
    theirs: int
    ours: int
    under_way: bool
    newest_at: datetime

    @property
    def amount(self) -> int:
        return self.theirs - self.ours


def clearing(gateway: str) -> str:
    return f"gateway_clearing:{gateway}"


def fact_id(gateway: str, livemode: bool, ref: str) -> str:
    """The name under which a line is booked, once."""
    return f"{gateway}:{'live' if livemode else 'test'}:{ref}"


def postings(gateway: str, movement: Movement) -> list[Posting]:
    """What the books learn from a line alone: its fee, a payout, an exchange. Payments, refunds and disputes are booked where they are
    settled, a dispute with its fee."""
    account, found = clearing(gateway), []
    if movement.asked is not None and movement.asked_currency not in (None, movement.currency):
        between = f"exchange:{gateway}"
        found += [
            Posting("exchanged_from", str(movement.asked_currency), [(between, movement.asked), (account, -movement.asked)]),
            Posting("exchanged_to", movement.currency, [(account, movement.gross), (between, -movement.gross)]),
        ]  # fmt: skip
    if movement.fee and movement.kind != "dispute":
        found.append(Posting("gateway_fee", movement.currency, [(FEES, movement.fee), (account, -movement.fee)]))
    if movement.kind == "exchange":
        entries = [(account, movement.gross), (f"exchange:{gateway}", -movement.gross)]
        found.append(Posting("exchanged", movement.currency, entries))
    if movement.kind in ("payout", "payout_returned"):
        found.append(
            Posting(movement.kind, movement.currency, [(IN_TRANSIT, -movement.gross), (account, movement.gross)])
        )
    return [posting for posting in found if any(amount for _, amount in posting.entries)]


def left_to_adopt(kind: str, gross: int, fee: int) -> int:
    """What of a line that belongs to nothing is not in the books: its fee is, except a dispute's."""
    return gross - fee if kind == "dispute" else gross


def is_due(difference: Difference, now: datetime, lag: timedelta) -> bool:
    """Whether somebody should look at it: it has had time to vanish, and did not."""
    return difference.amount != 0 and not difference.under_way and difference.newest_at <= now - lag


def unexplained(theirs: int, ours: int, explained: int) -> int:
    """What of a balance's difference is in no difference of a single payment."""
    return theirs - ours - explained
