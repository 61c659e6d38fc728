"""Asha pays the house with Razorpay, against the strict peer. Webhooks come over HTTP. Both ways in which an account may capture."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from jklg import app, bookings, ledger, payments
from jklg.app import House
from jklg.kit import failpoints
from jklg.kit.db import open_database
from jklg.payments.gateways.razorpay import RazorpayGateway
from jklg.sandbox.things import Event, Intent
from jklg.settings import Settings
from tests.conftest import FreshDatabase
from tests.front import front_of
from tests.payments.gateways.counters import MovedClock
from tests.peers.razorpay import RazorpayPeer
from tests.trade import add_departure, hold, status_of

WEBHOOK = "/api/payments/webhooks/razorpay"


class Town:
    def __init__(self, house: House, peer: RazorpayPeer, web: httpx.AsyncClient, clock: MovedClock) -> None:
        self.house, self.peer, self.web, self.clock = house, peer, web, clock

    async def asha_starts(self, seats: int = 8) -> tuple[bookings.Held, payments.Transaction]:
        held = await hold(self.house.db, await add_departure(self.house.db, seats=seats))
        return held, (await payments.start(self.house, held.id, "razorpay")).transaction

    async def work(self, rounds: int = 4) -> None:
        """Webhooks arrive, and the worker goes round."""
        for _ in range(rounds):
            await self.peer.deliver_due()
            for name, sweep in app.SWEEPS.items():
                if name != "mail":
                    await sweep(self.house)

    async def balance(self, account: str) -> int:
        async with self.house.db.transaction() as conn:
            return await ledger.balance(conn, account, "INR")

    async def received(self) -> list[int]:
        async with self.peer.bank.work() as work:
            return [each.amount_received for each in work.all(Intent)]

    async def told(self, ref: str) -> dict[str, tuple[str, bytes]]:
        """What Razorpay has to tell of an order: name -> (event id, body)."""
        async with self.peer.bank.work() as work:
            told = [(each.id, each.body.encode()) for each in work.all(Event)]
        return {msgspec.json.decode(body)["event"]: (id_, body) for id_, body in told if ref.encode() in body}

    async def notices(self, column: str = "event_id") -> list[object]:
        async with self.house.db.transaction() as conn:
            return [row[0] for row in await conn.fetch(f"SELECT {column} FROM webhook_inbox ORDER BY id")]

    def sent(self, ending: str) -> int:
        return sum(each.method == "POST" and each.path.endswith(ending) for each in self.peer.requests)


@pytest.fixture
async def town(settings: Settings, fresh_database: FreshDatabase) -> AsyncIterator[Town]:
    doors: list[object] = []
    clock = MovedClock()
    db = await open_database(fresh_database.login_url, max_size=20, clock=clock.now)

    async def web(scope: object, receive: object, send: object) -> None:
        await doors[0](scope, receive, send)  # type: ignore[operator]

    to_house = httpx.AsyncClient(transport=httpx.ASGITransport(app=web), base_url="http://localhost:3000")  # type: ignore[arg-type]
    peer = RazorpayPeer(
        webhook_url=f"http://localhost:3000{WEBHOOK}", clock=clock, dice=Random(1), webhook_client=to_house
    )
    gateway = RazorpayGateway(
        "rzp_test_peer", "secret_peer", ["whsec_peer"], "http://peer/v1",
        client=httpx.AsyncClient(transport=httpx.ASGITransport(app=peer)),
    )  # fmt: skip
    house = await app.build_house(settings, db, {"razorpay": gateway}, clock, Random(2))
    web_application = front_of(house)
    doors.append(web_application)
    async with web_application.lifespan():
        yield Town(house, peer, to_house, clock)
    failpoints.arm("")
    await house.close()


@pytest.mark.parametrize("capture", ["automatic", "manual"])
async def test_asha_pays_and_the_webhook_alone_confirms(town: Town, capture: str) -> None:
    town.peer.capture = capture
    held, attempt = await town.asha_starts()
    assert (attempt.state, attempt.client_secret) == ("requires_payment_method", attempt.ref)
    await town.peer.pay(attempt.ref or "")
    await town.work()
    assert await status_of(town.house.db, held.id) == "confirmed"
    assert await town.balance("gateway_clearing:razorpay") == held.total_price
    assert await town.balance("customer_deposits") == -held.total_price
    assert town.sent("/capture") == (capture == "manual")


@pytest.mark.parametrize("order", range(6))
async def test_failed_then_authorised_late_is_confirmed_once_in_whatever_order_it_is_told(
    town: Town, order: int
) -> None:
    """O09: payment.failed, payment.captured and order.paid in each of their orders, each of them twice."""
    held, attempt = await town.asha_starts()
    town.peer.faults.hold_webhooks = True
    await town.peer.fail(attempt.ref or "")
    assert (
        await payments.settle(town.house, attempt.id, source="return")
    ).transaction.state == "requires_payment_method"
    await town.peer.authorize_late(attempt.ref or "")
    async with town.peer.bank.work() as work:
        told = [(each.id, each.body.encode()) for each in work.all(Event)]
    assert len(told) == 3
    for event_id, body in list(itertools.permutations(told))[order]:
        for _ in range(2):
            headers = town.peer.signed(body, event_id)
            assert (await town.web.post(WEBHOOK, content=body, headers=headers)).status_code == 200
        await town.work()
    assert await status_of(town.house.db, held.id) == "confirmed"
    assert await town.balance("gateway_clearing:razorpay") == held.total_price
    assert len(await town.notices()) == 3 and set(await town.notices("state")) == {"done"}


async def test_with_manual_capture_every_order_of_all_four_confirms_once(town: Town) -> None:
    """O09: payment.failed, payment.authorized (late), payment.captured and order.paid in all 24 orders, each of them twice, after somebody
    has captured at Razorpay itself; nobody here has heard of anything before the first."""
    town.peer.capture = "manual"
    town.peer.faults.hold_webhooks = True
    gateway = town.house.gateways["razorpay"]
    departure = await add_departure(town.house.db, seats=60)
    for order in itertools.permutations(("payment.failed", "payment.authorized", "payment.captured", "order.paid")):
        held = await hold(town.house.db, departure)
        attempt = (await payments.start(town.house, held.id, "razorpay")).transaction
        ref = attempt.ref or ""
        await town.peer.fail(ref)
        await town.peer.authorize_late(ref)
        await gateway.capture(ref=ref, amount=attempt.amount, currency=attempt.currency, request_key="by hand")
        told = await town.told(ref)
        for name in order:
            event_id, body = told[name]
            for _ in range(2):
                headers = town.peer.signed(body, event_id)
                assert (await town.web.post(WEBHOOK, content=body, headers=headers)).status_code == 200
            for sweep in ("notices", "payments", "refunds"):
                await app.SWEEPS[sweep](town.house)
        assert await status_of(town.house.db, held.id) == "confirmed", order
        async with town.house.db.transaction() as conn:
            booked = await conn.fetchval(
                "SELECT sum(amount) FROM ledger_entries WHERE subject_id = $1 AND account = 'customer_deposits'",
                held.id,
            )
        assert booked == -held.total_price, order
    assert await town.balance("gateway_clearing:razorpay") == 24 * held.total_price
    assert town.sent("/refund") == 0


@pytest.mark.parametrize("first", ["payment.failed", "payment.authorized"])
async def test_what_is_authorised_late_with_manual_capture_is_taken_by_us_once(town: Town, first: str) -> None:
    """O09, where the capture is ours: the two in either order, then what Razorpay says of our capture in either order."""
    town.peer.capture = "manual"
    town.peer.faults.hold_webhooks = True
    held, attempt = await town.asha_starts()
    ref = attempt.ref or ""
    await town.peer.fail(ref)
    await town.peer.authorize_late(ref)

    async def ring(*names: str) -> None:
        for name in names:
            event_id, body = (await town.told(ref))[name]
            headers = town.peer.signed(body, event_id)
            assert (await town.web.post(WEBHOOK, content=body, headers=headers)).status_code == 200
            await app.SWEEPS["notices"](town.house)

    await ring(*sorted(("payment.failed", "payment.authorized"), key=lambda name: name != first))
    assert await status_of(town.house.db, held.id) == "confirmed"
    await ring(*sorted(("payment.captured", "order.paid"), reverse=first == "payment.failed"), "payment.failed")
    assert town.sent("/capture") == 1
    assert await status_of(town.house.db, held.id) == "confirmed"
    assert await town.balance("gateway_clearing:razorpay") == held.total_price


async def test_a_payment_that_failed_is_authorised_days_after_her_seats_were_released_and_goes_back(town: Town) -> None:
    held, attempt = await town.asha_starts(seats=2)
    await town.peer.fail(attempt.ref or "")
    town.clock.ahead += timedelta(minutes=20)
    await town.work()
    assert await status_of(town.house.db, held.id) == "expired"
    await hold(town.house.db, held.departure_id, name="Ben Rao", email="ben@example.org")
    town.clock.ahead += timedelta(days=2)
    await town.peer.authorize_late(attempt.ref or "")
    await town.work()
    town.clock.ahead += timedelta(minutes=1)
    await town.work()
    assert await town.received() == [held.total_price]
    assert town.sent("/refund") == 1
    assert await town.balance("gateway_clearing:razorpay") == 0
    assert await town.balance("suspense:unapplied") == 0


@pytest.mark.parametrize("seats", [2, 8])
async def test_with_manual_capture_what_is_authorised_after_her_seats_were_released_is_never_taken(
    town: Town, seats: int
) -> None:
    """H08. Razorpay sends it back itself, and that is no refund of ours."""
    town.peer.capture = "manual"
    held, attempt = await town.asha_starts(seats)
    town.clock.ahead += timedelta(minutes=20)
    await town.work()
    assert await status_of(town.house.db, held.id) == "expired"
    await town.peer.pay(attempt.ref or "")
    await town.work()
    settled = await payments.settle(town.house, attempt.id, source="return")
    assert (settled.transaction.state, settled.booking_status) == ("canceled", "expired")
    await town.peer.lapse(attempt.ref or "")
    await town.work()
    assert town.sent("/capture") == 0 and town.sent("/refund") == 0
    assert await town.received() == [0]
    async with town.house.db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM refunds") == 0
    assert await town.balance("gateway_clearing:razorpay") == 0


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "truncate"])
async def test_lost_answers_make_one_order_and_take_its_money_once(town: Town, fault: str) -> None:
    """X02."""
    town.peer.capture = "manual"
    town.peer.faults.only = "POST"
    setattr(town.peer.faults, fault, 1)
    held, attempt = await town.asha_starts()
    assert attempt.ref is None
    attempt = (await payments.start(town.house, held.id, "razorpay")).transaction
    assert len(await town.received()) == 1 and town.sent("/orders") == 1
    town.peer.faults.lose_webhooks = 100
    await town.peer.pay(attempt.ref or "")
    setattr(town.peer.faults, fault, 1)
    assert (await payments.settle(town.house, attempt.id, source="return")).capturing
    town.clock.ahead += timedelta(minutes=1)
    await town.work()
    assert await status_of(town.house.db, held.id) == "confirmed"
    assert town.sent("/capture") == 1
    assert await town.balance("gateway_clearing:razorpay") == held.total_price


async def test_a_client_shows_what_the_window_handed_over_and_is_answered_with_the_paid_booking(town: Town) -> None:
    held, attempt = await town.asha_starts()
    path = f"/api/payments/razorpay/{attempt.id}/verify"
    token = {"X-Booking-Token": bookings.manage_token(town.house.settings.secret, held.id)}
    said = await town.peer.pay(attempt.ref or "")
    assert (await town.web.post(path, json=said)).status_code == 404
    assert (await town.web.post(f"/api/payments/paypal/{attempt.id}/capture", headers=token)).status_code == 404
    paid = await town.web.post(path, json=said, headers=token)
    assert paid.status_code == 200
    assert (paid.json()["transaction"]["status"], paid.json()["bookingStatus"]) == ("completed", "confirmed")
    assert (await town.web.post(path, json=said, headers=token)).json() == paid.json()


async def test_what_the_window_handed_over_is_answered_once_for_a_key(town: Town) -> None:
    """A06, A07."""
    held, attempt = await town.asha_starts()
    path = f"/api/payments/razorpay/{attempt.id}/verify"
    headers = {
        "X-Booking-Token": bookings.manage_token(town.house.settings.secret, held.id),
        "Idempotency-Key": "asha-has-paid",
    }
    said = await town.peer.pay(attempt.ref or "")
    forged = await town.web.post(path, json={**said, "razorpay_signature": "0" * 64}, headers=headers)
    assert (forged.status_code, forged.json()["code"]) == (400, "bad_signature")
    paid = await town.web.post(path, json=said, headers=headers)
    assert paid.json()["transaction"]["status"] == "completed"
    asked = len(town.peer.requests)
    again = await town.web.post(path, json=said, headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (paid.content, "true")
    assert len(town.peer.requests) == asked
    other = await town.web.post(path, json={**said, "razorpay_order_id": "order_x"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_what_razorpay_did_not_sign_for_this_order_asks_nobody_and_changes_nothing(town: Town) -> None:
    """A paid small order of hers proves nothing of a big one, whatever order she names."""
    held, attempt = await town.asha_starts()
    async with town.peer.bank.work() as work:
        small = work.open_intent(100, "INR", "", "", "", {})
    said = await town.peer.pay(small.id)
    before = len(town.peer.requests)
    token = {"X-Booking-Token": bookings.manage_token(town.house.settings.secret, held.id)}
    for forged in (
        said,
        said | {"razorpay_order_id": attempt.ref or ""},
        said | {"razorpay_signature": ""},
        said | {"razorpay_signature": "é"},
    ):
        door = f"/api/payments/razorpay/{attempt.id}/verify"
        refused = await town.web.post(door, json=forged, headers=token)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_signature")
        form = await town.web.post(f"/api/payments/razorpay/{attempt.id}/callback/{held.reference}", data=forged)
        assert form.status_code == 303
    assert len(town.peer.requests) == before
    assert await status_of(town.house.db, held.id) == "held"


async def test_a_form_from_razorpays_own_site_confirms_and_leads_back_without_showing_anything(town: Town) -> None:
    held, attempt = await town.asha_starts()
    said = await town.peer.pay(attempt.ref or "")
    from_there = {"Origin": "https://api.razorpay.com", "Sec-Fetch-Site": "cross-site"}
    back = await town.web.post(
        f"/api/payments/razorpay/{attempt.id}/callback/{held.reference}", data=said, headers=from_there
    )
    where = f"/bookings/{held.reference}/return?transaction={attempt.id}"
    assert (back.status_code, back.headers["location"], back.content) == (303, where, b"")
    assert await status_of(town.house.db, held.id) == "confirmed"
    stranger = uuid4()
    unknown = await town.web.post(f"/api/payments/razorpay/{stranger}/callback/{held.reference}", data=said)
    assert (unknown.status_code, unknown.headers["location"]) == (303, where.replace(str(attempt.id), str(stranger)))
    away = await town.web.post(f"/api/payments/razorpay/{stranger}/callback/%2F%2Fevil.example", data=said)
    assert away.status_code == 404 or away.headers["location"].startswith("/bookings/")


async def test_the_payment_page_opens_the_window_for_what_is_due(town: Town) -> None:
    held, attempt = await town.asha_starts()
    token = bookings.manage_token(town.house.settings.secret, held.id)
    await town.web.get(f"/manage/{held.reference}/{token}", follow_redirects=True)
    page = await town.web.get(f"/bookings/{held.reference}/pay", follow_redirects=True)
    assert page.status_code == 200
    for said in (
        f'data-order="{attempt.ref}"',
        f'data-amount="{held.total_price}"',
        'data-key="rzp_test_peer"',
        f'action="/api/payments/razorpay/{attempt.id}/callback/{held.reference}"',
    ):
        assert said in page.text
    assert "secret_peer" not in page.text
    assert "https://checkout.razorpay.com" in page.headers["content-security-policy"]
    assert page.headers["cross-origin-opener-policy"] == "same-origin-allow-popups"


async def test_an_overheard_webhook_under_other_ids_does_no_harm(town: Town) -> None:
    """Nothing but the body is signed, so anybody who has one may send it again, and call it what he likes."""
    held, attempt = await town.asha_starts()
    town.peer.faults.hold_webhooks = True
    await town.peer.pay(attempt.ref or "")
    async with town.peer.bank.work() as work:
        body = work.all(Event)[0].body.encode()
    for event_id in ("evt_a", "evt_b", "", "ü", "evt_a"):
        headers = {**town.peer.signed(body), "x-razorpay-event-id": event_id.encode()}
        assert (await town.web.post(WEBHOOK, content=body, headers=headers)).status_code == 200
    await town.work()
    filed = await town.notices()
    assert filed[:2] == ["evt_a", "evt_b"] and len(filed) == 3 and str(filed[2]).startswith("sha256:")
    assert await status_of(town.house.db, held.id) == "confirmed"
    assert await town.balance("gateway_clearing:razorpay") == held.total_price
    refused = await town.web.post(WEBHOOK, content=body, headers=town.peer.signed(body, secret="secret_peer"))
    assert refused.status_code == 400, "W29"


async def test_part_of_the_money_goes_back_and_a_lost_dispute_takes_the_rest(town: Town) -> None:
    held, attempt = await town.asha_starts()
    await town.peer.pay(attempt.ref or "")
    await town.work()
    async with town.peer.bank.work() as work:
        work.refund(work.get(Intent, attempt.ref or ""), 500, {})
    await town.work()
    assert await town.balance("gateway_clearing:razorpay") == held.total_price - 500
    async with town.peer.bank.work() as work:
        work.decide(work.dispute(work.get(Intent, attempt.ref or ""), held.total_price - 500), won=False)
    await town.work()
    assert await town.balance("gateway_clearing:razorpay") == 0
    assert await town.balance("dispute_losses") == held.total_price - 500


async def test_a_part_that_was_sent_back_there_before_we_heard_of_late_money_is_not_sent_again(town: Town) -> None:
    """Found by five hundred operations: the whole was to go back, there was no room for it, and the attempt could never be settled."""
    held, attempt = await town.asha_starts()
    await payments.give_up(town.house, held.id, actor="guest")
    await town.peer.pay(attempt.ref or "")
    async with town.peer.bank.work() as work:
        work.refund(work.get(Intent, attempt.ref or ""), 700, {})
    await town.work()
    town.clock.ahead += timedelta(minutes=1)
    await town.work()
    async with town.peer.bank.work() as work:
        assert sorted(each.amount for each in work.refunds_of(attempt.ref or "")) == [700, held.total_price - 700]
    assert await town.balance("gateway_clearing:razorpay") == 0
    assert await town.balance("suspense:unapplied") == 0


async def test_a_refund_that_failed_there_before_we_heard_of_it_moves_nothing(town: Town) -> None:
    """Found by five hundred operations: after the whole had gone back, there was no room to write down one that never came to pass."""
    held, attempt = await town.asha_starts()
    await payments.give_up(town.house, held.id, actor="guest")
    await town.peer.pay(attempt.ref or "")
    await town.work()
    assert await town.balance("gateway_clearing:razorpay") == 0
    async with town.peer.bank.work() as work:
        whole = work.refunds_of(attempt.ref or "")[0]
        work.put(msgspec.structs.replace(whole, id="re_in_vain", amount=700, status="failed", metadata={}))
    await payments.settle(town.house, attempt.id, source="poll")
    assert await town.balance("gateway_clearing:razorpay") == 0


async def test_a_refund_and_a_dispute_that_no_webhook_told_are_found_within_the_hour(town: Town) -> None:
    held, attempt = await town.asha_starts()
    await town.peer.pay(attempt.ref or "")
    await town.work()
    town.peer.faults.lose_webhooks = 100
    async with town.peer.bank.work() as work:
        work.refund(work.get(Intent, attempt.ref or ""), 500, {})
        work.dispute(work.get(Intent, attempt.ref or ""), held.total_price - 500)
    town.clock.ahead += timedelta(hours=1, minutes=1)
    await town.work()
    assert await town.balance("gateway_clearing:razorpay") == held.total_price - 500
    async with town.house.db.transaction() as conn:
        assert await conn.fetchval("SELECT state FROM disputes") == "needs_response"


async def test_every_hour_the_orders_are_compared_and_what_no_webhook_told_is_found(town: Town) -> None:
    held, attempt = await town.asha_starts()
    town.peer.faults.lose_webhooks = 100
    await town.peer.pay(attempt.ref or "")
    found = town.house.gateways["razorpay"].list_attempts(
        town.clock.now() - timedelta(hours=1), town.clock.now() + timedelta(hours=1)
    )
    assert [(each.transaction_id, each.captured) async for each in found] == [(UUID(str(attempt.id)), held.total_price)]
    town.clock.ahead += timedelta(minutes=1)
    await town.work()
    assert await status_of(town.house.db, held.id) == "confirmed"
