"""Seats are not released while money may come, and money that comes late is never lost: payments.md 1.9, 4.6."""

from __future__ import annotations

import pytest

from jklg import app, bookings, jobs, payments
from jklg.kit.errors import Conflict
from tests.payments.conftest import Street
from tests.trade import hold, seats_taken, status_of


async def test_before_seats_are_released_the_open_payment_is_closed_at_the_gateway(street: Street) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    await street.later(minutes=20)
    await street.work()
    assert [intent.status for intent in await street.intents()] == ["canceled"]
    assert await status_of(street.db, held.id) == "expired"
    assert await seats_taken(street.db, held.departure_id) == 0


async def test_a_payment_that_succeeded_while_we_were_closing_it_confirms_instead(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    street.faults.lose_webhooks = 100
    await street.pays(started.transaction.ref or "")
    await street.later(minutes=20)
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    assert await seats_taken(street.db, held.departure_id) == 2


async def test_while_the_gateway_is_silent_the_seats_stay_held(street: Street) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    await street.later(minutes=20)
    street.faults.error_before = 10_000
    await street.work()
    assert await status_of(street.db, held.id) == "held"
    assert await seats_taken(street.db, held.departure_id) == 2
    street.faults.error_before = 0
    await street.later(minutes=15)
    await street.work()
    assert await status_of(street.db, held.id) == "expired"


async def late_success(street: Street, held: bookings.Held) -> payments.Settled:
    """Asha's hold runs out, her payment is closed, and the bank takes her money all the same."""
    started = await street.start(held.id)
    await street.later(minutes=20)
    await street.work()
    assert await status_of(street.db, held.id) == "expired"
    return started


async def test_late_money_gets_its_seats_back_when_they_are_free(street: Street) -> None:
    held = await street.asha_holds()
    started = await late_success(street, held)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    assert await seats_taken(street.db, held.departure_id) == 2
    assert await street.balance("customer_deposits") == -held.total_price
    assert await street.one("SELECT kind FROM anomalies WHERE resolved_by = 'system'") == "late_success"


async def test_late_money_whose_seats_are_gone_is_sent_back_in_full_with_one_apology(street: Street) -> None:
    held = await street.asha_holds(seats=2)
    started = await late_success(street, held)
    bens = await hold(street.db, held.departure_id, name="Ben Rao", email="ben@example.org")
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await street.work()
    assert await status_of(street.db, held.id) == "expired"
    assert await status_of(street.db, bens.id) == "held"
    assert await seats_taken(street.db, held.departure_id) == 2
    assert await street.balance("suspense:unapplied") == 0
    assert await street.balance("refunds_in_flight") == 0
    assert await street.balance("gateway_clearing:sandbox") == 0
    assert (await street.booking(held.id)).payment_status == "Refunded"
    await jobs.drain(street.house, app.LISTENERS)
    assert await street.one("SELECT count(*) FROM mail_outbox WHERE kind = 'late_money_refunded'") == 1
    assert await street.one("SELECT count(*) FROM mail_outbox WHERE kind = 'booking_confirmed'") == 0


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "error_before", "busy", "truncate"])
async def test_a_refund_whose_answer_is_lost_is_made_once(street: Street, fault: str) -> None:
    held = await street.asha_holds(seats=2)
    started = await late_success(street, held)
    await hold(street.db, held.departure_id)
    await street.pays(started.transaction.ref or "")
    street.faults.only = "POST /v1/refunds"
    setattr(street.faults, fault, 2)
    await street.deliver()
    for _ in range(6):
        await street.work()
        await street.later(minutes=2)
    assert await street.one("SELECT count(*) FROM refunds") == 1
    assert await street.one("SELECT state FROM refunds") == "succeeded"
    assert await street.balance("gateway_clearing:sandbox") == 0
    async with street.bank.bank.work() as work:
        assert len(work.refunds_of(started.transaction.ref or "")) == 1


async def test_a_refund_that_fails_days_later_is_owed_and_shown(street: Street) -> None:
    held = await street.asha_holds(seats=2)
    started = await late_success(street, held)
    await hold(street.db, held.departure_id)
    await street.pays(started.transaction.ref or "")
    street.faults.refund_fails = 1
    await street.deliver()
    await street.work()
    await street.later(days=2)
    await street.deliver()
    await street.work()
    assert await street.one("SELECT state FROM refunds") == "failed"
    assert await street.balance("refunds_owed") == -held.total_price
    assert await street.balance("gateway_clearing:sandbox") == held.total_price
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_failed' AND resolved_at IS NULL") == 1


async def test_a_booking_given_up_closes_its_payment_and_frees_its_seats(street: Street) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    await payments.give_up(street.house, held.id, actor="guest")
    assert [intent.status for intent in await street.intents()] == ["canceled"]
    assert await status_of(street.db, held.id) == "cancelled"
    assert await seats_taken(street.db, held.departure_id) == 0


async def test_a_booking_given_up_a_moment_after_it_was_paid_stays_paid(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    with pytest.raises(Conflict) as refusal:
        await payments.give_up(street.house, held.id, actor="guest")
    assert refusal.value.code == "booking_paid"
    assert await status_of(street.db, held.id) == "confirmed"


async def test_money_for_a_cancelled_booking_goes_back(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await payments.give_up(street.house, held.id, actor="guest")
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await street.work()
    assert await status_of(street.db, held.id) == "cancelled"
    assert await street.one("SELECT reason FROM refunds") == "booking_cancelled"
    assert await street.balance("gateway_clearing:sandbox") == 0


async def test_a_slow_bank_transfer_keeps_the_seats_until_it_is_decided(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    street.faults.later_seconds = 3600
    await street.pays_later(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    assert (await street.booking(held.id)).payment_open
    assert await seats_taken(street.db, held.departure_id) == 2


async def test_paying_gives_more_time_once(street: Street) -> None:
    held = await street.asha_holds()
    await street.later(minutes=10)
    first = await street.start(held.id)
    extended = (await street.booking(held.id)).hold_expires_at
    assert extended > held.hold_expires_at
    await payments.cancel_attempt(street.house, first.transaction.id, actor="guest")
    await street.later(minutes=5)
    await street.start(held.id)
    assert (await street.booking(held.id)).hold_expires_at == extended
