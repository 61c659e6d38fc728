"""What may follow what in a payment, what an answer proves, and when to look again. Pure: values in, decisions out.

The states and their ranks are those of payments.md 1.2; the database refuses any other move (migration 0007).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput
from jklg.kit.languages import gettext as _
from jklg.kit.money import off_step, plain, step
from jklg.payments.gateways.contract import Snapshot

RANK = {
    "created": 10,
    "submitting": 15,
    "requires_payment_method": 20,
    "requires_action": 25,
    "processing": 30,
    "authorized": 40,
    "canceled": 50,
    "failed": 50,
    "expired": 50,
    "succeeded": 90,
}
_CYCLING = ("requires_payment_method", "requires_action", "processing")
OPEN = ("created", "submitting", *_CYCLING, "authorized")

STATUS_WORDS = {
    **dict.fromkeys(("created", "submitting", "requires_payment_method", "requires_action"), "pending"),
    **dict.fromkeys(("processing", "authorized"), "processing"),
    **dict.fromkeys(("canceled", "failed", "expired"), "failed"),
    "succeeded": "completed",
}

MAX_ATTEMPTS_PER_HOUR = 20
"""Attempts for one booking in an hour. More is a machine, not a person (payments.md 4, A25)."""

PENDING_REFUND_SECONDS = 3600
"""How long until we ask how a refund stands that the gateway still has to make. Its notice may have been lost."""

STUMBLES_TOLD = 8
"""Failures of the house itself with one attempt, in a row, after which a person is told: twenty minutes or so."""

NOTICE_ATTEMPTS = 12
"""Tries after which a notice is put aside as dead, for a person."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What our row says of an attempt: the other half of every decision."""

    id: UUID
    state: str
    amount: int
    currency: str
    livemode: bool
    ref: str | None
    captured: int
    authorized: int
    open_at: datetime | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer changes. `state` None: nothing moves. `captured` and `authorized` are the new cumulative amounts.

    `void_needed`: the attempt has ended here and lives on at its gateway, where it has to be closed.
    """

    state: str | None
    captured: int
    captured_more: int
    authorized: int
    open_at: datetime | None
    distrusted: str | None
    anomaly: str | None
    void_needed: bool


def not_ours(known: Known, snapshot: Snapshot) -> str | None:
    """Why this snapshot cannot be about this attempt at all; None when it is. Such an answer is reported, never applied."""
    if known.ref is not None and known.ref != snapshot.ref:
        return "other_reference"
    if snapshot.livemode != known.livemode:
        return "other_mode"
    if snapshot.transaction_id is not None and snapshot.transaction_id != known.id:
        return "other_transaction"
    if known.ref is None and snapshot.transaction_id is None:
        return "cannot_be_bound"
    return None


def decide(known: Known, snapshot: Snapshot) -> Decision:
    """Merge an answer into what we know (payments.md 1.2, "the merge rule").

    Captured money only grows and a success absorbs everything, so the order and the number of times answers arrive
    does not matter. Only the three states that may cycle at the gateway are ordered by the gateway's own time.
    """
    captured = max(known.captured, snapshot.captured if snapshot.currency == known.currency else 0)
    more = captured - known.captured
    state = _next_state(known, snapshot, captured)
    closed_before = known.state in ("canceled", "failed", "expired")
    void_needed = closed_before and snapshot.state in OPEN
    anomaly = None
    if more and closed_before:
        anomaly = "late_success"
    elif void_needed and snapshot.state == "authorized":
        anomaly = "late_authorization"
    distrusted = _distrust(known, snapshot, captured)
    return Decision(
        state=state,
        captured=captured,
        captured_more=more,
        authorized=max(known.authorized, snapshot.authorized),
        open_at=(snapshot.state in _CYCLING and _newer(known, snapshot) and snapshot.gateway_at) or known.open_at,
        distrusted=distrusted,
        anomaly=distrusted or anomaly,
        void_needed=void_needed,
    )


def _next_state(known: Known, snapshot: Snapshot, captured: int) -> str | None:
    target = snapshot.state
    if target == "succeeded" and captured == 0:
        return None  # a success without money of ours is not believed
    if target == known.state:
        return None
    if known.state in _CYCLING and target in _CYCLING:
        return target if _newer(known, snapshot) else None
    if RANK[target] > RANK[known.state]:
        return None if known.state in ("canceled", "failed", "expired") and target != "succeeded" else target
    return None


def _newer(known: Known, snapshot: Snapshot) -> bool:
    """Whether a state that may come again is not older than the one we know. What comes without a time was fetched just now."""
    return known.open_at is None or snapshot.gateway_at is None or snapshot.gateway_at >= known.open_at


def _distrust(known: Known, snapshot: Snapshot, captured: int) -> str | None:
    """Why captured money may not confirm a booking (payments.md 1.6, verification)."""
    if snapshot.currency != known.currency:
        return "currency_mismatch"
    if captured and captured != known.amount:
        return "amount_mismatch"
    return None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that may be paid now: `full`, `deposit`, or `balance`, with the day on which the rest of it is due at the latest."""

    kind: str
    amount: int
    balance_due_on: date | None = None


SMALLEST = 100
"""Minor units. What is paid by itself, and what is left to pay afterwards, is at least this much: gateways take no less than about half a
dollar, so that a smaller rest could be paid by nobody."""


def payables(due: int, first_due: int, balance_due_on: date | None) -> list[Part]:
    """What may be paid now, the default first. `due`: all that is still to be paid; `first_due`: what is missing for the booking to be
    confirmed. Whoever likes pays all at once, and anything between `least` and all is welcome (`payable`)."""
    if 0 < first_due < due:
        return [Part(kind="deposit", amount=first_due, balance_due_on=balance_due_on), Part(kind="full", amount=due)]
    if first_due == 0 and balance_due_on is not None:
        return [Part(kind="balance", amount=due, balance_due_on=balance_due_on)]
    return [Part(kind="full", amount=due)]


def least(due: int, first_due: int) -> int:
    """The least that may be paid now: what is missing for the confirmation, and of a confirmed booking whatever is worth a payment."""
    return min(first_due or SMALLEST, due)


def payable(
    parts: Sequence[Part], least: int, claimed_amount: int | None, claimed_currency: str | None, currency: str
) -> int:
    """The amount to take: what the house computed. A customer may choose a part, or anything from `least` to all that leaves nothing or
    something to pay; for staff, who take cash, the same counts. Another number is refused, never used.

    BadInput: amount_mismatch, with the payable amounts in the details (payments.md 5).
    """
    offered = [{"kind": part.kind, "amount": part.amount, "currency": currency.lower()} for part in parts]

    def refusal(sentence: str) -> BadInput:
        return BadInput("amount_mismatch", sentence, details={"payable": offered})

    due = parts[-1].amount
    if claimed_currency is not None and claimed_currency.upper() != currency:
        raise refusal(_("This booking is paid in another currency."))
    if claimed_amount is None:
        return parts[0].amount
    if claimed_amount in [part.amount for part in parts]:
        return claimed_amount
    if claimed_amount > due:
        raise refusal(_("No more than {amount} is due.").format(amount=plain(due, currency)))
    if claimed_amount < least:
        raise refusal(_("Please pay at least {amount}.").format(amount=plain(least, currency)))
    if due - claimed_amount < SMALLEST:
        raise refusal(
            _("That would leave {amount}, too little to be paid by itself. Please pay all, or a little less.").format(
                amount=plain(due - claimed_amount, currency)
            )
        )
    if claimed_amount % step(currency):
        raise refusal(off_step(currency))
    return claimed_amount


def look_again_seconds(state: str, checks: int) -> int | None:
    """How long until an attempt is looked at again, with no news in between; None: never.

    Open attempts: 5 s, doubling up to 10 minutes. Closed without money: five more looks over three days, because late
    successes exist (Razorpay polls banks for up to 3 days; docs read 2026-11).
    """
    if state == "succeeded":
        return None
    if state in OPEN:
        return min(5 << min(checks, 10), 600)
    later = (600, 3_600, 6 * 3_600, 24 * 3_600, 72 * 3_600)
    return later[checks] if checks < len(later) else None


def retry_seconds(attempts: int, dice: float) -> float:
    """Backoff of notices and commands: min(2^n * 5 s, 6 h), times 0.5 to 1.5 as `dice` (0 to 1) falls."""
    return float(min(5 * 2 ** min(attempts, 13), 6 * 3600)) * (0.5 + dice)


ON_ITS_WAY_SECONDS = 600
"""After a caller has given up: how long what it sent may still arrive at a gateway that does not show it."""


def may_send_again(seconds_since_first: float, key_lifetime_seconds: int) -> bool:
    """Whether the gateway surely still knows our key. After 80 % of its lifetime we look instead of sending."""
    return seconds_since_first < 0.8 * key_lifetime_seconds
