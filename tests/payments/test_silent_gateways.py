"""A gateway that says nothing, or that is no longer configured, holds up nobody but its own customers."""

from __future__ import annotations

import pytest

from jklg import payments
from jklg.kit.errors import Conflict
from jklg.payments import jobs
from jklg.payments.gateways.contract import GatewayRefused, Snapshot
from jklg.payments.gateways.sandbox import SandboxGateway
from tests.payments.conftest import Street
from tests.payments.gateways.counters import COUNTERS
from tests.trade import add_departure, hold, status_of


async def test_attempts_of_a_gateway_that_is_gone_do_not_keep_other_seats_from_being_released(street: Street) -> None:
    departure = await add_departure(street.db, seats=100)
    sandbox = street.house.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    street.house.gateways = {"sandbox": sandbox, "paypal": sandbox}
    orphans = []
    sandbox.name = "paypal"  # type: ignore[misc]
    for _ in range(25):
        held = await hold(street.db, departure)
        await payments.start(street.house, held.id, "paypal")
        orphans.append(held)
    sandbox.name = "sandbox"  # type: ignore[misc]
    street.house.gateways = {"sandbox": sandbox}
    asha = await hold(street.db, departure)
    await street.start(asha.id)
    await street.later(minutes=20)
    await street.work()
    assert await status_of(street.db, asha.id) == "expired"
    assert {await status_of(street.db, held.id) for held in orphans} == {"held"}
    street.house.gateways = {"sandbox": sandbox, "paypal": sandbox}
    await street.later(hours=12)
    await street.work(rounds=12)
    assert {await status_of(street.db, held.id) for held in orphans} == {"expired"}


async def test_a_notice_waits_while_only_keys_of_the_other_mode_are_there(street: Street) -> None:
    """They are shown nothing of what it speaks of, and money that nobody knows of would stay unknown."""
    async with street.bank.bank.work() as work:
        stranger = work.open_intent(5_000, "INR", "not ours", "x@example.org", "http://shop.test/", {})
        work.pay(stranger, "play_card")
    await street.deliver()
    right, other = street.house.gateways, COUNTERS["sandbox"]().gateway
    other.livemode = True
    street.house.gateways = {"sandbox": other}
    await street.work()
    assert await street.one("SELECT array_agg(DISTINCT state) FROM webhook_inbox") == ["pending"]
    street.house.gateways = right
    await street.later(minutes=1)
    await street.work()
    assert await street.one("SELECT array_agg(DISTINCT state) FROM webhook_inbox") == ["done"]
    assert await street.balance("suspense:unapplied") == -5_000


async def test_a_payment_window_of_the_other_mode_is_not_opened_again(street: Street) -> None:
    """What was begun under the test keys is no window for a card in earnest."""
    held = await street.asha_holds()
    await street.start(held.id)
    street.house.gateways["sandbox"].livemode = True
    with pytest.raises(Conflict, match="payment_open"):
        await street.start(held.id)


async def test_a_silent_gateway_is_asked_ever_more_rarely_to_close_an_attempt(street: Street) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    street.faults.error_before = 10_000
    await street.later(minutes=20)
    for _ in range(60):
        await jobs.close_overdue(street.house)
        await street.later(seconds=1)
    assert 10_000 - street.faults.error_before < 10
    street.faults.error_before = 0
    await street.later(minutes=10)
    await street.work()
    assert await status_of(street.db, held.id) == "expired"
    assert await street.one("SELECT count(*) FROM gateway_commands WHERE state NOT IN ('done', 'rejected')") == 0


class Reluctant(SandboxGateway):
    """Cannot close anything yet, as when a bank transfer is under way."""

    asked = 0
    will = False
    keys: frozenset[str] = frozenset()

    async def cancel(self, ref: str, request_key: str) -> Snapshot:
        self.asked += 1
        self.keys |= {request_key}
        if not self.will:
            raise GatewayRefused("unexpected_state", "a transfer is under way")
        return await super().cancel(ref, request_key)


async def test_an_attempt_that_cannot_be_closed_yet_is_asked_about_ever_more_rarely_and_each_time_anew(
    street: Street,
) -> None:
    sandbox = street.house.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    reluctant = Reluctant("http://bank.test", "sandbox_key", "sandbox_webhook_secret", client=sandbox._client)
    street.house.gateways = {"sandbox": reluctant}
    held = await street.asha_holds()
    await street.start(held.id)
    await street.later(minutes=20)
    for _ in range(60):
        await jobs.close_overdue(street.house)
        await street.later(seconds=1)
    assert 1 < reluctant.asked < 10
    assert len(reluctant.keys) == reluctant.asked  # a gateway would repeat its refusal to a key that it knows
    reluctant.will = True
    await street.later(minutes=10)
    await street.work()
    assert await status_of(street.db, held.id) == "expired"
