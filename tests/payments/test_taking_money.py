"""One attempt, from the seat held to the money booked: payments.md 4.1 to 4.4, told with the play bank."""

from __future__ import annotations

import asyncio
import itertools
from uuid import UUID

import pytest

from jklg import app, bookings, jobs, ledger, payments
from jklg.kit import failpoints
from jklg.kit.errors import BadInput, Conflict, Malformed, TooMany, Unavailable
from jklg.payments.webhooks import file_notice
from jklg.sandbox.bank import Intent
from tests.payments.conftest import Street
from tests.trade import seats_taken


async def paid(street: Street, held: bookings.Held) -> None:
    """What must be true of a booking that is paid, once and for all."""
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status, booking.payment_open) == ("confirmed", "Paid", False)
    assert await street.balance("customer_deposits") == -held.total_price
    assert await street.balance("gateway_clearing:sandbox") == held.total_price
    assert await street.one("SELECT count(*) FROM ledger_transactions") == 1
    assert await seats_taken(street.db, held.departure_id) == held.seats
    assert len(await street.intents()) == 1


async def test_asha_pays_and_the_webhook_alone_confirms_her_booking(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    assert started.transaction.state == "requires_payment_method"
    assert started.transaction.client_secret
    assert (await street.intents())[0].amount == held.total_price
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await paid(street, held)
    assert await jobs.drain(street.house, app.LISTENERS) == 2
    assert await street.one("SELECT count(*) FROM mail_outbox") == 2


async def test_with_the_webhooks_lost_the_poller_confirms_it(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    street.faults.lose_webhooks = 100
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.later(minutes=5)
    await street.work()
    await paid(street, held)


async def test_the_return_page_confirms_it_when_it_comes_first_and_the_webhook_changes_nothing(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    settled = await payments.settle(street.house, started.transaction.id, source="return")
    assert (settled.transaction.state, settled.booking_status) == ("succeeded", "confirmed")
    await street.deliver()
    await street.work()
    await paid(street, held)


async def test_return_webhook_and_poller_at_the_same_moment_confirm_it_once(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await asyncio.gather(
        *(payments.settle(street.house, started.transaction.id, source=s) for s in ("return", "webhook", "poll") * 4)
    )
    await paid(street, held)
    assert await jobs.drain(street.house, app.LISTENERS) == 2


async def test_a_notice_delivered_twenty_times_at_once_is_stored_once_and_counts_once(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    for headers, body in await street.notices():
        new = await asyncio.gather(*(file_notice(street.house, "sandbox", headers, body) for _ in range(20)))
        assert sum(new) == 1
    events = len(await street.notices())
    assert await street.one("SELECT count(*) FROM webhook_inbox") == events
    assert await street.one("SELECT sum(duplicates) FROM webhook_inbox") == 19 * events
    await asyncio.gather(*(street.work() for _ in range(3)))
    await paid(street, held)


async def test_any_order_of_the_notices_gives_the_same_books(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    ref = started.transaction.ref or ""
    await street.declines(ref)
    await street.pays_later(ref)
    await street.pays(ref)
    notices = await street.notices()
    for order in itertools.islice(itertools.permutations(notices), 0, 24, 5):
        for headers, body in order:
            await file_notice(street.house, "sandbox", headers, body)
        await street.work()
    await paid(street, held)


async def test_a_decline_leaves_the_attempt_open_and_another_card_pays(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.declines(started.transaction.ref or "")
    settled = await payments.settle(street.house, started.transaction.id, source="return")
    assert settled.transaction.state == "requires_payment_method"
    assert settled.transaction.error_message == "card_declined"
    assert settled.booking_status == "held"
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await paid(street, held)


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "truncate"])
async def test_an_answer_lost_on_the_way_still_makes_one_attempt(street: Street, fault: str) -> None:
    held = await street.asha_holds()
    setattr(street.faults, fault, 1)
    started = await street.start(held.id)
    assert (started.transaction.state, started.transaction.ref) == ("submitting", None)
    assert started.unknown
    again = await street.start(held.id)
    assert again.transaction.id == started.transaction.id
    assert again.transaction.state == "requires_payment_method"
    await street.pays(again.transaction.ref or "")
    await street.deliver()
    await street.work()
    await paid(street, held)


@pytest.mark.parametrize("fault", ["error_before", "busy"])
async def test_a_gateway_that_did_nothing_is_asked_again_later(street: Street, fault: str) -> None:
    held = await street.asha_holds()
    setattr(street.faults, fault, 1)
    started = await street.start(held.id)
    assert started.transaction.state == "submitting"
    await street.later(minutes=1)
    await street.work()
    again = await street.start(held.id)
    assert again.transaction.state == "requires_payment_method"
    assert len(await street.intents()) == 1


async def test_a_webhook_that_overtakes_our_own_answer_binds_the_attempt(street: Street) -> None:
    held = await street.asha_holds()
    street.faults.drop_after = 1
    started = await street.start(held.id)
    assert started.transaction.ref is None
    intent = (await street.intents())[0]
    await street.pays(intent.id)
    await street.deliver()
    await street.work()
    await paid(street, held)
    transaction = (await payments.settle(street.house, started.transaction.id, source="poll")).transaction
    assert transaction.ref == intent.id


async def test_after_the_keys_lifetime_the_attempt_is_looked_for_and_never_sent_again(street: Street) -> None:
    held = await street.asha_holds()
    street.faults.drop_after = 1
    started = await street.start(held.id)
    await street.later(hours=23)
    settled = await payments.settle(street.house, started.transaction.id, source="poll")
    assert settled.transaction.ref == (await street.intents())[0].id
    assert len(await street.intents()) == 1


async def test_an_attempt_the_gateway_never_made_fails_when_its_key_has_lapsed(street: Street) -> None:
    held = await street.asha_holds()
    street.faults.error_before = 1
    started = await street.start(held.id)
    await street.later(hours=23)
    settled = await payments.settle(street.house, started.transaction.id, source="poll")
    assert settled.transaction.state == "failed"
    assert await street.intents() == []
    await street.work()
    assert (await street.booking(held.id)).status == "expired"


@pytest.mark.parametrize(
    "place", ["after_intent_commit", "after_gateway_answer", "before_apply_commit", "after_apply_commit"]
)
async def test_a_crash_while_starting_loses_and_doubles_nothing(street: Street, place: str) -> None:
    held = await street.asha_holds()
    failpoints.arm(f"{place}:crash")
    with pytest.raises(failpoints.Crashed):
        await street.start(held.id)
    failpoints.arm("")
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await paid(street, held)


@pytest.mark.parametrize(
    "place", ["after_gateway_answer", "before_apply_commit", "after_apply_commit", "worker_before_done"]
)
async def test_a_crash_while_looking_into_a_notice_loses_and_doubles_nothing(street: Street, place: str) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    failpoints.arm(f"{place}:crash")
    with pytest.raises(failpoints.Crashed):
        await street.work()
    failpoints.arm("")
    await street.later(minutes=2)
    await street.work()
    await paid(street, held)
    assert await street.one("SELECT count(*) FROM webhook_inbox WHERE state = 'pending'") == 0


async def test_two_tabs_open_one_attempt(street: Street) -> None:
    held = await street.asha_holds()
    results = await asyncio.gather(*(street.start(held.id) for _ in range(8)))
    assert len({r.transaction.id for r in results}) == 1
    assert len(await street.intents()) == 1
    assert await street.one("SELECT count(*) FROM transactions") == 1


async def test_what_is_charged_is_what_was_held_whatever_the_client_says(street: Street) -> None:
    held = await street.asha_holds()
    for amount, currency in ((50, "INR"), (held.total_price, "USD"), (held.total_price - 1, None)):
        with pytest.raises(BadInput) as refusal:
            await payments.start(street.house, held.id, "sandbox", claimed_amount=amount, claimed_currency=currency)
        assert refusal.value.code == "amount_mismatch"
    assert await street.intents() == []
    started = await payments.start(street.house, held.id, "sandbox", claimed_amount=held.total_price)
    assert started.transaction.amount == held.total_price


async def test_a_booking_that_ended_or_is_paid_is_not_charged(street: Street) -> None:
    held = await street.asha_holds()
    async with street.db.transaction() as conn:
        await bookings.cancel(conn, held.id, actor="guest")
    with pytest.raises(Conflict) as refusal:
        await street.start(held.id)
    assert refusal.value.code == "booking_ended"

    late = await street.asha_holds()
    await street.later(minutes=16)
    with pytest.raises(Conflict) as refusal:
        await street.start(late.id)
    assert refusal.value.code == "hold_expired"
    assert await street.intents() == []

    good = await street.asha_holds()
    started = await street.start(good.id)
    await street.pays(started.transaction.ref or "")
    await payments.settle(street.house, started.transaction.id, source="return")
    with pytest.raises(Conflict) as refusal:
        await street.start(good.id)
    assert refusal.value.code == "already_paid"
    with pytest.raises(BadInput) as wrong:
        await payments.start(street.house, good.id, "paypal")
    assert wrong.value.code == "gateway_not_offered"


async def test_a_booking_that_costs_nothing_is_confirmed_without_a_gateway(street: Street) -> None:
    from tests.trade import add_departure, hold

    free = await hold(street.db, await add_departure(street.db, prices={"adult": 0}))
    with pytest.raises(Conflict) as refusal:
        await street.start(free.id)
    assert refusal.value.code == "nothing_to_pay"
    assert (await street.booking(free.id)).status == "confirmed"
    assert await street.one("SELECT count(*) FROM ledger_transactions") == 0


async def test_a_machine_gun_of_attempts_is_stopped(street: Street) -> None:
    held = await street.asha_holds()
    for _ in range(20):
        settled = await street.start(held.id)
        await payments.cancel_attempt(street.house, settled.transaction.id, actor="guest")
    with pytest.raises(TooMany) as refusal:
        await street.start(held.id)
    assert refusal.value.code == "too_many_attempts"


async def test_what_authenticates_a_gateway_is_not_kept(street: Street) -> None:
    held = await street.asha_holds()
    await street.pays((await street.start(held.id)).transaction.ref or "")
    headers, body = (await street.notices())[-1]
    await file_notice(street.house, "sandbox", {**headers, "authorization": "Basic secret", "user-agent": "bank"}, body)
    kept = await street.one("SELECT headers FROM webhook_inbox ORDER BY id DESC LIMIT 1")
    assert "bank" in str(kept)
    assert "secret" not in str(kept)


async def test_forged_notices_store_nothing_and_ask_nobody(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    headers, body = (await street.notices())[-1]
    before = await street.one("SELECT count(*) FROM webhook_inbox")
    for forged_headers, forged_body in (
        (headers, body[:-1] + b" }"),
        ({}, body),
        ({"sandbox-signature": ""}, body),
        ({"sandbox-signature": "t=1,v1=aa"}, body),
        ({"sandbox-signature": "ééé"}, body),
    ):
        with pytest.raises(Malformed) as refusal:
            await file_notice(street.house, "sandbox", forged_headers, forged_body)
        assert refusal.value.code == "bad_signature"
    with pytest.raises(Unavailable):
        await file_notice(street.house, "stripe", headers, body)
    assert await street.one("SELECT count(*) FROM webhook_inbox") == before
    assert (await street.booking(held.id)).status == "held"


async def test_a_notice_that_cannot_be_handled_is_tried_later_and_finally_put_aside(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    street.faults.error_before = 10_000
    for _ in range(13):
        await street.work(rounds=1)
        await street.later(hours=5)
    assert await street.one("SELECT count(*) FROM webhook_inbox WHERE state = 'dead'") > 0
    street.faults.error_before = 0
    await street.later(hours=1)
    await street.work()
    assert (await street.booking(held.id)).status in ("confirmed",)


async def test_money_of_an_attempt_we_do_not_know_is_shown_and_kept_apart(street: Street) -> None:
    async with street.bank.bank.work() as work:
        stranger = work.open_intent(5_000, "INR", "not ours", "x@example.org", "http://shop.test/", {})
    await street.pays(stranger.id)
    await street.deliver()
    await street.work()
    assert await street.one("SELECT kind FROM anomalies") == "unmatched_gateway_object"
    assert await street.balance("suspense:unapplied") == -5_000
    assert await street.one("SELECT count(*) FROM webhook_inbox WHERE state = 'pending'") == 0


async def test_a_success_of_the_wrong_amount_never_confirms(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount = 50
        work.pay(intent, "play_card")
    await street.deliver()
    await street.work()
    assert (await street.booking(held.id)).status in ("held", "expired")
    assert await street.balance("suspense:unapplied") == -50
    assert await street.balance("customer_deposits") == 0
    assert await street.one("SELECT kind FROM anomalies WHERE resolved_at IS NULL") == "amount_mismatch"


async def test_money_in_another_currency_is_kept_apart_once_also_when_it_grows(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.currency, intent.amount = "USD", 50
        work.pay(intent, "play_card")
    await payments.settle(street.house, started.transaction.id, source="return")
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount_received = 80
        work.put(intent)
    for source in ("return", "poll"):
        await payments.settle(street.house, started.transaction.id, source=source)
    async with street.db.transaction() as conn:
        assert await ledger.balance(conn, "suspense:unapplied", "USD") == -80
        assert await ledger.balance(conn, "gateway_clearing:sandbox", "USD") == 80
    assert await street.balance("customer_deposits") == 0


async def test_mallory_cannot_learn_whether_a_payment_exists(street: Street) -> None:
    from jklg.kit.errors import NotFound

    with pytest.raises(NotFound):
        await payments.settle(street.house, UUID(int=5), source="return")
