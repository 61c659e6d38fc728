"""A refund is made once, however long its answer is on the way: payments.md 1.6, 1.7, R05, X11. At every gateway, whose memory has an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from jklg import ledger, payments
from jklg.kit.ids import uuid7
from jklg.payments import actions as payment_actions
from jklg.payments import desk, refunds
from jklg.payments.books import CHECKS
from jklg.payments.gateways.contract import RefundSnapshot, Snapshot
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.sandbox.things import Intent, Refund
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.gateways.counters import COUNTERS, Counter

CHITRA = f"staff:{UUID(int=1)}"
PART = 40_000


class Shop:
    """The house on a street, with one gateway, whose clock is everybody's."""

    def __init__(self, street: Street, counter: Counter) -> None:
        self.street, self.counter = street, counter
        street.house.gateways = {counter.gateway.name: counter.gateway}
        counter.clock.ahead = street.clock.ahead

    async def later(self, **span: float) -> None:
        await self.street.later(**span)
        self.counter.clock.ahead = self.street.clock.ahead

    async def asha_pays(self) -> UUID:
        """The booking."""
        held = await self.street.asha_holds()
        started = await payments.start(self.street.house, held.id, self.counter.gateway.name)
        await self.counter.act(await self.counter.gateway.fetch(started.transaction.ref or ""), "pay")
        await payments.settle(self.street.house, started.transaction.id, source="return")
        return held.id

    async def ask(self, booking_id: UUID, amount: int = PART) -> desk.Asked:
        return await desk.ask_refund(
            self.street.house, request_id=uuid7(), booking_id=booking_id, amount=amount, reason="goodwill", actor=CHITRA
        )

    def answers_get_lost(self, times: int = 1) -> None:
        paths = {"paypal": "POST /v2/payments", "razorpay": "POST /v1/payments"}
        self.counter.faults.only = paths.get(self.counter.gateway.name, "POST /v1/refunds")
        self.counter.faults.drop_after = times

    async def made(self) -> list[int]:
        """What was sent back at the gateway."""
        async with self.counter.bank.work() as work:
            return [refund.amount for refund in work.all(Refund)]

    async def states(self) -> list[str]:
        found = await self.street.one("SELECT array_agg(state ORDER BY created_at, id) FROM refunds")
        return list(found or [])

    async def commands(self) -> list[str]:
        return list(
            await self.street.one("SELECT array_agg(state ORDER BY id) FROM gateway_commands WHERE kind = 'refund'")
        )

    async def books_are_sound(self) -> None:
        await ledger.seal(self.street.db, SECRET)
        assert (await ledger.verify(self.street.db, CHECKS, keys=[SECRET])).broken == {}


@pytest.fixture(params=COUNTERS)
async def shop(request: pytest.FixtureRequest, street: Street) -> Shop:
    return Shop(street, COUNTERS[request.param]())


@pytest.mark.parametrize("away", [timedelta(minutes=10), timedelta(days=3), timedelta(days=50)])
async def test_a_refund_whose_answer_was_lost_is_made_once_however_long_the_house_is_away(
    shop: Shop, away: timedelta
) -> None:
    """After a day (at PayPal, 45) a gateway has forgotten the key, and would send the money back once more."""
    booking_id = await shop.asha_pays()
    shop.answers_get_lost()
    assert (await shop.ask(booking_id)).status == "pending"
    await shop.later(seconds=away.total_seconds())
    assert await refunds.send_due(shop.street.house) == 1
    assert await shop.made() == [PART]
    assert (await shop.states(), await shop.commands()) == (["succeeded"], ["done"])
    assert await refunds.send_due(shop.street.house) == 0
    await shop.books_are_sound()


async def test_a_refund_that_never_arrived_is_sent_anew_when_its_absence_is_proven(shop: Shop) -> None:
    booking_id = await shop.asha_pays()
    shop.answers_get_lost(0)
    shop.counter.faults.error_before = 1
    assert (await shop.ask(booking_id)).status == "pending"
    await shop.later(days=50)
    assert await refunds.send_due(shop.street.house) == 1
    assert (await shop.made(), await shop.states()) == ([PART], ["succeeded"])
    await shop.books_are_sound()


async def test_with_keys_of_the_other_mode_a_reserved_refund_waits_and_goes_out_when_the_right_keys_are_back(
    shop: Shop,
) -> None:
    """That account has no such payment, and would refuse: no proof of anything, and no reason to tell anybody that her refund has failed."""
    booking_id = await shop.asha_pays()
    other = COUNTERS[shop.counter.gateway.name]()
    other.gateway.livemode = True
    shop.street.house.gateways = {other.gateway.name: other.gateway}
    assert (await shop.ask(booking_id)).status == "pending"
    await shop.later(days=4)
    for _ in range(2):
        await refunds.send_due(shop.street.house)
        await shop.later(minutes=5)
    assert (await shop.states(), await shop.commands()) == (["reserved"], ["pending"])
    assert await shop.street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_failed'") == 0
    shop.street.house.gateways = {shop.counter.gateway.name: shop.counter.gateway}
    await shop.later(minutes=11)
    assert await refunds.send_due(shop.street.house) == 1
    assert (await shop.made(), await shop.states()) == ([PART], ["succeeded"])
    await shop.books_are_sound()


async def test_while_the_key_may_be_forgotten_any_moment_we_only_look(shop: Shop) -> None:
    booking_id = await shop.asha_pays()
    shop.answers_get_lost(0)
    shop.counter.faults.error_before = 1
    await shop.ask(booking_id)
    await shop.later(seconds=0.9 * shop.counter.gateway.refund_key_lifetime_seconds)
    assert await refunds.send_due(shop.street.house) == 1
    assert (await shop.made(), await shop.states(), await shop.commands()) == ([], ["reserved"], ["unknown"])


async def test_what_the_gateway_has_told_is_not_asked_for_again(shop: Shop) -> None:
    """The answer was lost, and a look at the payment shows the refund. The gateway, asked again, would make another one."""
    booking_id = await shop.asha_pays()
    shop.answers_get_lost()
    await shop.ask(booking_id)
    attempt = await shop.street.one("SELECT id FROM transactions")
    await payments.settle(shop.street.house, attempt, source="poll")
    assert (await shop.states(), await shop.commands()) == (["succeeded"], ["done"])
    await shop.later(days=1)
    assert await refunds.send_due(shop.street.house) == 0
    assert await shop.made() == [PART]


# -- at the play bank ----------------------------------------------------------------------------------------------------


class Wire(httpx.AsyncBaseTransport):
    """Between the house and the play bank. `before` may hold up a call that sends money back."""

    def __init__(self, street: Street) -> None:
        self.bank = httpx.ASGITransport(app=street.bank)
        self.before: Callable[[], Awaitable[None]] | None = None
        self.posts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/refunds" and request.method == "POST":
            self.posts += 1
            if self.before is not None:
                await self.before()
        return await self.bank.handle_async_request(request)


@pytest.fixture
def wire(street: Street) -> Wire:
    found = Wire(street)
    client = httpx.AsyncClient(transport=found)
    street.house.gateways = {
        "sandbox": SandboxGateway("http://bank.test", "sandbox_key", "sandbox_webhook_secret", client=client)
    }
    return found


async def asha_wants_it_back(street: Street, amount: int | None = PART) -> desk.Asked:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    return await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=amount, reason="goodwill", actor=CHITRA
    )


async def sent_back(street: Street) -> list[int]:
    async with street.bank.bank.work() as work:
        return [refund.amount for refund in work.all(Refund)]


async def test_a_refusal_is_not_believed_before_somebody_has_looked(street: Street) -> None:
    """All goes back, and the answer is lost. Asked again, the bank, which has forgotten the key and does not list the refund yet, refuses:
    nothing is left. That is no proof that the first call did nothing."""
    street.faults.only, street.faults.drop_after = "POST /v1/refunds", 1
    street.faults.lose_webhooks = 100
    await asha_wants_it_back(street, None)
    real = street.house.gateways["sandbox"]

    class Lagging(SandboxGateway):
        looks = 0

        async def fetch(self, ref: str) -> Snapshot:
            Lagging.looks += 1
            seen = await real.fetch(ref)
            return msgspec.structs.replace(seen, refunds=()) if Lagging.looks == 1 else seen

    lagging = Lagging(
        "http://bank.test", "sandbox_key", "x", client=httpx.AsyncClient(transport=httpx.ASGITransport(app=street.bank))
    )
    street.house.gateways = {"sandbox": lagging}
    await street.later(days=2)
    await refunds.send_due(street.house)
    assert Lagging.looks == 2
    assert await street.one("SELECT array_agg(state) FROM refunds") == ["succeeded"]
    assert len(await sent_back(street)) == 1


async def test_a_first_refusal_is_a_proven_no(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    ref = (await street.intents())[0].id
    street.faults.lose_webhooks = 100
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), held.total_price, {})
    asked = await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=PART, reason="goodwill", actor=CHITRA
    )
    assert asked.status == "failed"
    assert await street.one("SELECT state FROM gateway_commands WHERE kind = 'refund'") == "rejected"


async def test_a_refund_that_was_held_for_refused_and_turns_up_is_booked(street: Street) -> None:
    """The gateway said no, listed nothing, and shows it a day later all the same."""
    held = await street.asha_holds()
    attempt = await street.asha_pays(held.id)
    street.faults.only, street.faults.drop_after = "POST /v1/refunds", 1
    street.faults.lose_webhooks = 100
    asked = await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=PART, reason="goodwill", actor=CHITRA
    )
    refund_id = asked.refund_ids[0]
    refused = RefundSnapshot(ref="", refund_id=refund_id, state="failed", amount=PART, currency="INR", failure="no")
    async with street.db.transaction() as conn:
        await payment_actions.merge(conn, attempt, await said(street, refused), "answer")
    assert (await street.kept(held.id))["customer_deposits"] == -held.total_price
    for _ in range(2):
        await payments.settle(street.house, attempt, source="poll")
    assert await street.one("SELECT array_agg(state ORDER BY created_at) FROM refunds") == ["failed", "succeeded"]
    assert await street.balance("gateway_clearing:sandbox") == held.total_price - PART
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_failed' AND resolved_at IS NULL") == 0
    assert (await street.booking(held.id)).price == held.total_price - PART
    assert (await ledger.verify(street.db, CHECKS, keys=[SECRET])).broken == {}


async def said(street: Street, refund: RefundSnapshot) -> Snapshot:
    """The payment as the bank shows it, with this refund alone."""
    seen = await street.house.gateways["sandbox"].fetch((await street.intents())[0].id)
    return msgspec.structs.replace(seen, refunds=[refund])


async def test_while_one_worker_waits_for_an_answer_no_other_one_sends(street: Street, wire: Wire) -> None:
    under_way, answer = asyncio.Event(), asyncio.Event()

    async def hold_up() -> None:
        under_way.set()
        await answer.wait()

    wire.before = hold_up
    asking = asyncio.create_task(asha_wants_it_back(street))
    await under_way.wait()
    await street.later(seconds=30)  # longer than a call may take
    wire.before = None
    assert await refunds.send_due(street.house) == 0
    answer.set()
    assert (await asking).status == "completed"
    assert wire.posts == 1


async def test_a_worker_that_is_slow_with_one_refund_does_not_send_the_next_one_that_another_has_sent(
    street: Street, wire: Wire
) -> None:
    street.faults.only, street.faults.error_before = "POST /v1/refunds", 2
    for _ in range(2):
        await asha_wants_it_back(street)
    await street.later(minutes=10)
    under_way, answer = asyncio.Event(), asyncio.Event()

    async def hold_up_once() -> None:
        wire.before = None
        under_way.set()
        await answer.wait()

    wire.before, wire.posts = hold_up_once, 0
    slow = asyncio.create_task(refunds.send_due(street.house))
    await under_way.wait()
    await street.later(seconds=70)
    assert await refunds.send_due(street.house) == 1
    answer.set()
    assert await slow == 1
    assert wire.posts == 2
    assert sorted(await sent_back(street)) == [PART, PART]


async def test_a_busy_gateway_is_given_the_time_it_asks_for(street: Street, wire: Wire) -> None:
    street.faults.only, street.faults.busy, street.faults.retry_after = "POST /v1/refunds", 1, 600
    await asha_wants_it_back(street)
    for _ in range(9):
        await street.later(minutes=1)
        await street.work()
    assert wire.posts == 1
    await street.later(minutes=2)
    await street.work()
    assert (wire.posts, await sent_back(street)) == (2, [PART])
