"""Asha pays the house with Stripe: the seat, the money and the books, against the strict peer. Webhooks come over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import httpx
import pytest

from jklg import app, bookings, ledger, payments
from jklg.app import House
from jklg.kit.db import Database
from jklg.payments.gateways.stripe import StripeGateway
from jklg.sandbox.bank import Intent
from jklg.settings import Settings
from tests.front import front_of
from tests.peers.stripe import StripePeer, StripeWork
from tests.trade import add_departure, hold


class Town:
    def __init__(self, house: House, peer: StripePeer) -> None:
        self.house = house
        self.peer = peer

    async def work(self) -> None:
        """Webhooks arrive, and the worker goes round."""
        for _ in range(4):
            await self.peer.deliver_due()
            for name, sweep in app.SWEEPS.items():
                if name != "mail":
                    await sweep(self.house)

    async def balance(self, account: str) -> int:
        async with self.house.db.transaction() as conn:
            return await ledger.balance(conn, account, "INR")

    async def booking(self, held: bookings.Held) -> bookings.Booking:
        async with self.house.db.transaction() as conn:
            found = await bookings.get(conn, held.id)
        assert found is not None
        return found


@pytest.fixture
async def town(settings: Settings, db: Database) -> AsyncIterator[Town]:
    doors: list[object] = []

    async def web(scope: object, receive: object, send: object) -> None:
        await doors[0](scope, receive, send)  # type: ignore[operator]

    peer = StripePeer(
        webhook_url="http://localhost:3000/api/payments/process-webhook",
        dice=Random(1),
        webhook_client=httpx.AsyncClient(transport=httpx.ASGITransport(app=web)),  # type: ignore[arg-type]
    )
    gateway = StripeGateway(
        "sk_test_peer",
        "pk_test_peer",
        ["whsec_peer"],
        "http://stripe.peer",
        client=httpx.AsyncClient(transport=httpx.ASGITransport(app=peer)),
    )
    house = await app.build_house(settings, db, {"stripe": gateway}, dice=Random(2))
    web_application = front_of(house)
    doors.append(web_application)
    async with web_application.lifespan():
        yield Town(house, peer)
    await gateway.close()


async def test_asha_pays_with_stripe_and_the_webhook_confirms_her_booking(town: Town) -> None:
    held = await hold(town.house.db, await add_departure(town.house.db))
    started = await payments.start(town.house, held.id, "stripe")
    assert started.transaction.state == "requires_payment_method"
    await town.peer.confirm(started.transaction.client_secret or "")
    await town.work()
    booking = await town.booking(held)
    assert (booking.status, booking.payment_status) == ("confirmed", "Paid")
    assert await town.balance("gateway_clearing:stripe") == held.total_price
    assert await town.balance("customer_deposits") == -held.total_price


async def test_a_lost_answer_a_decline_and_a_doubled_webhook_still_take_the_money_once(town: Town) -> None:
    held = await hold(town.house.db, await add_departure(town.house.db))
    town.peer.faults.drop_after = 1
    town.peer.faults.duplicate_webhooks = 9
    started = await payments.start(town.house, held.id, "stripe")
    assert started.unknown == "no_answer"
    await town.work()  # the webhook of the lost attempt binds it
    again = await payments.start(town.house, held.id, "stripe")
    secret = again.transaction.client_secret or ""
    await town.peer.confirm(secret, "4000000000000002")
    await town.work()
    await town.peer.confirm(secret)
    await town.work()
    assert (await town.booking(held)).payment_status == "Paid"
    assert await town.balance("gateway_clearing:stripe") == held.total_price
    assert (
        len(
            [
                request
                for request in town.peer.requests
                if (request.method, request.path) == ("POST", "/v1/payment_intents")
            ]
        )
        == 1
    )


async def test_closing_is_tried_anew_after_stripe_refused_it_once(town: Town) -> None:
    """Stripe saves a refusal under its key for a day: with the same key the attempt could not be closed any more."""
    held = await hold(town.house.db, await add_departure(town.house.db))
    attempt = (await payments.start(town.house, held.id, "stripe")).transaction
    await town.peer.confirm(attempt.client_secret or "", "pay_later")
    under_way = await payments.cancel_attempt(town.house, attempt.id, actor="guest")
    assert under_way.transaction.state == "processing"
    async with town.peer.bank.work() as work:
        work.decline(work.get(Intent, attempt.ref or ""), "debit_not_authorized")
    closed = await payments.cancel_attempt(town.house, attempt.id, actor="guest")
    assert closed.transaction.state == "canceled"


@pytest.mark.parametrize("how", ["she gives up", "the authorisation lapses", "a part is taken there"])
async def test_an_authorisation_that_stripe_gives_back_is_not_booked_as_money_sent_back(town: Town, how: str) -> None:
    """Stripe tells of it as of a refund that succeeded, of a charge that was never captured."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=town.peer))
    town.house.gateways = {
        "stripe": StripeGateway(
            "sk_test_peer", "pk_test_peer", ["whsec_peer"], "http://stripe.peer", manual_capture=True, client=client
        )
    }
    held = await hold(town.house.db, await add_departure(town.house.db))
    attempt = (await payments.start(town.house, held.id, "stripe")).transaction
    await town.peer.confirm(attempt.client_secret or "")
    if how == "she gives up":
        await payments.settle(town.house, attempt.id, source="poll", capture=False)
        await payments.give_up(town.house, held.id, actor="guest")
    elif how == "the authorisation lapses":
        await town.peer.lapse(attempt.ref or "")
    else:
        async with town.peer.bank.work() as work:
            assert isinstance(work, StripeWork)
            work.capture_part(work.get(Intent, attempt.ref or ""), 1_000)
    await town.work()
    await payments.settle(town.house, attempt.id, source="poll")
    taken = 1_000 if how == "a part is taken there" else 0
    async with town.house.db.transaction() as conn:
        assert await conn.fetchval("SELECT state FROM transactions") == ("succeeded" if taken else "canceled")
        assert await conn.fetchval("SELECT count(*) FROM refunds") == 0
        assert await conn.fetchval("SELECT bool_and(state = 'done') FROM webhook_inbox")
        found = await conn.fetch("SELECT kind FROM anomalies WHERE resolved_at IS NULL")
        assert [row[0] for row in found] == (["amount_mismatch"] if taken else [])
    assert await town.balance("gateway_clearing:stripe") == taken
    assert await town.balance("suspense:unapplied") == -taken
    assert not (await town.booking(held)).payment_open
