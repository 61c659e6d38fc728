"""A deposit confirms, the balance follows, and the parts are the price: payments.md 5, features 2E."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jklg import app, jobs, ledger, payments
from jklg.kit.errors import BadInput, Conflict
from jklg.kit.ids import uuid7
from jklg.payments import cancellations, desk
from jklg.payments import jobs as payment_jobs
from jklg.payments.books import CHECKS
from jklg.sandbox.things import Refund
from tests import invariants
from tests.conftest import SECRET
from tests.payments.conftest import Street
from tests.trade import TERMS


async def test_a_deposit_confirms_the_seats_and_the_balance_completes_the_price(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount == held.total_price // 5
    await street.asha_pays(held.id)
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Partial")
    assert booking.balance_due_on == booking.starts_on - timedelta(days=30)
    await street.asha_pays(held.id)
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Paid")
    assert await street.kept(held.id) == {
        "customer_deposits": -held.total_price,
        "gateway_clearing:sandbox": held.total_price,
    }
    with pytest.raises(Conflict, match="already_paid"):
        await street.start(held.id)


async def test_she_may_pay_all_at_once_or_more_than_the_deposit_and_never_less(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount
    for wrong in (held.deposit_amount - 1, held.total_price + 1):
        with pytest.raises(BadInput, match="amount_mismatch"):
            await street.start(held.id, wrong)
    await street.asha_pays(held.id, held.deposit_amount + 1_000)
    assert (await street.booking(held.id)).status == "confirmed"
    with pytest.raises(BadInput, match="amount_mismatch"):
        await street.start(held.id, held.total_price)
    await street.asha_pays(held.id, held.total_price - held.deposit_amount - 1_000)
    assert (await street.booking(held.id)).payment_status == "Paid"


async def test_another_amount_beside_an_open_payment_is_refused(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.start(held.id)
    with pytest.raises(Conflict, match="payment_open"):
        await street.start(held.id, held.total_price)
    assert len(await street.intents()) == 1


async def test_who_books_late_pays_all_at_once(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS, in_days=30)
    assert held.deposit_amount is None
    assert (await street.start(held.id)).transaction.amount == held.total_price


async def test_a_balance_payment_left_open_does_not_cost_the_seats_and_is_closed_after_a_day(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    started = await street.start(held.id)
    await street.later(hours=2)
    await street.work()
    async with street.db.transaction() as conn:
        still = await payments.get(conn, started.transaction.id)
    assert still is not None and still.state == "requires_payment_method"
    await street.later(hours=23)
    assert await payment_jobs.close_overdue(street.house) == 1
    async with street.db.transaction() as conn:
        closed = await payments.get(conn, started.transaction.id)
    assert closed is not None and closed.state == "canceled"
    assert (await street.booking(held.id)).status == "confirmed"


async def test_a_second_balance_is_sent_back(street: Street) -> None:
    """Two tabs, one closed at the bank too late: the money that nobody owes goes back."""
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    first = await street.start(held.id)
    street.faults.late_success = 1
    await payments.cancel_attempt(street.house, first.transaction.id, actor="guest")
    await street.asha_pays(held.id)
    await street.later(minutes=20)
    await street.deliver()
    await street.work()
    await street.later(minutes=20)
    await street.work()
    booking = await street.booking(held.id)
    assert booking.payment_status == "Paid"
    assert (await street.kept(held.id))["customer_deposits"] == -held.total_price


async def all_is_sound(street: Street) -> None:
    """Everything has come to rest, and neither the books nor the invariants have anything to say."""
    await street.deliver()
    for _ in range(3):
        await street.work()
        await street.later(minutes=20)
    await jobs.drain(street.house, app.LISTENERS)
    assert (await ledger.verify(street.db, CHECKS, keys=[SECRET])).broken == {}
    async with street.db.transaction() as conn:
        assert await invariants.broken(conn) == []


async def test_a_full_payment_that_comes_late_on_top_of_the_deposit_goes_back_whole(street: Street) -> None:
    """She began to pay all, thought better of it and paid the deposit; then her bank made the first payment after all."""
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount
    full = await street.start(held.id, held.total_price)
    await payments.cancel_attempt(street.house, full.transaction.id, actor="guest")
    await street.asha_pays(held.id, held.deposit_amount)
    await street.pays(full.transaction.ref or "")
    await all_is_sound(street)
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Partial")
    assert await street.kept(held.id) == {
        "customer_deposits": -held.deposit_amount,
        "gateway_clearing:sandbox": held.deposit_amount,
    }
    assert await street.one("SELECT reason FROM refunds") == "overpaid"
    async with street.bank.bank.work() as work:
        assert [refund.amount for refund in work.all(Refund)] == [held.total_price]
    letters = await street.one("SELECT array_agg(kind ORDER BY kind) FROM mail_outbox")
    assert letters == ["booking_confirmed", "late_money_refunded", "payment_receipt"]


async def test_a_balance_that_comes_late_after_cash_was_taken_towards_it_goes_back_whole(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    balance = await street.start(held.id)
    await desk.record_payment(
        street.house, payment_id=uuid7(), booking_id=held.id, amount=50_000, method="cash", note="", actor="staff:x"
    )
    await street.pays(balance.transaction.ref or "")
    await all_is_sound(street)
    assert held.deposit_amount
    assert (await street.kept(held.id))["customer_deposits"] == -(held.deposit_amount + 50_000)


async def test_a_balance_that_comes_late_after_the_price_was_reduced_goes_back_whole(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    balance = await street.start(held.id)
    await payments.cancel_attempt(street.house, balance.transaction.id, actor="guest")
    await cancellations.cancel(street.house, held.id, leaving={"adult": 1}, actor="guest")
    await street.pays(balance.transaction.ref or "")
    await all_is_sound(street)
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Partial")
    assert held.deposit_amount
    assert (await street.kept(held.id))["customer_deposits"] == -held.deposit_amount


async def test_a_balance_that_arrives_after_the_journey_is_earned_like_the_rest_of_its_price(street: Street) -> None:
    """A bank debit that was begun before it and took its days; the trip had been delivered when it came."""
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    balance = await street.start(held.id)
    await street.pays_later(balance.transaction.ref or "")
    await payments.settle(street.house, balance.transaction.id, source="return")
    await street.later(days=120)
    await street.work()
    assert (await street.booking(held.id)).status == "completed"
    assert (await street.kept(held.id))["travel_revenue"] == -held.deposit_amount
    await street.pays(balance.transaction.ref or "")
    await all_is_sound(street)
    assert (await street.kept(held.id))["travel_revenue"] == -held.total_price
    assert "customer_deposits" not in await street.kept(held.id)


async def test_a_payment_that_comes_again_after_the_journey_goes_back(street: Street) -> None:
    """What was paid is earned by then, and no longer among the deposits."""
    held = await street.asha_holds()
    first = await street.start(held.id)
    await payments.cancel_attempt(street.house, first.transaction.id, actor="guest")
    await street.asha_pays(held.id)
    await street.later(days=120)
    await street.work()
    assert (await street.booking(held.id)).status == "completed"
    await street.pays(first.transaction.ref or "")
    await all_is_sound(street)
    assert await street.one("SELECT reason FROM refunds") == "paid_twice"
    assert "customer_deposits" not in await street.kept(held.id)
