"""A payment at the gateway that nobody here knows of: it is given to a booking, kept as the agency's own, or sent back there (payments.md W13)."""

from __future__ import annotations

from uuid import UUID

import pytest

from jklg import app, bookings, jobs, payments, reconciliation
from jklg.kit.errors import BadInput, Conflict, NotFound, Unavailable
from jklg.kit.ids import uuid7
from jklg.payments import suspense
from jklg.sandbox.things import Intent, Refund
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.desk.test_refunds_by_staff import CHITRA, ask, sound
from tests.payments.suspense.test_suspense import OPEN, concern, refused, settle
from tests.trade import TERMS, status_of


async def somebody_pays(street: Street, amount: int = 5_000) -> str:
    """By a link that the agency made at the bank by hand. The bank's id."""
    async with street.bank.bank.work() as work:
        intent = work.open_intent(amount, "INR", "by hand", "asha@example.org", "http://shop.test/", {})
        work.pay(intent, "play_card")
    await told(street)
    return intent.id


async def told(street: Street) -> None:
    await street.deliver()
    await street.work()


async def stranger(street: Street) -> UUID:
    assert await street.one(OPEN) == "unmatched_gateway_object"
    return await concern(street)


async def test_a_strangers_payment_is_given_to_a_booking_and_is_like_one_of_its_own(street: Street) -> None:
    held = await street.asha_holds()
    open_attempt = (await street.start(held.id)).transaction
    ref = await somebody_pays(street, held.total_price)
    attempt = await suspense.attach(street.house, await stranger(street), f" {held.reference.lower()} ", actor=CHITRA)
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status) == ("confirmed", "Paid")
    assert await street.kept(held.id) == {
        "customer_deposits": -held.total_price, "gateway_clearing:sandbox": held.total_price,
    }  # fmt: skip
    assert await street.balance("gateway_clearing:sandbox") == held.total_price
    assert await street.balance("suspense:unapplied") == 0
    assert await street.one(OPEN) == ""
    assert await street.one("SELECT state FROM transactions WHERE id = $1", open_attempt.id) == "canceled"
    await jobs.drain(street.house, app.LISTENERS)
    letters = await street.one("SELECT array_agg(kind ORDER BY kind) FROM mail_outbox")
    assert letters == ["booking_confirmed", "payment_receipt"]
    await payments.settle(street.house, attempt, source="poll")
    await sound(street)
    assert (await ask(street, held.id, 700)).status == "completed"
    async with street.bank.bank.work() as work:
        assert [(each.intent, each.amount) for each in work.all(Refund)] == [(ref, 700)]
    await sound(street)


async def test_a_strangers_payment_is_older_there_than_here_and_is_not_missed(street: Street) -> None:
    """The bank lists it on the day it was made, which was days before it became ours."""
    await somebody_pays(street, 4_999_800)
    found = await stranger(street)
    await street.later(days=2)
    held = await street.asha_holds()
    await suspense.attach(street.house, found, held.reference, actor=CHITRA)
    for _ in range(6):
        await street.later(hours=1, minutes=1)
        await reconciliation.reconcile_due(street.house)
    assert await street.one(OPEN) == ""
    await sound(street)


async def test_a_stranger_may_have_paid_a_part(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    await somebody_pays(street, 5_000)
    await suspense.attach(street.house, await stranger(street), held.reference, actor=CHITRA)
    assert held.deposit_amount and (await street.kept(held.id))["customer_deposits"] == -(held.deposit_amount + 5_000)
    await sound(street)


async def test_what_the_booking_has_no_use_for_is_not_given_to_it(street: Street) -> None:
    held = await street.asha_holds()
    await somebody_pays(street, 5_000)
    found = await stranger(street)
    with pytest.raises(NotFound, match="booking_not_found"):
        await suspense.attach(street.house, found, "K7MQ4Z", actor=CHITRA)
    with pytest.raises(NotFound, match="booking_not_found"):
        await suspense.attach(street.house, found, "x", actor=CHITRA)
    with pytest.raises(Conflict, match="not_enough"):
        await suspense.attach(street.house, found, held.reference, actor=CHITRA)
    await street.asha_pays(held.id)
    with pytest.raises(Conflict, match="money_not_wanted"):
        await suspense.attach(street.house, found, held.reference, actor=CHITRA)
    with pytest.raises(NotFound, match="concern_not_found"):
        await suspense.attach(street.house, uuid7(), held.reference, actor=CHITRA)
    street.faults.error_before = 1
    with pytest.raises(Unavailable, match="gateway_silent"):
        await suspense.attach(street.house, found, held.reference, actor=CHITRA)
    assert await street.one("SELECT count(*) FROM transactions") == 1
    await sound(street)


async def test_what_is_the_agencys_own_is_kept_with_words(street: Street) -> None:
    await somebody_pays(street)
    found = await stranger(street)
    with pytest.raises(BadInput, match="note_missing"):
        await suspense.keep(street.house, found, note=" ", actor=CHITRA)
    assert await suspense.keep(street.house, found, note="Rent of the bus", actor=CHITRA) == 5_000
    assert await street.balance("gateway_other") == -5_000
    with pytest.raises(Conflict, match="concern_settled"):
        await suspense.keep(street.house, found, note="Rent of the bus", actor=CHITRA)
    await street.later(hours=2)
    await reconciliation.reconcile_due(street.house)
    assert await street.one(OPEN) == "", "it is known by now"
    await sound(street)


async def test_what_is_sent_back_at_the_gateway_leaves_suspense_by_itself(street: Street) -> None:
    ref = await somebody_pays(street)
    assert "send it back at the gateway" in await refused(street, await stranger(street))
    await send_back_there(street, ref, 2_000)
    assert await street.balance("suspense:unapplied") == -3_000
    await send_back_there(street, ref, 3_000)
    assert await street.balance("suspense:unapplied") == 0
    assert await street.balance("gateway_clearing:sandbox") == 0
    assert await street.one(OPEN) == ""
    await sound(street)


async def send_back_there(street: Street, ref: str, amount: int) -> None:
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), amount, {})
    await told(street)


async def test_what_comes_back_again_is_told_again(street: Street) -> None:
    ref = await somebody_pays(street)
    street.faults.refund_fails = 1
    await send_back_there(street, ref, 5_000)
    assert await street.one(OPEN) == ""
    await street.later(days=1)
    await told(street)
    assert await street.balance("suspense:unapplied") == -5_000
    await stranger(street)
    await sound(street)


async def test_a_stranger_who_has_not_paid_may_be_settled_and_does_not_come_again(street: Street) -> None:
    async with street.bank.bank.work() as work:
        work.open_intent(5_000, "INR", "by hand", "asha@example.org", "http://shop.test/", {})
    await told(street)
    await settle(street, await stranger(street))
    await street.later(hours=2)
    await reconciliation.reconcile_due(street.house)
    assert await street.one(OPEN) == ""


async def test_two_strangers_are_two_concerns_and_each_tells_of_its_own_money(street: Street) -> None:
    await somebody_pays(street)
    first = await stranger(street)
    await somebody_pays(street, 700)
    await suspense.keep(street.house, first, note="Rent of the bus", actor=CHITRA)
    assert await street.balance("suspense:unapplied") == -700
    await refused(street, await stranger(street))
    await sound(street)


async def test_only_strangers_are_given_away(street: Street) -> None:
    held: bookings.Held = await street.asha_holds()
    started = await street.start(held.id)
    await payments.report_difference(street.house, started.transaction.id, "capture_unknown", {})
    for verb in (suspense.attach(street.house, await concern(street), held.reference, actor=CHITRA),
                 suspense.keep(street.house, await concern(street), note="x", actor=CHITRA)):  # fmt: skip
        with pytest.raises(Conflict, match="not_a_stranger"):
            await verb
    assert await status_of(street.db, held.id) == "held"
