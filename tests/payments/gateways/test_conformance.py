"""What every gateway must do, whoever is behind it. A new gateway adds its counter to `counters.COUNTERS` and passes.

Rows of the failure catalogue (payments.md 4): W01-W06, W08, W15, W19, O11, X01-X11, X17, R01-R05, L04, A17.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jklg.payments.gateways.contract import (
    OPEN_STATES,
    BadNotice,
    DisputeSnapshot,
    Gateway,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
    Snapshot,
)
from jklg.sandbox.bank import DISPUTE_FEE
from jklg.sandbox.things import Dispute, Event, Intent, Refund
from tests.payments.gateways.counters import COUNTERS, OLD_SECRET, SECRET, Counter, PayPalCounter, StripeCounter, order
from tests.peers.loopback import serve

SOON = timedelta(seconds=6)
HOUR_AGO, TOMORROW = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=1)
IN_STRIPES_UNITS = {"ISK": 50_000, "UGX": 500_000, "MGA": 700}
"""Where Stripe counts otherwise than ISO 4217 (its currencies page, read 2026-11)."""


@pytest.fixture(params=COUNTERS)
def counter(request: pytest.FixtureRequest) -> Counter:
    found = COUNTERS[request.param]()
    name, _, parameters = request.node.name.partition("[")
    rest = parameters.removesuffix("]").removeprefix(f"{request.param}-").removesuffix(f"-{request.param}")
    if name in found.lacks or f"{name}[{rest}]" in found.lacks:
        pytest.skip(f"{request.param} has no such thing; see the list in counters.py")
    return found


async def paid(counter: Counter, **changes: Any) -> Snapshot:
    created = await counter.gateway.create(order(**changes))
    await counter.act(created, "pay")
    return await counter.gateway.fetch(created.ref)


async def send_back(counter: Counter, snapshot: Snapshot, amount: int, refund_id: UUID | None = None) -> Any:
    refund_id = refund_id or uuid4()
    return await counter.gateway.refund(
        ref=snapshot.ref,
        refund_id=refund_id,
        amount=amount,
        currency=snapshot.currency,
        request_key=f"refund:{refund_id}",
    )


# -- opening an attempt ------------------------------------------------------------------------------------------------


async def test_an_attempt_opens_with_our_amount_our_id_and_something_to_pay_with(counter: Counter) -> None:
    ours = order()
    created = await counter.gateway.create(ours)
    assert (created.state, created.amount, created.currency) == (counter.opens_as, ours.amount, "INR")
    assert created.transaction_id == ours.transaction_id
    assert (created.captured, created.authorized, created.livemode) == (0, 0, False)
    assert created.client_secret
    assert created.gateway_at is not None and created.gateway_at.tzinfo is not None


async def test_sending_the_same_order_twice_opens_one_attempt(counter: Counter) -> None:
    ours = order()
    first, second = await counter.gateway.create(ours), await counter.gateway.create(ours)
    assert first.ref == second.ref
    assert len(await counter.attempts()) == 1


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "truncate"])
async def test_an_attempt_whose_answer_was_lost_is_found_and_never_doubled(counter: Counter, fault: str) -> None:
    ours = order()
    setattr(counter.faults, fault, 1)
    with pytest.raises(GatewayUnknown):
        await counter.gateway.create(ours)
    found = await counter.gateway.find(ours)
    assert found is not None and found.transaction_id == ours.transaction_id
    assert (await counter.gateway.create(ours)).ref == found.ref
    assert len(await counter.attempts()) == 1


async def test_an_attempt_that_was_never_made_is_proven_absent(counter: Counter) -> None:
    await counter.gateway.create(order())
    assert await counter.gateway.find(order()) is None


async def test_an_order_whose_words_changed_between_two_sends_is_still_one_attempt(counter: Counter) -> None:
    ours = order()
    first = await counter.gateway.create(ours)
    renamed = msgspec.structs.replace(ours, description="Gurez, the hidden valley")
    assert (await counter.gateway.create(renamed)).ref == first.ref
    assert len(await counter.attempts()) == 1


async def test_an_attempt_is_found_when_the_gateways_clock_runs_differently(counter: Counter) -> None:
    ours = order(created_at=datetime.now(UTC) + timedelta(minutes=5))
    created = await counter.gateway.create(ours)
    found = await counter.gateway.find(ours)
    assert found is not None and found.ref == created.ref


async def test_asking_for_what_is_not_there_says_not_found(counter: Counter) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await counter.gateway.fetch("pi_nothing")
    assert refusal.value.code == "not_found"


# -- paying ------------------------------------------------------------------------------------------------------------


async def test_a_payment_captures_exactly_its_amount(counter: Counter) -> None:
    snapshot = await paid(counter)
    assert (snapshot.state, snapshot.captured, snapshot.amount) == ("succeeded", 4_999_980, 4_999_980)
    assert snapshot.error is None and snapshot.payment_method


async def test_a_declined_card_leaves_the_attempt_open_for_another_one(counter: Counter) -> None:
    created = await counter.gateway.create(order())
    await counter.act(created, "decline")
    declined = await counter.gateway.fetch(created.ref)
    assert (declined.state, declined.captured) == ("requires_payment_method", 0)
    assert declined.error and "declined" in declined.error
    await counter.act(created, "pay")
    assert (await counter.gateway.fetch(created.ref)).state == "succeeded"
    assert len(await counter.attempts()) == 1


@pytest.mark.parametrize(("answer", "ending"), [("approve", "succeeded"), ("refuse", "requires_payment_method")])
async def test_the_bank_may_ask_the_payer_first(counter: Counter, answer: str, ending: str) -> None:
    created = await counter.gateway.create(order())
    await counter.act(created, "bank_check")
    assert (await counter.gateway.fetch(created.ref)).state == "requires_action"
    await counter.act(created, answer)
    after = await counter.gateway.fetch(created.ref)
    assert (after.state, after.captured) == (ending, after.amount if ending == "succeeded" else 0)


async def test_a_transfer_is_under_way_and_arrives_later(counter: Counter) -> None:
    created = await counter.gateway.create(order())
    await counter.act(created, "later")
    assert (await counter.gateway.fetch(created.ref)).state == "processing"
    await counter.deliver(SOON)
    assert (await counter.gateway.fetch(created.ref)).captured == created.amount


# -- capturing ---------------------------------------------------------------------------------------------------------


async def approved(counter: Counter, **changes: Any) -> tuple[Gateway, Snapshot]:
    gateway = counter.gateway_that_waits()
    created = await gateway.create(order(**changes))
    await counter.act(created, "approve_only" if isinstance(counter, PayPalCounter) else "pay")
    return gateway, await gateway.fetch(created.ref)


async def take(gateway: Gateway, snapshot: Snapshot, key: str = "capture:1", **changes: Any) -> Snapshot:
    wanted = {"amount": snapshot.amount, "currency": snapshot.currency} | changes
    return await gateway.capture(ref=snapshot.ref, request_key=key, **wanted)


@pytest.mark.parametrize(("minor", "currency"), [(4_999_980, "INR"), (50_000, "JPY")])
async def test_what_was_approved_waits_for_us_and_is_taken_whole(counter: Counter, minor: int, currency: str) -> None:
    gateway, waiting = await approved(counter, amount=minor, currency=currency)
    assert waiting.state in OPEN_STATES
    assert (waiting.capturable, waiting.captured) == (minor, 0)
    taken = await take(gateway, waiting)
    assert (taken.state, taken.captured, taken.capturable) == ("succeeded", minor, 0)
    seen = await gateway.fetch(waiting.ref)
    assert (seen.state, seen.captured, seen.capturable) == ("succeeded", minor, 0)


async def test_a_capture_sent_twice_takes_the_money_once(counter: Counter) -> None:
    gateway, waiting = await approved(counter)
    first, second = await take(gateway, waiting), await take(gateway, waiting)
    assert first.captured == second.captured == waiting.amount


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "truncate"])
async def test_a_capture_whose_answer_was_lost_is_seen_by_looking(counter: Counter, fault: str) -> None:
    gateway, waiting = await approved(counter)
    setattr(counter.faults, fault, 1)
    with pytest.raises(GatewayUnknown):
        await take(gateway, waiting)
    assert (await gateway.fetch(waiting.ref)).captured == waiting.amount
    assert (await take(gateway, waiting)).captured == waiting.amount


async def test_what_nobody_approved_cannot_be_taken(counter: Counter) -> None:
    gateway = counter.gateway_that_waits()
    created = await gateway.create(order())
    assert created.capturable == 0
    with pytest.raises(GatewayRefused):
        await take(gateway, created)
    assert (await gateway.fetch(created.ref)).captured == 0


async def test_a_capture_under_another_key_after_the_money_was_taken_is_refused_or_says_so(counter: Counter) -> None:
    gateway, waiting = await approved(counter)
    await take(gateway, waiting)
    try:
        again = await take(gateway, waiting, "capture:2")
    except GatewayRefused:
        again = await gateway.fetch(waiting.ref)
    assert again.captured == waiting.amount


# -- cancelling --------------------------------------------------------------------------------------------------------


async def test_an_open_attempt_can_be_cancelled_twice_and_is_cancelled_once(counter: Counter) -> None:
    created = await counter.gateway.create(order())
    first = await counter.gateway.cancel(created.ref, "cancel:1")
    second = await counter.gateway.cancel(created.ref, "cancel:1")
    assert (first.state, second.state) == ("canceled", "canceled")
    assert [n.event_type for n in await counter.deliver()].count(first_cancelled(counter)) == 1


def first_cancelled(counter: Counter) -> str:
    return counter.notice_type.replace("succeeded", "canceled")


@pytest.mark.parametrize("before", ["pay", "cancel"])
async def test_what_has_ended_cannot_be_cancelled(counter: Counter, before: str) -> None:
    created = await counter.gateway.create(order())
    if before == "pay":
        await counter.act(created, "pay")
    else:
        await counter.gateway.cancel(created.ref, "cancel:1")
    with pytest.raises(GatewayRefused):
        await counter.gateway.cancel(created.ref, "cancel:2")
    assert (await counter.gateway.fetch(created.ref)).state == ("succeeded" if before == "pay" else "canceled")


async def test_a_cancelled_attempt_may_succeed_late_and_says_so(counter: Counter) -> None:
    created = await counter.gateway.create(order())
    counter.faults.late_success = 1
    assert (await counter.gateway.cancel(created.ref, "cancel:1")).state == "canceled"
    told = await counter.deliver(SOON)
    assert told[-1].ref == created.ref
    assert (await counter.gateway.fetch(created.ref)).captured == created.amount


# -- sending money back ------------------------------------------------------------------------------------------------


async def test_parts_of_a_payment_can_be_sent_back_and_never_more_than_was_paid(counter: Counter) -> None:
    snapshot = await paid(counter, amount=10_000)
    for part in (3_000, 3_000, 4_000):
        refund = await send_back(counter, snapshot, part)
        assert (refund.state, refund.amount, refund.currency) == ("succeeded", part, "INR")
    with pytest.raises(GatewayRefused):
        await send_back(counter, snapshot, 1)
    after = await counter.gateway.fetch(snapshot.ref)
    assert sum(refund.amount for refund in after.refunds) == after.captured == 10_000


async def test_a_refund_sent_twice_is_one_refund(counter: Counter) -> None:
    snapshot, refund_id = await paid(counter), uuid4()
    first = await send_back(counter, snapshot, 500, refund_id)
    second = await send_back(counter, snapshot, 500, refund_id)
    assert first.ref == second.ref
    assert [r.refund_id for r in (await counter.gateway.fetch(snapshot.ref)).refunds] == [refund_id]


async def test_a_refund_whose_answer_was_lost_is_one_refund(counter: Counter) -> None:
    snapshot, refund_id = await paid(counter), uuid4()
    counter.faults.only, counter.faults.drop_after = "POST", 1
    with pytest.raises(GatewayUnknown):
        await send_back(counter, snapshot, 500, refund_id)
    seen = (await counter.gateway.fetch(snapshot.ref)).refunds
    again = await send_back(counter, snapshot, 500, refund_id)
    assert [refund.ref for refund in seen] == [again.ref]


async def test_a_refund_is_seen_by_looking_when_its_key_is_long_forgotten(counter: Counter) -> None:
    """What the house relies on when an answer was lost, and nobody was there to ask again."""
    snapshot, refund_id = await paid(counter), uuid4()
    counter.faults.only, counter.faults.drop_after = "POST", 1
    with pytest.raises(GatewayUnknown):
        await send_back(counter, snapshot, 500, refund_id)
    counter.clock.ahead += timedelta(seconds=counter.gateway.refund_key_lifetime_seconds)
    assert [r.refund_id for r in (await counter.gateway.fetch(snapshot.ref)).refunds] == [refund_id]


async def test_a_refund_key_used_with_another_amount_yields_what_was_made_before(counter: Counter) -> None:
    snapshot, refund_id = await paid(counter), uuid4()
    await send_back(counter, snapshot, 500, refund_id)
    assert (await send_back(counter, snapshot, 900, refund_id)).amount == 500


async def test_what_was_not_paid_cannot_be_sent_back(counter: Counter) -> None:
    created = await counter.gateway.create(order())
    with pytest.raises(GatewayRefused):
        await send_back(counter, created, 500)


async def test_a_disputed_payment_cannot_be_sent_back_as_well(counter: Counter) -> None:
    counter.faults.dispute = 1
    snapshot = await paid(counter)
    with pytest.raises(GatewayRefused):
        await send_back(counter, snapshot, 500)
    told = await counter.deliver()
    assert {n.ref for n in told if "dispute" in n.event_type} == {snapshot.ref}


async def test_a_dispute_is_told_with_what_it_moved_from_the_first_word_to_the_last(counter: Counter) -> None:
    snapshot = await paid(counter)
    assert not (await counter.gateway.fetch(snapshot.ref)).disputes

    async def now() -> DisputeSnapshot:
        [dispute] = (await counter.gateway.fetch(snapshot.ref)).disputes
        assert (dispute.amount, dispute.currency, dispute.reason) == (
            snapshot.captured,
            snapshot.currency,
            "fraudulent",
        )
        assert dispute.evidence_due_at is not None and dispute.evidence_due_at > counter.clock.now()
        return dispute

    async with counter.bank.work() as work:
        opened = work.dispute(work.get(Intent, snapshot.ref), inquiry=True)
    assert ((await now()).state, (await now()).movements) == ("inquiry", [])
    async with counter.bank.work() as work:
        work.escalate(work.get(Dispute, opened.id))
    taken = (await now()).movements
    assert (sum(each.amount for each in taken), sum(each.fee for each in taken)) == (snapshot.captured, DISPUTE_FEE)
    assert {each.fee_currency for each in taken if each.fee} == {snapshot.currency}
    async with counter.bank.work() as work:
        work.respond(work.get(Dispute, opened.id))
    assert ((await now()).state, (await now()).movements) == ("under_review", taken)
    async with counter.bank.work() as work:
        work.decide(work.get(Dispute, opened.id), won=True)
    ended = await now()
    moved = [each.amount for each in ended.movements if each.amount]
    assert (ended.state, moved) == ("won", [snapshot.captured, -snapshot.captured])
    assert len({each.ref for each in ended.movements}) == len(ended.movements)


async def test_a_dispute_that_is_lost_says_so(counter: Counter) -> None:
    snapshot = await paid(counter)
    async with counter.bank.work() as work:
        work.decide(work.dispute(work.get(Intent, snapshot.ref)), won=False)
    [dispute] = (await counter.gateway.fetch(snapshot.ref)).disputes
    assert (dispute.state, sum(each.amount for each in dispute.movements)) == ("lost", snapshot.captured)


async def test_a_refund_may_take_its_time(counter: Counter) -> None:
    snapshot = await paid(counter)
    counter.faults.refund_pending = 1
    assert (await send_back(counter, snapshot, 500)).state == "pending"
    await counter.deliver(SOON)
    assert [r.state for r in (await counter.gateway.fetch(snapshot.ref)).refunds] == ["succeeded"]


async def test_a_refund_may_fail_after_it_succeeded(counter: Counter) -> None:
    snapshot = await paid(counter)
    counter.faults.refund_fails = 1
    assert (await send_back(counter, snapshot, 500)).state == "succeeded"
    told = await counter.deliver(SOON)
    (refund,) = (await counter.gateway.fetch(snapshot.ref)).refunds
    assert refund.state == "failed" and refund.failure
    assert [n.ref for n in told if n.event_type.lower().endswith("refund.failed")] == [snapshot.ref]


# -- the wire ----------------------------------------------------------------------------------------------------------


async def test_a_busy_gateway_says_how_long_to_wait_and_has_done_nothing(counter: Counter) -> None:
    counter.faults.busy, counter.faults.retry_after = 1, 7
    with pytest.raises(GatewayBusy) as busy:
        await counter.gateway.create(order())
    assert busy.value.retry_after == 7
    assert await counter.attempts() == []


async def test_a_500_proves_nothing(counter: Counter) -> None:
    counter.faults.error_before = 1
    with pytest.raises(GatewayUnknown):
        await counter.gateway.create(order())
    assert await counter.attempts() == []


async def test_an_answer_that_comes_too_late_is_unknown_though_it_was_done(counter: Counter) -> None:
    counter.faults.latency_ms = 1_000
    impatient = httpx.Timeout(10.0, read=0.2)
    async with serve(counter.peer) as url, httpx.AsyncClient(timeout=impatient) as client:
        ours = order()
        with pytest.raises(GatewayUnknown):
            await counter.gateway_over(client, url).create(ours)
        counter.faults.latency_ms = 0
        assert await counter.gateway.find(ours) is not None


async def test_a_broken_connection_is_unknown_on_a_real_socket_too(counter: Counter) -> None:
    async with serve(counter.peer) as url, httpx.AsyncClient() as client:
        gateway, ours = counter.gateway_over(client, url), order()
        counter.faults.drop_after = 1
        with pytest.raises(GatewayUnknown):
            await gateway.create(ours)
        assert (await gateway.create(ours)).transaction_id == ours.transaction_id
    assert len(await counter.attempts()) == 1


async def test_a_refused_connection_sent_nothing(counter: Counter) -> None:
    async with serve(counter.peer) as url:
        pass
    async with httpx.AsyncClient() as client:
        with pytest.raises(GatewayUnreachable):
            await counter.gateway_over(client, url).create(order())


@pytest.mark.parametrize(
    ("problem", "meaning"),
    [
        (httpx.ConnectError, GatewayUnreachable),
        (httpx.ConnectTimeout, GatewayUnreachable),
        (httpx.PoolTimeout, GatewayUnreachable),
        (httpx.ReadTimeout, GatewayUnknown),
        (httpx.WriteTimeout, GatewayUnknown),
        (httpx.ReadError, GatewayUnknown),
        (httpx.WriteError, GatewayUnknown),
        (httpx.RemoteProtocolError, GatewayUnknown),
    ],
)
async def test_how_a_connection_breaks_says_whether_anything_was_sent(
    counter: Counter, problem: type[Exception], meaning: type[GatewayError]
) -> None:
    def break_(request: httpx.Request) -> httpx.Response:
        raise problem("broken")

    with pytest.raises(meaning):
        await counter.gateway_told(break_).create(order())


ERROR = {"how": "this gateway says no"}


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, ERROR, GatewayRefused),
        (402, ERROR, GatewayRefused),
        (403, ERROR, GatewayRefused),
        (404, ERROR, GatewayRefused),
        (401, ERROR, GatewayUnreachable),  # our key is wrong: nothing was done now, and nothing is known of before
        (409, ERROR, GatewayUnknown),
        (429, ERROR, GatewayBusy),
        (429, "<html>slow down</html>", GatewayBusy),
        (500, ERROR, GatewayUnknown),
        (502, "<html>bad gateway</html>", GatewayUnknown),
        (503, "", GatewayUnknown),
        (404, "<html>a proxy, not the gateway</html>", GatewayUnknown),
        (400, [], GatewayUnknown),
        (400, {"error": None}, GatewayUnknown),
        (302, "", GatewayUnknown),
        (200, "", GatewayUnknown),
        (200, "null", GatewayUnknown),
        (200, [], GatewayUnknown),
        (200, {}, GatewayUnknown),
        (200, {"id": 7, "object": "payment_intent"}, GatewayUnknown),
        (200, {"id": "pi_1", "amount": "100", "currency": "inr", "status": "succeeded"}, GatewayUnknown),
    ],
)
async def test_each_answer_proves_what_it_proves_and_no_more(
    counter: Counter, status: int, body: Any, meaning: type[GatewayError]
) -> None:
    said = counter.error if body is ERROR else body
    content = said.encode() if isinstance(said, str) else msgspec.json.encode(said)
    gateway = counter.gateway_told(lambda request: httpx.Response(status, content=content))
    for call in (gateway.create(order()), gateway.fetch("pi_1"), gateway.cancel("pi_1", "cancel:1")):
        with pytest.raises(meaning):
            await call


async def test_no_secret_of_the_payer_reaches_the_log(counter: Counter) -> None:
    counter.faults.truncate = 1
    with pytest.raises(GatewayUnknown) as unknown:
        await counter.gateway.create(order())
    assert "_secret_" not in str(unknown.value)


async def test_a_word_for_a_state_that_is_new_to_us_is_an_open_attempt(counter: Counter) -> None:
    created = await counter.gateway.create(order())
    async with counter.bank.work() as work:
        intent = work.get(Intent, created.ref)
        intent.status = "awaiting_the_moon"
        work.put(intent)
    assert (await counter.gateway.fetch(created.ref)).state in OPEN_STATES
    assert [each.state async for each in counter.gateway.list_attempts(HOUR_AGO, TOMORROW)] == ["processing"]


async def test_a_word_for_a_refund_that_is_new_to_us_is_a_pending_refund(counter: Counter) -> None:
    snapshot = await paid(counter)
    refund = await send_back(counter, snapshot, 500)
    async with counter.bank.work() as work:
        thing = work.get(Refund, refund.ref)
        thing.status = "awaiting_the_moon"
        work.put(thing)
    assert [each.state for each in (await counter.gateway.fetch(snapshot.ref)).refunds] == ["pending"]


# -- listing -----------------------------------------------------------------------------------------------------------


async def test_every_attempt_is_listed_once_even_when_others_are_made_meanwhile(counter: Counter) -> None:
    made = [(await counter.gateway.create(order())).ref for _ in range(250)]
    seen: list[str] = []
    async for snapshot in counter.gateway.list_attempts(HOUR_AGO, TOMORROW):
        seen.append(snapshot.ref)
        if len(seen) % 90 == 0:
            await counter.gateway.create(order())
    assert [ref for ref in seen if ref in set(made)] == list(reversed(made))
    assert len(seen) == len(set(seen))


async def test_the_window_leaves_out_what_was_made_outside_it(counter: Counter) -> None:
    await counter.gateway.create(order())
    tomorrow = [each async for each in counter.gateway.list_attempts(TOMORROW, TOMORROW + timedelta(hours=1))]
    long_ago = [each async for each in counter.gateway.list_attempts(HOUR_AGO - timedelta(hours=1), HOUR_AGO)]
    assert (tomorrow, long_ago) == ([], [])


# -- currencies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "currency"),
    [
        (4_999_980, "INR"),
        (50_000, "JPY"),
        (295_990, "KWD"),
        (500, "ISK"),
        (5_000, "UGX"),
        (120_000, "HUF"),
        (70_000, "MGA"),
    ],
)
async def test_an_amount_comes_back_as_it_went_in_every_currency(counter: Counter, minor: int, currency: str) -> None:
    if currency in counter.takes_not:
        with pytest.raises(GatewayRefused):
            await counter.gateway.create(order(amount=minor, currency=currency))
        return
    snapshot = await paid(counter, amount=minor, currency=currency)
    assert (snapshot.amount, snapshot.captured, snapshot.currency) == (minor, minor, currency)
    refund = await send_back(counter, snapshot, minor)
    assert (refund.amount, refund.currency) == (minor, currency)
    (attempt,) = await counter.attempts()
    assert attempt.amount == (IN_STRIPES_UNITS.get(currency, minor) if isinstance(counter, StripeCounter) else minor)


# -- notices -----------------------------------------------------------------------------------------------------------


async def test_every_notice_of_a_payment_names_the_attempt(counter: Counter) -> None:
    ours = order()
    created = await counter.gateway.create(ours)
    await counter.act(created, "bank_check")
    await counter.act(created, "approve")
    await send_back(counter, created, 500)
    told = await counter.deliver()
    assert len(told) >= 4
    assert {notice.ref for notice in told} == {created.ref}
    assert {notice.transaction_id for notice in told} <= {ours.transaction_id, None}
    assert told[0].transaction_id == ours.transaction_id
    assert len({notice.event_id for notice in told}) == len(told)


async def test_doubled_reordered_held_and_lost_notices_happen_when_asked_for(counter: Counter) -> None:
    counter.faults.duplicate_webhooks = 1
    created = await counter.gateway.create(order())
    assert len({n.event_id for n in await counter.deliver()}) == 1 and len(counter.notices) == 2
    counter.faults.hold_webhooks = True
    await counter.act(created, "decline")
    assert await counter.deliver() == []
    counter.faults.hold_webhooks = False
    async with counter.bank.work() as work:
        assert work.release() == 1
    counter.faults.lose_webhooks = 1
    await counter.act(created, "pay")
    (told,) = await counter.deliver()
    assert told.event_type.endswith("payment_failed")


def test_a_well_signed_notice_is_read(counter: Counter) -> None:
    body = counter.notice_body()
    notice = counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix())
    assert (notice.event_id, notice.event_type, notice.livemode) == ("evt_1", counter.notice_type, False)
    assert (notice.ref, notice.transaction_id) == ("x_1", UUID(int=7))


def test_a_notice_of_the_other_mode_says_so(counter: Counter) -> None:
    body = counter.notice_body(livemode=True)
    assert counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix()).livemode is True


def test_a_notice_about_something_else_names_nothing(counter: Counter) -> None:
    body = counter.notice_body(type="customer.created", data={"object": {"id": "cus_1", "object": "customer"}})
    notice = counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix())
    assert (notice.ref, notice.transaction_id) == (None, None)


def test_while_secrets_rotate_both_are_good(counter: Counter) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    for secret in (SECRET, OLD_SECRET):
        assert counter.gateway.read_notice(counter.signed(body, secret=secret), body, now)
    good = counter.signed(body)[counter.signature_header]
    two = good.replace(",v1=", f",v1={'0' * 64},v0=abc,v1=")
    assert counter.gateway.read_notice({counter.signature_header: two}, body, now)


@pytest.mark.parametrize("at", [-301, -86_400, 301, 1_000_000])
def test_a_notice_signed_at_another_time_is_refused(counter: Counter, at: int) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    with pytest.raises(BadNotice):
        counter.gateway.read_notice(counter.signed(body, at=now + at), body, now)


@pytest.mark.parametrize("at", [-290, 0, 290])
def test_clocks_may_differ_a_little(counter: Counter, at: int) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    assert counter.gateway.read_notice(counter.signed(body, at=now + at), body, now)


def test_one_flipped_byte_is_enough_to_refuse(counter: Counter) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    headers = counter.signed(body)
    for place in (0, len(body) // 2, len(body) - 1):
        flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(BadNotice):
            counter.gateway.read_notice(headers, flipped, now)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "garbage", "t=1", "v1=aa", "t=,v1=", "t=1,t=2,v1=aa", "t=NOW", "t=NOW,v1=", "t=NOW,v0=GOOD", "t=NOW,v1=ü€",
        "t=٣,v1=aa", "t=-5,v1=aa", "t=1e9,v1=aa", "t=" + "9" * 400 + ",v1=aa", "v1=GOOD", "t=NOW,v1=GOO",
    ],
)  # fmt: skip
def test_a_garbled_signature_is_refused(counter: Counter, header: str | None) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    good = counter.signed(body)[counter.signature_header].partition("v1=")[2]
    headers = {}
    if header is not None:
        said = header.replace("NOW", str(now)).replace("GOOD", good).replace("GOO", good[:-1])
        headers = {counter.signature_header: said}
    with pytest.raises(BadNotice):
        counter.gateway.read_notice(headers, body, now)


@pytest.mark.parametrize("secret", ["another", "", SECRET.upper(), SECRET + " "])
def test_a_notice_signed_by_a_stranger_is_refused(counter: Counter, secret: str) -> None:
    body, now = counter.notice_body(), counter.clock.unix()
    with pytest.raises(BadNotice):
        counter.gateway.read_notice(counter.signed(body, secret=secret), body, now)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON | st.just("evt_1"),
        "object": JSON | st.just("event"),
        "type": JSON
        | st.sampled_from(["payment_intent.succeeded", "charge.refunded", "refund.failed", "intent.succeeded"]),
        "livemode": JSON | st.just(False),
        "created": JSON | st.integers(),
        "created_at": JSON,
        "account": JSON,
        "data": JSON
        | st.fixed_dictionaries(
            {
                "object": JSON
                | st.dictionaries(st.sampled_from(["id", "object", "metadata", "payment_intent", "intent"]), JSON)
            }
        ),
    },
)


@pytest.mark.parametrize("gateway", COUNTERS)
@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=64) | (JSON | ENVELOPES).map(lambda value: msgspec.json.encode(value)))
def test_any_signed_bytes_are_a_notice_or_a_bad_notice_and_nothing_else(gateway: str, body: bytes) -> None:
    counter = COUNTERS[gateway]()
    try:
        notice = counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix())
    except BadNotice:
        return
    assert isinstance(notice.event_id, str) and isinstance(notice.livemode, bool)
    assert notice.ref is None or isinstance(notice.ref, str)
    assert notice.gateway_at is None or notice.gateway_at.tzinfo is not None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"7", b'"x"', b"{}", b"\xff\xfe", b"not json", b"[" * 100_000, b'{"object":"v2.core.event"}'],
)
def test_signed_garbage_is_a_bad_notice(counter: Counter, body: bytes) -> None:
    with pytest.raises(BadNotice):
        counter.gateway.read_notice(counter.signed(body), body, counter.clock.unix())


@pytest.mark.parametrize("gateway", COUNTERS)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "stripe-signature",
                "sandbox-signature",
                "paypal-cert-url",
                "paypal-auth-algo",
                "x-razorpay-signature",
                "x-razorpay-event-id",
                "x",
            ]
        ),
        st.text(max_size=80),
    )
)
def test_any_headers_at_all_are_a_bad_notice(gateway: str, headers: dict[str, str]) -> None:
    with pytest.raises(BadNotice):
        COUNTERS[gateway]().gateway.read_notice(headers, b"{}", 1_800_000_000)


def test_the_payment_page_is_told_what_it_needs_and_no_server_key(counter: Counter) -> None:
    widget = counter.gateway.widget(
        ref="pi_1", client_secret="pi_1_secret_x", amount=100, currency="INR", return_url="https://shop.example/return"
    )
    assert widget.template == f"payments/widgets/{counter.gateway.name}.html"
    assert all(isinstance(value, str) for value in widget.data.values())
    assert "pi_1_secret_x" in " ".join(widget.data.values())
    assert "sk_test" not in " ".join(widget.data.values())
    assert all("'unsafe" not in source for sources in widget.csp.values() for source in sources)


# -- what nobody delivered -------------------------------------------------------------------------------------------------


async def test_every_event_is_listed_once_whether_it_was_delivered_or_not(counter: Counter) -> None:
    counter.faults.lose_webhooks = 70
    for _ in range(60):
        await paid(counter)
    async with counter.bank.work() as work:
        told = [msgspec.json.decode(event.body)["id"] for event in work.all(Event)]
    listed = [each async for each in counter.gateway.list_notices(HOUR_AGO, TOMORROW)]
    assert len(listed) > 100, "more than a page"
    assert sorted(notice.event_id for notice, _ in listed) == sorted(told)
    assert all(notice.ref and notice.event_id in body.decode() for notice, body in listed)
    assert not [each async for each in counter.gateway.list_notices(HOUR_AGO - timedelta(hours=1), HOUR_AGO)]
