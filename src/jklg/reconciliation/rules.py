"""What the comparison of one attempt says, and in which steps a long time is compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from jklg.payments.gateways.contract import OPEN_STATES, Snapshot

EVERY_SECONDS = 3600
AFTER_A_FAILURE_SECONDS = 300
FIRST_DAYS = 3
"""How far the first comparison looks back: as long as a gateway repeats its webhooks."""
OVERLAP = timedelta(hours=4)
"""Looked at again each time: listings lag behind (PayPal's by up to three hours), and clocks differ."""
STEP = timedelta(hours=6)
"""What is compared before the watermark moves."""
EDGE = timedelta(hours=1)
"""By so much a gateway's clock may differ from ours: what is listed overlaps what is expected."""

Finding = Literal["missing_here", "behind", "other_amount"]


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """Our row of an attempt. Money in minor units of `currency`."""

    id: UUID
    ref: str | None
    state: str
    amount: int
    currency: str
    captured: int
    created_at: datetime


def compare(ours: Ours | None, theirs: Snapshot) -> Finding | None:
    """What is wrong with an attempt, if anything."""
    if ours is None:
        return "missing_here"
    if (ours.amount, ours.currency) != (theirs.amount, theirs.currency):
        return "other_amount"
    ours_open = ours.state in ("created", "submitting", *OPEN_STATES)
    behind = theirs.captured > ours.captured or (ours_open and theirs.state not in OPEN_STATES) or ours.ref is None
    return "behind" if behind else None


def steps(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A long time, oldest first, in parts that follow each other."""
    while start < end:
        upto = min(start + STEP, end)
        yield start, upto
        start = upto
