"""Our account at Razorpay: settlements, and what each was made of (its Settlements API, read 2026-11).

Razorpay lists a payment, refund or adjustment on the day it is settled, some days after it happened, and tells no balance. A settlement
bears no currency; the lines in it do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from jklg.payments.gateways.contract import GatewayUnknown
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.razorpay.amounts import minor
from jklg.payments.gateways.razorpay.calls import Calls, Page

_KINDS = {"payment": "capture", "refund": "refund"}
_ZONE = ZoneInfo("Asia/Kolkata")
"""Razorpay's days."""
_BY_DAY = timedelta(days=10)
"""Longer spans are asked for by the month."""


class Line(msgspec.Struct):
    entity_id: str
    type: str
    debit: int
    credit: int
    amount: int
    currency: str
    fee: int
    created_at: int
    settled_at: int | None = None
    settlement_id: str | None = None
    order_id: str | None = None
    payment_id: str | None = None
    dispute_id: str | None = None


class Settlement(msgspec.Struct):
    id: str
    amount: int
    status: str
    created_at: int
    utr: str | None = None


async def list_movements(calls: Calls, start: datetime, end: datetime) -> AsyncIterator[Movement]:
    """What was settled on the days of the span, and the settlements. Raises what `Calls.get` raises."""
    currencies: dict[str, str] = {}
    for days in _days(start, end):
        async for line in calls.list_all("/settlements/recon/combined", Page[Line], days):
            if line.settlement_id:
                currencies[line.settlement_id] = line.currency
            yield _movement(line)
    span = {"from": str(max(int(start.timestamp()), 0)), "to": str(int(end.timestamp()) + 1)}
    async for settlement in calls.list_all("/settlements", Page[Settlement], span):
        if settlement.status == "processed":
            yield _payout(settlement, currencies.get(settlement.id, "INR"))


def _days(start: datetime, end: datetime) -> list[dict[str, str]]:
    """The days of the span by Razorpay's calendar, or its months."""
    first, last = start.astimezone(_ZONE).date(), end.astimezone(_ZONE).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if end - start > _BY_DAY:
        months = sorted({(day.year, day.month) for day in days})
        return [{"year": f"{year}", "month": f"{month:02}"} for year, month in months]
    return [{"year": f"{day.year}", "month": f"{day.month:02}", "day": f"{day.day:02}"} for day in days]


def _movement(line: Line) -> Movement:
    """`fee` has the tax in it. Of a payment `credit` is what is left of `amount`."""
    kind = "dispute" if line.type == "adjustment" and line.dispute_id else _KINDS.get(line.type, "other")
    fee = minor(line.fee, line.currency)
    net = minor(line.credit, line.currency) - minor(line.debit, line.currency)
    return Movement(
        ref=line.entity_id,
        kind=kind,
        gross=net + fee,
        fee=fee,
        currency=line.currency,
        happened_at=_moment(line.created_at),
        about=line.dispute_id or line.payment_id or line.entity_id,
        attempt_ref=line.order_id,
        payout_ref=line.settlement_id,
    )


def _payout(settlement: Settlement, currency: str) -> Movement:
    at = _moment(settlement.created_at)
    return Movement(
        ref=settlement.id,
        kind="payout",
        gross=-minor(settlement.amount, currency),
        fee=0,
        currency=currency,
        happened_at=at,
        about=settlement.id,
        payout_ref=settlement.id,
        arrives_on=at.astimezone(_ZONE).date(),
        bank_ref=settlement.utr,
    )


def _moment(unix: int) -> datetime:
    try:
        return datetime.fromtimestamp(unix, UTC)
    except (OverflowError, ValueError, OSError) as problem:
        raise GatewayUnknown("unreadable_time", str(unix)) from problem
