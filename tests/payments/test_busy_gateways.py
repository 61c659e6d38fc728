"""A gateway that asks for patience gets it, whatever it was asked for: it is not called again before its time (payments.md X11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from jklg import payments, reconciliation
from jklg.payments import jobs as payment_jobs
from jklg.payments import webhooks
from jklg.payments.gateways.sandbox import SandboxGateway
from tests.payments.conftest import Street

PATIENCE = 1800
"""Seconds that the bank asks for."""


class Wire(httpx.AsyncBaseTransport):
    """Counts what the house asks of the bank."""

    def __init__(self, street: Street) -> None:
        self.bank = httpx.ASGITransport(app=street.bank)
        self.calls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        return await self.bank.handle_async_request(request)


@pytest.fixture
def wire(street: Street) -> Wire:
    found = Wire(street)
    client = httpx.AsyncClient(transport=found)
    street.house.gateways = {
        "sandbox": SandboxGateway("http://bank.test", "sandbox_key", "sandbox_webhook_secret", client=client)
    }
    return found


async def for_half_an_hour(street: Street, work: Callable[[Any], Awaitable[object]]) -> None:
    """The worker goes round every minute, until shortly before the bank wants to be asked again."""
    for _ in range(PATIENCE // 60 - 1):
        await work(street.house)
        await street.later(minutes=1)


def busy(street: Street, wire: Wire, only: str = "") -> None:
    street.faults.only, street.faults.busy, street.faults.retry_after = only, 1, PATIENCE
    wire.calls.clear()


async def test_a_notice_waits(street: Street, wire: Wire) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    busy(street, wire)
    await for_half_an_hour(street, webhooks.process_due)
    assert len(wire.calls) == 1
    await street.later(minutes=2)
    await webhooks.process_due(street.house)
    assert (await street.booking(held.id)).status == "confirmed"


async def test_a_notice_of_a_strangers_payment_waits(street: Street, wire: Wire) -> None:
    async with street.bank.bank.work() as work:
        intent = work.open_intent(5_000, "INR", "by hand", "asha@example.org", "http://shop.test/", {})
        work.pay(intent, "play_card")
    await street.deliver()
    busy(street, wire)
    await for_half_an_hour(street, webhooks.process_due)
    assert len(wire.calls) == 1


async def test_the_poller_waits(street: Street, wire: Wire) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    await street.later(seconds=31)
    busy(street, wire)
    await for_half_an_hour(street, payment_jobs.settle_due)
    assert len(wire.calls) == 1


async def test_the_opening_of_a_payment_waits(street: Street, wire: Wire) -> None:
    held = await street.asha_holds()
    busy(street, wire, "POST /v1/intents")
    assert (await street.start(held.id)).unknown == "rate_limit"
    await for_half_an_hour(street, payment_jobs.settle_due)
    assert wire.calls == ["POST /v1/intents"]


@pytest.mark.parametrize("call", ["GET /v1/intents", "POST /v1/intents"])
async def test_closing_what_is_overdue_waits(street: Street, wire: Wire, call: str) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    await street.later(minutes=20)
    busy(street, wire, call)
    await for_half_an_hour(street, payment_jobs.close_overdue)
    assert len(wire.calls) == (1 if call.startswith("GET") else 2), "one look, and one wish to close it"
    await street.later(minutes=2)
    await payment_jobs.close_overdue(street.house)
    assert await street.one("SELECT state FROM transactions") == "canceled"
    assert held.id


async def test_a_capture_waits(street: Street, wire: Wire) -> None:
    held = await street.asha_holds()
    client = httpx.AsyncClient(transport=wire)
    street.house.gateways = {
        "sandbox": SandboxGateway(
            "http://bank.test", "sandbox_key", "sandbox_webhook_secret", manual_capture=True, client=client
        )
    }
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    busy(street, wire, "POST /v1/intents")
    await for_half_an_hour(street, webhooks.process_due)
    assert sum(call.endswith("/capture") for call in wire.calls) == 1
    assert len(wire.calls) == 2


@pytest.mark.parametrize("call", ["GET /v1/events", "GET /v1/intents"])
async def test_the_comparison_waits(street: Street, wire: Wire, call: str) -> None:
    busy(street, wire, call)
    await for_half_an_hour(street, reconciliation.reconcile_due)
    assert sum(each == call for each in wire.calls) == 1


async def test_reading_the_account_waits(street: Street, wire: Wire) -> None:
    await street.asha_pays((await street.asha_holds()).id)
    await reconciliation.list_money_due(street.house)  # it is read tomorrow for the first time
    await street.later(hours=30)
    busy(street, wire, "GET /v1/movements")
    await for_half_an_hour(street, reconciliation.list_money_due)
    assert wire.calls == ["GET /v1/movements"]


async def test_her_page_looks_again_no_sooner(street: Street, wire: Wire) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    busy(street, wire)
    settled = await payments.settle(street.house, started.transaction.id, source="return")
    assert (settled.unknown, settled.retry_after) == ("rate_limit", PATIENCE)
