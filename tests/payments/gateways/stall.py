"""The house with one gateway and the peer behind it, whichever it is; what the peer has to tell is brought to the house's own door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from jklg import bookings, payments
from jklg.app import create_app
from jklg.payments.gateways.contract import Notice, Snapshot
from tests.payments.conftest import Street
from tests.payments.gateways.counters import COUNTERS, Counter

CREATE = "/api/payments/create-payment-intent"


class Stall:
    """Asha buys here over HTTP."""

    def __init__(self, street: Street, counter: Counter, web: httpx.AsyncClient) -> None:
        self.street = street
        self.counter = counter
        self.web = web
        self.currency = "INR"
        self.asked = 0
        """Requests that the gateway has had from us."""

    @property
    def name(self) -> str:
        return self.counter.gateway.name

    def guest(self, held: bookings.Held) -> dict[str, str]:
        return {"X-Booking-Token": bookings.manage_token(self.street.house.settings.secret, held.id)}

    async def starts(self, held: bookings.Held) -> Any:
        """What her client is told when she begins to pay."""
        answer = await self.web.post(CREATE, json={"bookingId": str(held.id)}, headers=self.guest(held))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def snapshot(self, held: bookings.Held) -> Snapshot:
        """Her open payment as the gateway sees it."""
        async with self.street.db.transaction() as conn:
            (attempt, *_) = await payments.list_of_booking(conn, held.id)
        return await self.counter.gateway.fetch(attempt.ref or "")

    async def rings(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Somebody at the webhook door."""
        return await self.web.post(f"/api/payments/webhooks/{self.name}", content=body, headers=headers)

    async def hears(self) -> list[Notice]:
        """What the gateway has to tell arrives, over HTTP, and is worked off."""
        told = await self.counter.deliver()
        for headers, body in self.counter.notices:
            kept = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
            answer = await self.rings(body, kept)
            assert (answer.status_code, answer.json()) == (200, {"received": True})
        await self.street.work()
        return told

    async def later(self, **span: float) -> None:
        """Time passes, for the house and its gateway."""
        await self.street.later(**span)
        self.counter.clock.ahead = self.street.clock.ahead


@asynccontextmanager
async def open_stall(street: Street, name: str) -> AsyncIterator[Stall]:
    """`street`'s house, selling through this gateway only."""
    counter = COUNTERS[name]()
    street.house.gateways = {counter.gateway.name: counter.gateway}
    application = create_app(street.house)
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with application.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as web:
        stall = Stall(street, counter, web)

        async def count(_: httpx.Request) -> None:
            stall.asked += 1

        counter.client.event_hooks["request"].append(count)
        yield stall
