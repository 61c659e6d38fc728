"""What happened at Razorpay, put together from what it lists, since it lists no events (refunds and disputes; its API reference, read 2026-11).

What is captured needs no place here: attempts are looked at, and orders compared. But a refund that somebody makes in the dashboard, and
a dispute, would be known from their webhooks alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from jklg.payments.gateways import signatures
from jklg.payments.gateways.calls import segment
from jklg.payments.gateways.contract import Notice
from jklg.payments.gateways.razorpay.calls import Calls, Page

REFUNDS_END_WITHIN = timedelta(days=7)
"""So far back refunds are listed again. How one stands is part of its event's id: one that has failed since is news."""
_MOST_PAYMENTS = 1000


class _Happening(msgspec.Struct):
    """A refund or a dispute, as much of it as tells where to look."""

    id: str
    entity: str
    payment_id: str
    created_at: int
    status: str = ""


class _Payment(msgspec.Struct):
    order_id: str | None = None


class Happenings:
    """The lists of one account. Which order a payment belongs to never changes, and is asked once."""

    def __init__(self, calls: Calls, *, livemode: bool) -> None:
        self._calls = calls
        self._livemode = livemode
        self._orders: dict[str, str | None] = {}

    async def list_all(self, start: datetime, end: datetime) -> AsyncIterator[tuple[Notice, bytes]]:
        """Refunds and disputes of a time, each as an event of its own. Raises what `Calls.get` raises."""
        for path, since in (("/refunds", start - REFUNDS_END_WITHIN), ("/disputes", start)):
            query = {"from": str(max(int(since.timestamp()), 0)), "to": str(int(end.timestamp()) + 1)}
            async for each in self._calls.list_all(path, Page[_Happening], query):
                yield await self._notice(each), msgspec.json.encode(each)

    async def _notice(self, each: _Happening) -> Notice:
        return Notice(
            event_id=f"{each.id}:{each.status}",
            event_type=f"{each.entity}.{each.status}",
            livemode=self._livemode,
            ref=await self._order_of(each.payment_id),
            transaction_id=None,
            gateway_at=signatures.moment(each.created_at),
        )

    async def _order_of(self, payment_id: str) -> str | None:
        if payment_id not in self._orders:
            payment = await self._calls.get(f"/payments/{segment(payment_id)}", _Payment)
            while len(self._orders) >= _MOST_PAYMENTS:
                del self._orders[next(iter(self._orders))]
            self._orders[payment_id] = payment.order_id
        return self._orders[payment_id]
