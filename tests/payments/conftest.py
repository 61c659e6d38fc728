"""A house with the play bank beside it, in one process: the bank's webhooks arrive when the test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from jklg import app, bookings, ledger, payments
from jklg.app import House
from jklg.kit import failpoints
from jklg.kit.clock import Clock
from jklg.kit.db import SYSTEM, Database, open_database
from jklg.kit.errors import Refusal
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.webhooks import file_notice
from jklg.sandbox import Faults, SandboxApp, create_app
from jklg.sandbox.bank import Event, Intent
from jklg.settings import Settings
from tests.conftest import FreshDatabase
from tests.trade import add_departure, add_package, hold


class MovedClock(Clock):
    """The wall clock, moved forward by as much as the test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Street:
    """A house and a bank, and what passes between them."""

    def __init__(self, house: House, bank: SandboxApp, clock: MovedClock, owner_url: str) -> None:
        self.house = house
        self.bank = bank
        self.clock = clock
        self.owner_url = owner_url

    @property
    def db(self) -> Database:
        return self.house.db

    @property
    def faults(self) -> Faults:
        return self.bank.faults

    async def asha_holds(self, seats: int = 8, **changes: Any) -> bookings.Held:
        return await hold(self.db, await add_departure(self.db, seats=seats), **changes)

    async def asha_holds_under_terms(
        self, terms: dict[str, Any], *, in_days: int = 90, **changes: Any
    ) -> bookings.Held:
        """Seats of a package with terms of sale, so many days before it starts."""
        today = (self.clock.now()).astimezone(ZoneInfo("Asia/Kolkata")).date()
        departure = await add_departure(
            self.db,
            package_id=await add_package(self.db, terms=terms),
            starts_on=today + timedelta(days=in_days),
            cutoff_at=self.clock.now() + timedelta(days=max(in_days - 1, 1)),
        )
        return await hold(self.db, departure, **changes)

    async def start(self, booking_id: UUID, amount: int | None = None) -> payments.Settled:
        return await payments.start(self.house, booking_id, "sandbox", claimed_amount=amount)

    async def asha_pays(self, booking_id: UUID, amount: int | None = None) -> UUID:
        """From the button to the money in the books; the attempt."""
        started = await self.start(booking_id, amount)
        await self.pays(started.transaction.ref or "")
        await payments.settle(self.house, started.transaction.id, source="return")
        return started.transaction.id

    async def kept(self, booking_id: UUID) -> dict[str, int]:
        """What of a booking's money lies where, without empty accounts."""
        async with self.db.transaction() as conn:
            rows = await conn.fetch(
                "SELECT account, sum(amount)::bigint FROM ledger_entries WHERE subject_id = $1 GROUP BY account",
                booking_id,
            )
        return {row[0]: row[1] for row in rows if row[1]}

    async def pays(self, ref: str) -> None:
        """The customer pays on the bank's own page."""
        async with self.bank.bank.work() as work:
            work.pay(work.get(Intent, ref), "play_card")

    async def declines(self, ref: str) -> None:
        async with self.bank.bank.work() as work:
            work.decline(work.get(Intent, ref), "card_declined")

    async def pays_later(self, ref: str) -> None:
        async with self.bank.bank.work() as work:
            work.pay_later(work.get(Intent, ref))

    async def intents(self) -> list[Intent]:
        async with self.bank.bank.work() as work:
            return work.all(Intent)

    async def deliver(self) -> int:
        """The bank delivers the webhooks that are due; the house files them."""
        return await self.bank.deliver_due()

    async def notices(self) -> list[tuple[dict[str, str], bytes]]:
        """Every event the bank has to tell, signed, as (headers, body)."""
        from jklg.sandbox.deliveries import sign

        async with self.bank.bank.work() as work:
            bodies = [event.body.encode() for event in work.all(Event)]
        return [
            ({"sandbox-signature": sign(b"sandbox_webhook_secret", body, self.clock.unix())}, body) for body in bodies
        ]

    async def work(self, rounds: int = 6) -> None:
        """The worker goes round until there is nothing left to do. It does not reconcile: what that heals is to be well without it."""
        for _ in range(rounds):
            found = 0
            for name, sweep in app.SWEEPS.items():
                if name not in ("mail", "reconciliation", "daily money"):
                    found += await sweep(self.house)
            if not found:
                return

    async def later(self, **span: float) -> None:
        """Time passes, for the house, its database and the bank."""
        self.clock.ahead += timedelta(**span)

    async def one(self, sql: str, *args: object) -> Any:
        """What the owner of the database sees."""
        conn = await asyncpg.connect(self.owner_url)
        try:
            await conn.execute(f"SET request.jwt.claims = '{SYSTEM}'")
            return await conn.fetchval(sql, *args)
        finally:
            await conn.close()

    async def balance(self, account: str) -> int:
        async with self.db.transaction() as conn:
            return await ledger.balance(conn, account, "INR")

    async def booking(self, booking_id: UUID) -> bookings.Booking:
        async with self.db.transaction() as conn:
            found = await bookings.get(conn, booking_id)
        assert found is not None
        return found


@pytest.fixture
async def street(settings: Settings, fresh_database: FreshDatabase) -> AsyncIterator[Street]:
    async with open_street(settings, fresh_database.owner_url) as opened:
        yield opened


@asynccontextmanager
async def open_street(settings: Settings, owner_url: str) -> AsyncIterator[Street]:
    """A house on the database of the settings, and a bank beside it."""
    clock = MovedClock()
    db = await open_database(settings.database_url, max_size=20, clock=clock.now)
    house: House

    async def receive(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            await file_notice(house, "sandbox", headers, request.content)
        except Refusal as refusal:
            return httpx.Response(refusal.status)
        return httpx.Response(200)

    bank = create_app(
        key="sandbox_key",
        webhook_secret="sandbox_webhook_secret",
        webhook_url="http://shop.test/api/payments/webhooks/sandbox",
        faults_enabled=True,
        public_url="http://bank.test",
        clock=clock,
        dice=Random(1),
        webhook_client=httpx.AsyncClient(transport=httpx.MockTransport(receive)),
    )
    gateway = SandboxGateway(
        "http://bank.test",
        "sandbox_key",
        "sandbox_webhook_secret",
        client=httpx.AsyncClient(transport=httpx.ASGITransport(app=bank), timeout=2),
    )
    house = await app.build_house(settings, db, {"sandbox": gateway}, clock, Random(2))
    yield Street(house, bank, clock, owner_url)
    failpoints.arm("")
    await house.close()
