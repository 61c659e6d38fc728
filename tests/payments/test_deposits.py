"""A deposit confirms, the balance follows, and the parts are the price: payments.md 5, features 2E."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jklg import payments
from jklg.kit.errors import BadInput, Conflict
from jklg.payments import jobs as payment_jobs
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
