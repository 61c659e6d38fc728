"""A worker looks at several payments side by side: one look for all that rang of one, and nobody waits for a slow stranger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jklg import payments
from jklg.payments import webhooks
from jklg.payments.gateways.contract import GatewayUnknown, Snapshot
from jklg.payments.gateways.sandbox import SandboxGateway
from tests.payments.conftest import Street


class Watched:
    """The sandbox gateway, and who asks it what."""

    def __init__(self, street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.slow: set[str] = set()
        self.silent: set[str] = set()
        self.answer = asyncio.Event()
        self.two_wait = asyncio.Event()
        fetch = SandboxGateway.fetch

        async def watched(gateway: Any, ref: str) -> Snapshot:
            self.asked.append(ref)
            if len(self.asked) == 2:
                self.two_wait.set()
            if ref in self.slow:
                await self.answer.wait()
            if ref in self.silent:
                raise GatewayUnknown("no_answer")
            return await fetch(gateway, ref)

        monkeypatch.setattr(SandboxGateway, "fetch", watched)


async def paid(street: Street, count: int) -> list[payments.Settled]:
    """So many people pay, and every notice of it lies in the inbox."""
    started = []
    for n in range(count):
        held = await street.asha_holds(email=f"p{n}@example.org")
        started.append(await street.start(held.id))
        await street.pays(started[-1].transaction.ref or "")
    for headers, body in await street.notices():
        await webhooks.file_notice(street.house, "sandbox", headers, body)
    return started


async def test_all_that_rang_of_one_payment_is_one_look(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    (started,) = await paid(street, 1)
    rung = await street.one("SELECT count(*) FROM webhook_inbox WHERE state = 'pending'")
    assert rung > 1
    watched = Watched(street, monkeypatch)
    assert await webhooks.process_due(street.house) == rung
    assert watched.asked == [started.transaction.ref]
    assert await street.one("SELECT array_agg(DISTINCT state) FROM webhook_inbox") == ["done"]


async def test_a_payment_whose_gateway_is_slow_does_not_hold_up_the_others(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.house.lookers = 3
    started = await paid(street, 4)
    watched = Watched(street, monkeypatch)
    watched.slow = {started[0].transaction.ref or ""}
    round_ = asyncio.create_task(webhooks.process_due(street.house))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 3:
            break
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 3
    assert not round_.done()
    watched.answer.set()
    await round_
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 4


async def test_one_that_cannot_be_looked_at_is_put_off_alone(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    street.house.lookers = 4
    started = await paid(street, 3)
    watched = Watched(street, monkeypatch)
    watched.silent = {started[1].transaction.ref or ""}
    await webhooks.process_due(street.house)
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 2
    assert (
        await street.one(
            "SELECT count(DISTINCT ref) FROM webhook_inbox WHERE state = 'pending' AND last_error LIKE '%no_answer%'"
        )
        == 1
    )
    watched.silent.clear()
    await street.later(minutes=10)
    await webhooks.process_due(street.house)
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 3


async def test_what_a_killed_worker_had_in_hand_is_looked_at_by_another(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.house.lookers = 2
    await paid(street, 2)
    watched = Watched(street, monkeypatch)
    watched.slow = set(await street.one("SELECT array_agg(DISTINCT ref) FROM webhook_inbox"))
    killed = asyncio.create_task(webhooks.process_due(street.house))
    await watched.two_wait.wait()
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    watched.slow.clear()
    assert await webhooks.process_due(street.house) == 0, "leased for a minute"
    await street.later(seconds=61)
    await webhooks.process_due(street.house)
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 2


async def test_two_workers_share_the_inbox_and_take_the_money_once(street: Street) -> None:
    street.house.lookers = 3
    started = await paid(street, 5)
    tried = await asyncio.gather(webhooks.process_due(street.house), webhooks.process_due(street.house))
    assert sum(tried) == await street.one("SELECT count(*) FROM webhook_inbox WHERE state = 'done'")
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 5
    assert await street.balance("gateway_clearing:sandbox") == sum(each.transaction.amount for each in started)
