"""What is looked for, and where a page begins. A cursor is the last row of the page before: its time and id, so that what comes meanwhile moves nothing. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from jklg.kit.errors import BadInput
from jklg.kit.money import CURRENCIES

STATUSES = ("pending", "processing", "completed", "failed", "refunded", "partially_refunded")
GATEWAYS = ("stripe", "paypal", "razorpay", "manual", "sandbox")
ZONE = ZoneInfo("Asia/Kolkata")
SHORTEST = 3
"""Characters of a text that is looked for: the indexes know parts of three."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Filters; None or '' lets everything pass. Amounts in minor units; `from_` and `to` are moments, the latter not included.

    `q` is a part of a reference, name or e-mail address, or the beginning of a gateway's id; `common`: found to match very many.
    """

    status: str | None = None
    gateway: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    currency: str = ""
    id: UUID | None = None
    ids: list[UUID] | None = None
    booking: UUID | None = None
    customer: UUID | None = None
    q: str = ""
    common: bool = False


def wanted(
    *,
    status: str = "",
    gateway: str = "",
    since: date | None = None,
    to: date | None = None,
    amount_min: int | None = None,
    amount_max: int | None = None,
    currency: str = "",
    booking: UUID | None = None,
    customer: UUID | None = None,
    q: str = "",
) -> Wanted:
    """Filters as people give them; `since` and `to` are days in India, both included. BadInput: filter_invalid."""
    if (status and status not in STATUSES) or (gateway and gateway not in GATEWAYS) or "\0" in q:
        raise BadInput("filter_invalid", "We do not know this status or gateway.")
    if currency and currency not in CURRENCIES:
        raise BadInput("filter_invalid", "We do not know this currency.", details={"field": "currency"})
    q = q.strip()
    if 0 < len(q) < SHORTEST:
        raise BadInput(
            "filter_invalid", f"Please give at least {SHORTEST} characters to look for.", details={"field": "q"}
        )
    return Wanted(
        status=status, gateway=gateway, from_=_begin(since), to=_begin(to, days=1), amount_min=amount_min, amount_max=amount_max,
        currency=currency, booking=booking, customer=customer, q=q[:320],
    )  # fmt: skip


def _begin(day: date | None, days: int = 0) -> datetime | None:
    """The first moment of a day in India, or of a day after it."""
    if day is None:
        return None
    if not 2000 <= day.year <= 2999:
        raise BadInput("filter_invalid", "Please give days between 2000 and 2999.")
    return datetime.combine(day + timedelta(days=days), time(), ZONE).astimezone(UTC)
