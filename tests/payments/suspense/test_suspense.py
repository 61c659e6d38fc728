"""Money in suspense: a person applies it to the booking or sends it back, and nobody settles the concern about it before (payments.md 1.3, 1.6)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from jklg import app, bookings, jobs, payments
from jklg.kit.errors import Conflict, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import desk, suspense
from jklg.payments.desk.rules import SUSPENSE
from jklg.sandbox.things import Intent, Refund
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.desk.test_refunds_by_staff import CHITRA, DEVI, ask, sound, two_people_above
from tests.trade import TERMS, hold, seats_taken, status_of

OPEN = "SELECT coalesce(string_agg(kind, ' ' ORDER BY opened_at, kind), '') FROM anomalies WHERE resolved_at IS NULL"


async def another_amount(street: Street, amount: int, held: bookings.Held | None = None) -> bookings.Held:
    """Asha's bank sends another amount than she was asked for. It lies in suspense."""
    held = held or await street.asha_holds()
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount = amount
        work.pay(intent, "play_card")
    await street.deliver()
    await street.work()
    assert (await street.kept(held.id))[SUSPENSE] == -amount
    assert await street.one(OPEN) == "amount_mismatch"
    return held


async def concern(street: Street) -> UUID:
    found: UUID = await street.one("SELECT id FROM anomalies WHERE resolved_at IS NULL ORDER BY opened_at LIMIT 1")
    return found


async def settle(street: Street, concern_id: UUID, actor: str = CHITRA) -> None:
    await payments.settle_concern(street.db, concern_id, actor=actor, note="It is all right.")


async def send_back(street: Street, booking_id: UUID) -> desk.Asked:
    return await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=booking_id, source=SUSPENSE, reason="not ours", actor=CHITRA
    )


async def test_more_than_the_price_is_applied_up_to_the_price_and_confirms(street: Street) -> None:
    held = await street.asha_holds()
    await another_amount(street, held.total_price + 500, held)
    plan = await suspense.apply(street.house, held.id, actor=CHITRA)
    assert (plan.amount, plan.left, plan.confirms) == (held.total_price, 500, True)
    assert await status_of(street.db, held.id) == "confirmed"
    assert await street.kept(held.id) == {
        "customer_deposits": -held.total_price, SUSPENSE: -500, "gateway_clearing:sandbox": held.total_price + 500,
    }  # fmt: skip
    await jobs.drain(street.house, app.LISTENERS)
    letters = await street.one("SELECT array_agg(kind ORDER BY kind) FROM mail_outbox")
    assert letters == ["booking_confirmed", "payment_receipt"]
    assert await street.one("SELECT actor FROM history WHERE action = 'payment.applied'") == CHITRA
    assert await street.one(OPEN) == "amount_mismatch", "500 are still there"
    assert (await send_back(street, held.id)).status == "completed"
    assert await street.one(OPEN) == ""
    assert (await street.booking(held.id)).price == held.total_price, "what was nobody's is none of the price"
    await sound(street)


async def test_the_deposit_in_another_amount_confirms_when_it_is_enough(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount
    await another_amount(street, held.deposit_amount + 77, held)
    await suspense.apply(street.house, held.id, actor=CHITRA)
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Partial")
    assert await street.one(OPEN) == "" and await street.one("SELECT note FROM anomalies") == "Applied to the booking."
    await sound(street)


async def test_less_than_the_first_part_confirms_nothing_and_may_only_go_back(street: Street) -> None:
    held = await another_amount(street, 50)
    with pytest.raises(Conflict, match="not_enough"):
        await suspense.apply(street.house, held.id, actor=CHITRA)
    assert await status_of(street.db, held.id) == "held"
    assert (await send_back(street, held.id)).status == "completed"
    await sound(street)


async def test_what_does_not_confirm_alone_is_applied_to_a_balance(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    await another_amount(street, 50, held)
    await suspense.apply(street.house, held.id, actor=CHITRA)
    assert held.deposit_amount and (await street.kept(held.id))["customer_deposits"] == -(held.deposit_amount + 50)
    await sound(street)


async def test_it_is_applied_once_though_two_press_at_once(street: Street) -> None:
    held = await street.asha_holds()
    await another_amount(street, held.total_price + 1, held)
    answers = await asyncio.gather(
        suspense.apply(street.house, held.id, actor=CHITRA), suspense.apply(street.house, held.id, actor=DEVI),
        send_back(street, held.id), return_exceptions=True,
    )  # fmt: skip
    assert all(not isinstance(answer, BaseException) or isinstance(answer, Refusal) for answer in answers)
    await sound(street)
    with pytest.raises(Refusal):
        await suspense.apply(street.house, held.id, actor=CHITRA)


@pytest.mark.parametrize("free", [True, False])
async def test_an_expired_booking_has_its_seats_again_if_they_are_free(street: Street, free: bool) -> None:
    held = await street.asha_holds(seats=2)
    started = await street.start(held.id)
    await street.later(minutes=20)
    await street.work()
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount += 1
        work.pay(intent, "play_card")
    await street.deliver()
    await street.work()
    if free:
        await suspense.apply(street.house, held.id, actor=CHITRA)
        assert await status_of(street.db, held.id) == "confirmed"
    else:
        await hold(street.db, held.departure_id, name="Ben Rao", email="ben@example.org")
        with pytest.raises(Conflict, match="sold_out"):
            await suspense.apply(street.house, held.id, actor=CHITRA)
        assert await status_of(street.db, held.id) == "expired"
    assert await seats_taken(street.db, held.departure_id) == 2
    await sound(street)


async def test_money_for_a_booking_that_was_given_up_or_is_paid_or_disputed_is_not_applied(street: Street) -> None:
    held = await another_amount(street, 600)
    with pytest.raises(NotFound, match="booking_not_found"):
        await suspense.apply(street.house, uuid7(), actor=CHITRA)
    async with street.bank.bank.work() as work:
        work.dispute(work.all(Intent)[0])
    await street.deliver()
    await street.work()
    with pytest.raises(Conflict, match="disputed"):
        await suspense.apply(street.house, held.id, actor=CHITRA)
    other = await street.asha_holds(special_requests="")
    with pytest.raises(NotFound, match="nothing_in_suspense"):
        await suspense.apply(street.house, other.id, actor=CHITRA)
    await another_amount_beside(street, other, 600)
    await payments.give_up(street.house, other.id, actor="guest")
    with pytest.raises(Conflict, match="booking_ended"):
        await suspense.apply(street.house, other.id, actor=CHITRA)
    third = await street.asha_holds()
    await another_amount_beside(street, third, 600)
    await street.asha_pays(third.id)
    with pytest.raises(Conflict, match="already_paid"):
        await suspense.apply(street.house, third.id, actor=CHITRA)


async def another_amount_beside(street: Street, held: bookings.Held, amount: int) -> None:
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount = amount
        work.pay(intent, "play_card")
    await street.deliver()
    await street.work()


async def test_what_is_previewed_is_what_happens(street: Street) -> None:
    held = await street.asha_holds()
    await another_amount(street, held.total_price + 500, held)
    async with street.db.transaction() as conn:
        booking = await bookings.get(conn, held.id)
        assert booking is not None
        seen = await suspense.preview(conn, booking)
    assert await suspense.apply(street.house, held.id, actor=CHITRA) == seen


# -- settling ----------------------------------------------------------------------------------------------------------


async def refused(street: Street, concern_id: UUID) -> str:
    with pytest.raises(Conflict) as refusal:
        await settle(street, concern_id)
    assert refusal.value.code == "money_still_lies"
    return refusal.value.sentence


async def test_nobody_settles_what_alone_tells_of_money_in_suspense(street: Street) -> None:
    held = await another_amount(street, 600)
    assert "Apply it to the booking or send it back" in await refused(street, await concern(street))
    await sound(street)
    await send_back(street, held.id)
    assert await street.one(OPEN) == ""
    await sound(street)


async def test_of_two_concerns_about_the_same_money_one_may_be_settled(street: Street) -> None:
    await another_amount(street, 600)
    attempt = await street.one("SELECT id FROM transactions")
    await payments.report_difference(street.house, attempt, "gateway_refused_lookup", {})
    both = await street.one("SELECT array_agg(id) FROM anomalies WHERE resolved_at IS NULL")
    outcomes = await asyncio.gather(*(settle(street, each) for each in both), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "NoneType"]
    await sound(street)


async def test_nobody_settles_what_alone_tells_of_money_that_is_owed(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    street.faults.refund_fails = 1
    await ask(street, held.id, 40_000)
    await street.later(days=2)
    await street.deliver()
    await street.work()
    assert "how it was paid" in await refused(street, await concern(street))
    await sound(street)


async def test_nobody_settles_what_alone_tells_that_a_booking_keeps_more_than_it_costs(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    street.faults.refund_pending = street.faults.refund_fails = 1
    await ask(street, held.id, 40_000)
    await street.later(days=2)
    await street.deliver()
    await street.work()
    assert "beyond its price" in await refused(street, await concern(street))
    assert (await ask(street, held.id, 40_000)).status == "completed"
    assert await street.one(OPEN) == ""
    await sound(street)


async def test_a_second_person_stands_between_suspense_and_a_large_return(street: Street) -> None:
    held = await another_amount(street, 600_000)
    two_people_above(street, 100)
    asked = await send_back(street, held.id)
    assert asked.status == "waiting"
    assert await street.one(OPEN) == "amount_mismatch refund_waits"
    assert (await desk.approve(street.house, asked.request.id, actor=DEVI)).status == "completed"
    assert await street.one(OPEN) == ""
    await sound(street)


async def test_money_in_suspense_goes_back_through_the_payment_that_brought_it(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await another_amount(street, 700, held)
    await street.asha_pays(held.id)
    await send_back(street, held.id)
    async with street.bank.bank.work() as work:
        (refund,) = work.all(Refund)
        assert (refund.amount, refund.intent) == (700, work.all(Intent)[0].id)
    await sound(street)


async def test_another_currency_goes_back_at_the_gateway_and_is_booked_by_itself(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.currency, intent.amount = "USD", 900
        work.pay(intent, "play_card")
    await street.deliver()
    await street.work()
    assert await street.one(OPEN) == "currency_mismatch"
    assert "send it back" in await refused(street, await concern(street))
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, started.transaction.ref or ""), 900, {})
    await street.deliver()
    await street.work()
    assert await street.one(OPEN) == ""
    assert await street.kept(held.id) == {}
    await sound(street)
