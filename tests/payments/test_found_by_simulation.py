"""Bugs that the simulation found first, each told once more as a story."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from jklg import payments
from jklg.kit import failpoints
from jklg.payments import commands, queries
from jklg.payments.gateways.contract import Gateway, GatewayUnknown, Order, Snapshot
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.sandbox.bank import Intent
from tests.payments.conftest import Street
from tests.payments.test_cut_connections import WAITING
from tests.payments.test_late_money import late_success
from tests.trade import TERMS, hold, status_of


async def test_a_second_attempt_is_closed_when_the_first_one_pays_after_all(street: Street) -> None:
    held = await street.asha_holds()
    first = await street.start(held.id)
    await payments.cancel_attempt(street.house, first.transaction.id, actor="guest")
    await street.start(held.id)
    await street.pays(first.transaction.ref or "")
    await street.deliver()
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    await street.work()
    assert [intent.status for intent in await street.intents()] == ["succeeded", "canceled"]
    assert await street.one("SELECT count(*) FROM bookings WHERE payment_open") == 0


async def test_a_customer_who_keeps_clicking_does_not_use_up_the_late_looks(street: Street) -> None:
    held = await street.asha_holds()
    started = await late_success(street, held)
    for _ in range(10):
        await payments.settle(street.house, started.transaction.id, source="return")
        await payments.cancel_attempt(street.house, started.transaction.id, actor="guest")
    street.faults.lose_webhooks = 100
    await street.later(hours=3)
    await street.work()
    await street.pays(started.transaction.ref or "")
    await street.later(days=4)
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"


async def test_late_looks_that_get_no_answer_are_made_again(street: Street) -> None:
    held = await street.asha_holds()
    started = await late_success(street, held)
    street.faults.lose_webhooks = 100
    street.faults.error_before = 10
    for _ in range(10):
        await street.later(days=1)
        await street.work(rounds=1)
    street.faults.error_before = 0
    await street.pays(started.transaction.ref or "")
    await street.later(hours=1)
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"


@pytest.mark.parametrize("told", [True, False])
async def test_a_refund_that_takes_its_time_is_asked_after(street: Street, told: bool) -> None:
    held = await street.asha_holds(seats=2)
    started = await late_success(street, held)
    await hold(street.db, held.departure_id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    street.faults.refund_pending = 1
    street.faults.later_seconds = 7200
    street.faults.lose_webhooks = 0 if told else 100
    await street.work()
    assert await street.one("SELECT state FROM refunds") == "pending"
    await street.later(hours=3)
    await street.deliver()
    await street.work()
    assert await street.one("SELECT state FROM refunds") == "succeeded"
    assert await street.balance("gateway_clearing:sandbox") == 0


async def test_what_has_ended_here_and_lives_on_at_the_gateway_is_closed_there(street: Street) -> None:
    """A process sleeps between writing that it calls and calling. When it wakes up the attempt was given up long ago."""
    held = await street.asha_holds()
    street.faults.error_before = 1
    attempt = (await street.start(held.id)).transaction
    await street.later(hours=20)
    await street.work()
    assert await street.one("SELECT state FROM transactions") == "failed"
    order = Order(
        transaction_id=attempt.id, booking_id=held.id, booking_reference=held.reference, amount=attempt.amount,
        currency=attempt.currency, request_key=f"create:{attempt.id}", description="", email="", return_url="",
        created_at=attempt.created_at,
    )  # fmt: skip
    await street.house.gateways["sandbox"].create(order)
    await street.deliver()
    await street.work()
    assert [intent.status for intent in await street.intents()] == ["canceled"]
    assert await street.one("SELECT count(*) FROM gateway_commands WHERE state NOT IN ('done', 'rejected')") == 0


async def test_an_attempt_that_was_sent_long_after_it_was_written_is_found(street: Street) -> None:
    """Nobody works over the weekend; on Monday the answer is lost, and on Tuesday the key has lapsed."""
    held = await street.asha_holds()
    failpoints.arm("after_intent_commit:raise")
    with pytest.raises(RuntimeError):
        await street.start(held.id)
    failpoints.arm("")
    await street.later(hours=50)
    street.faults.lose_webhooks = 100
    street.faults.only, street.faults.drop_after = "POST /v1/intents", 100
    await street.work(rounds=1)
    street.faults.drop_after = 0
    assert await street.one("SELECT transaction_id FROM transactions") is None
    await street.later(hours=20)
    await street.work()
    assert [intent.status for intent in await street.intents()] == ["canceled"]
    assert await street.one("SELECT state FROM transactions") == "canceled"


async def test_a_refund_out_of_a_deposit_does_not_make_the_deposit_due_again(street: Street) -> None:
    """She was offered to pay seven rupees, as the missing part of her deposit."""
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount is not None
    await street.asha_pays(held.id)
    async with street.bank.bank.work() as work:
        work.refund(work.all(Intent)[0], 700, {})
    await street.deliver()
    await street.work()
    started = await street.start(held.id)
    assert started.transaction.amount == held.total_price - held.deposit_amount


class SlowGateway(SandboxGateway):
    """Its answer is never heard, and a day goes by while somebody waits for it."""

    street: Street
    quick: Gateway

    async def create(self, order: Order) -> Snapshot:
        street = self.street
        street.house.gateways = {"sandbox": self.quick}
        await street.later(hours=20)
        await payments.settle(street.house, order.transaction_id, source="poll")
        raise GatewayUnknown("no_answer")


async def test_who_comes_late_to_close_an_attempt_finds_it_ended_and_wants_nothing_more(street: Street) -> None:
    """The wish to close it stood there for ever."""
    held = await street.asha_holds()
    street.faults.error_before = 1
    attempt = (await street.start(held.id)).transaction
    slow = SlowGateway("http://bank.test", "key", "secret")
    slow.street, slow.quick = street, street.house.gateways["sandbox"]
    street.house.gateways = {"sandbox": slow}
    closed = await payments.cancel_attempt(street.house, attempt.id, actor="guest")
    assert closed.transaction.state == "failed"
    assert await street.one("SELECT count(*) FROM gateway_commands WHERE state NOT IN ('done', 'rejected')") == 0


class DumbGateway(SandboxGateway):
    """It is asked to take what was approved, and gives no answer."""

    def __init__(self, quick: Gateway) -> None:
        super().__init__("http://bank.test", "key", "secret")
        self.fetch = quick.fetch  # type: ignore[method-assign]
        self.asked, self.given_up = asyncio.Event(), asyncio.Event()

    async def capture(self, **_: Any) -> Snapshot:
        self.asked.set()
        await self.given_up.wait()
        raise GatewayUnknown("no_answer")


async def test_whoever_gets_no_answer_to_a_capture_waits_for_who_settles_and_not_the_other_way_round(
    street: Street, server_admin: Any
) -> None:
    """She had the command's lock and wanted the attempt's, whoever closed it had them the right way round (seed 6257)."""
    quick = SandboxGateway(
        "http://bank.test", "sandbox_key", "sandbox_webhook_secret", manual_capture=True,
        client=httpx.AsyncClient(transport=httpx.ASGITransport(app=street.bank)),
    )  # fmt: skip
    street.house.gateways = {"sandbox": quick}
    attempt = (await street.start((await street.asha_holds()).id)).transaction
    await street.pays(attempt.ref or "")
    street.house.gateways = {"sandbox": (dumb := DumbGateway(quick))}
    looking = asyncio.create_task(payments.settle(street.house, attempt.id, source="return"))
    await dumb.asked.wait()
    async with street.house.db.transaction() as conn:
        await queries.lock(conn, attempt.id)
        dumb.given_up.set()
        for _ in range(1000):
            if await server_admin.fetchval(WAITING):
                break
            await asyncio.sleep(0.01)
        await commands.end_captures(conn, attempt.id)
    assert (await looking).unknown == "no_answer"
