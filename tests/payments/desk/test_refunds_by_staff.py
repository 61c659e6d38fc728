"""Staff send money back: payments.md 1.7 and 4.5, told with the play bank. Chitra and Devi work at the agency."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import msgspec
import pytest

from jklg import ledger
from jklg.kit.errors import BadInput, Conflict, Forbidden, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import actions as payment_actions
from jklg.payments import desk
from jklg.payments.books import CHECKS
from jklg.sandbox.bank import Intent, Refund
from tests import invariants
from tests.conftest import SECRET
from tests.payments.conftest import Street
from tests.trade import TERMS

CHITRA, DEVI = f"staff:{UUID(int=1)}", f"staff:{UUID(int=2)}"


async def ask(street: Street, booking_id: UUID, amount: int | None, *, actor: str = CHITRA) -> desk.Asked:
    return await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=booking_id, amount=amount, reason="goodwill", actor=actor
    )


async def sent_at_the_bank(street: Street) -> list[int]:
    async with street.bank.bank.work() as work:
        return sorted(refund.amount for refund in work.all(Refund))


async def sound(street: Street) -> None:
    """The books and the invariants have nothing to say."""
    await ledger.seal(street.db, SECRET)
    assert (await ledger.verify(street.db, CHECKS, keys=[SECRET])).broken == {}
    async with street.db.transaction() as conn:
        assert await invariants.broken(conn) == []


def two_people_above(street: Street, rupees: int) -> None:
    street.house.settings = replace(street.house.settings, refund_alone=(("INR", rupees),))


async def test_parts_go_back_until_nothing_is_left_and_then_not_a_cent_more(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    third = held.total_price // 3
    for amount in (third, third, held.total_price - 2 * third):
        assert (await ask(street, held.id, amount)).status == "completed"
    with pytest.raises(Refusal) as refusal:
        await ask(street, held.id, 1)
    assert refusal.value.code == "nothing_paid"
    assert await sent_at_the_bank(street) == sorted([third, third, held.total_price - 2 * third])
    booking = await street.booking(held.id)
    assert (booking.status, booking.payment_status, booking.price) == ("confirmed", "Refunded", 0)
    assert await street.kept(held.id) == {}


async def test_what_was_sent_back_out_of_goodwill_is_not_asked_for_again(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    await ask(street, held.id, 100_000)
    booking = await street.booking(held.id)
    assert (booking.price, booking.payment_status) == (held.total_price - 100_000, "Paid")
    with pytest.raises(Conflict, match="already_paid"):
        await street.start(held.id)


async def test_twenty_at_once_never_send_back_more_than_came(street: Street) -> None:
    held = await street.asha_holds(party={"adult": 1}, special_requests="")
    await street.asha_pays(held.id)
    each = held.total_price // 14
    answers = await asyncio.gather(*(ask(street, held.id, each) for _ in range(20)), return_exceptions=True)
    accepted = [answer for answer in answers if isinstance(answer, desk.Asked)]
    assert len(accepted) == 14
    assert all(isinstance(answer, (desk.Asked, BadInput, NotFound)) for answer in answers)
    assert await sent_at_the_bank(street) == [each] * 14


async def test_nothing_that_makes_no_sense_reaches_the_bank(street: Street) -> None:
    held = await street.asha_holds()
    with pytest.raises(NotFound, match="nothing_paid"):
        await ask(street, held.id, None)
    await street.asha_pays(held.id)
    for amount in (0, -1):
        with pytest.raises(BadInput, match="amount_invalid"):
            await ask(street, held.id, amount)
    with pytest.raises(BadInput, match="refund_exceeds_captured"):
        await ask(street, held.id, held.total_price + 1)
    with pytest.raises(NotFound, match="booking_not_found"):
        await ask(street, uuid7(), 5)
    with pytest.raises(BadInput, match="reason_missing"):
        await desk.ask_refund(street.house, request_id=uuid7(), booking_id=held.id, reason=" ", actor=CHITRA)
    assert await sent_at_the_bank(street) == []


async def test_asked_twice_under_one_id_it_is_sent_once(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    request_id = uuid7()
    asked = [
        await desk.ask_refund(
            street.house, request_id=request_id, booking_id=held.id, amount=5_000, reason="goodwill", actor=CHITRA
        )
        for _ in range(2)
    ]
    assert asked[0].refund_ids == asked[1].refund_ids
    assert await sent_at_the_bank(street) == [5_000]


async def test_a_refund_goes_through_several_payments_the_newest_first(street: Street) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    assert held.deposit_amount
    first = await street.asha_pays(held.id)
    second = await street.asha_pays(held.id)
    balance = held.total_price - held.deposit_amount
    asked = await ask(street, held.id, balance + 700)
    assert asked.status == "completed" and len(asked.refund_ids) == 2
    assert await sent_at_the_bank(street) == sorted([700, balance])
    assert await street.one("SELECT refund_amount FROM transactions WHERE id = $1", second) == balance
    assert await street.one("SELECT refund_amount FROM transactions WHERE id = $1", first) == 700


async def test_while_the_bank_decides_nothing_is_sent_back(street: Street) -> None:
    held = await street.asha_holds()
    street.faults.dispute = 1
    await street.asha_pays(held.id)
    await street.deliver()
    await street.work()
    with pytest.raises(Conflict, match="disputed"):
        await ask(street, held.id, 100)
    assert await sent_at_the_bank(street) == []


async def test_a_lost_answer_keeps_the_money_reserved_and_is_sent_once(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    street.faults.only = "POST /v1/refunds"
    street.faults.drop_after = 1
    assert (await ask(street, held.id, 40_000)).status == "pending"
    with pytest.raises(BadInput, match="refund_exceeds_captured"):
        await ask(street, held.id, held.total_price - 39_999)
    await street.later(minutes=10)
    await street.work()
    assert await sent_at_the_bank(street) == [40_000]
    assert (await street.kept(held.id))["customer_deposits"] == -(held.total_price - 40_000)


async def test_a_refund_that_fails_later_is_owed_shown_and_may_be_sent_again(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    street.faults.refund_fails = 1
    await ask(street, held.id, 40_000)
    await street.later(days=2)
    await street.deliver()
    await street.work()
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_failed' AND resolved_at IS NULL") == 1
    assert (await street.kept(held.id))["refunds_owed"] == -40_000
    assert (await street.booking(held.id)).price == held.total_price - 40_000
    assert (await ask(street, held.id, 40_000)).status == "completed"
    assert await sent_at_the_bank(street) == [40_000, 40_000]
    assert (await street.booking(held.id)).price == held.total_price - 40_000, "it was given up once"
    assert await street.kept(held.id) == {
        "customer_deposits": -(held.total_price - 40_000),
        "gateway_clearing:sandbox": held.total_price - 40_000,
    }
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_failed' AND resolved_at IS NULL") == 0
    await sound(street)


async def test_what_the_gateway_made_after_a_failure_is_heard_after_the_failure(street: Street) -> None:
    """Razorpay lists the newest refund first: it only fits where the older one has made room. Found by the orders of the news."""
    held = await street.asha_holds()
    attempt = await street.asha_pays(held.id)
    street.faults.refund_fails = 1
    await ask(street, held.id, None)
    await street.later(days=2)
    ref = (await street.intents())[0].id
    async with street.bank.bank.work() as work:
        work.ripen()
        work.refund(work.get(Intent, ref), held.total_price, {})
    told = await street.house.gateways["sandbox"].fetch(ref)
    newest_first = msgspec.structs.replace(told, refunds=told.refunds[::-1])
    assert [refund.state for refund in newest_first.refunds] == ["succeeded", "failed"]
    async with street.db.transaction() as conn:
        await payment_actions.merge(conn, attempt, newest_first, "poll")
    assert await street.one("SELECT array_agg(state ORDER BY state) FROM refunds") == ["failed", "succeeded"]
    assert await street.balance("gateway_clearing:sandbox") == 0
    assert await street.kept(held.id) == {}
    await sound(street)


async def test_above_the_limit_somebody_else_has_to_look(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    two_people_above(street, 1_000)
    asked = await ask(street, held.id, 100_001)
    assert asked.status == "waiting"
    assert await sent_at_the_bank(street) == []
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_waits' AND resolved_at IS NULL") == 1
    with pytest.raises(Forbidden, match="four_eyes"):
        await desk.approve(street.house, asked.request.id, actor=CHITRA)
    assert (await desk.approve(street.house, asked.request.id, actor=DEVI)).status == "completed"
    assert await sent_at_the_bank(street) == [100_001]
    with pytest.raises(Conflict, match="request_decided"):
        await desk.refuse(street.house, asked.request.id, actor=DEVI)
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'refund_waits' AND resolved_at IS NULL") == 0


async def test_several_small_refunds_are_one_large_one(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    two_people_above(street, 1_000)
    assert (await ask(street, held.id, 60_000)).status == "completed"
    assert (await ask(street, held.id, 60_000, actor=DEVI)).status == "waiting"


async def test_what_is_refused_is_not_sent(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    two_people_above(street, 10)
    asked = await ask(street, held.id, 50_000)
    assert (await desk.refuse(street.house, asked.request.id, actor=CHITRA)).status == "refused"
    await street.work()
    assert await sent_at_the_bank(street) == []
    assert (await street.booking(held.id)).price == held.total_price


async def test_two_who_agree_at_once_send_it_once(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    two_people_above(street, 10)
    asked = await ask(street, held.id, 50_000)
    answers = await asyncio.gather(
        *(desk.approve(street.house, asked.request.id, actor=f"staff:{UUID(int=n)}") for n in range(5, 10)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, desk.Asked) for answer in answers) == 1
    assert await sent_at_the_bank(street) == [50_000]


async def test_after_the_journey_money_goes_back_out_of_what_was_earned(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    await street.later(days=120)
    await street.work()
    assert (await street.booking(held.id)).status == "completed"
    assert (await ask(street, held.id, 5_000)).status == "completed"
    assert (await street.kept(held.id))["travel_revenue"] == -(held.total_price - 5_000)
