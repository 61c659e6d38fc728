"""A refund that did not arrive is owed: it is sent again, or paid another way, or sent back at the gateway; each once (payments.md 1.3, R08)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from jklg import bookings
from jklg.kit.errors import BadInput, Conflict, Forbidden, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import cancellations, desk
from jklg.sandbox.bank import Intent
from tests.payments.conftest import Street
from tests.payments.desk.test_refunds_by_staff import CHITRA, DEVI, ask, sent_at_the_bank, sound, two_people_above
from tests.trade import TERMS

OPEN_FAILURES = "SELECT count(*) FROM anomalies WHERE kind = 'refund_failed' AND resolved_at IS NULL"


async def owed_to_asha(street: Street, amount: int | None = 40_000) -> bookings.Held:
    """She was sent so much, and two days later it came back: her account is closed."""
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    street.faults.refund_fails = 1
    await ask(street, held.id, amount)
    await street.later(days=2)
    await street.deliver()
    await street.work()
    assert (await street.kept(held.id))["refunds_owed"] == -(amount or held.total_price)
    return held


async def pay(
    street: Street, booking_id: UUID, amount: int | None = None, *, method: str = "cash", note: str = "receipt 17",
    actor: str = CHITRA, request_id: UUID | None = None,
) -> desk.Asked:  # fmt: skip
    return await desk.pay_owed(
        street.house,
        request_id=request_id or uuid7(),
        booking_id=booking_id,
        amount=amount,
        method=method,
        note=note,
        actor=actor,
    )


async def test_what_is_owed_is_paid_another_way_and_written_down(street: Street) -> None:
    held = await owed_to_asha(street)
    asked = await pay(street, held.id)
    assert (asked.status, asked.request.amount, asked.request.paid_by, asked.request.reason) == (
        "completed", 40_000, "cash", "receipt 17",
    )  # fmt: skip
    assert await street.kept(held.id) == {
        "customer_deposits": -(held.total_price - 40_000),
        "gateway_clearing:sandbox": held.total_price,
        "gateway_clearing:manual": -40_000,
    }
    assert await sent_at_the_bank(street) == [40_000]
    assert await street.one(OPEN_FAILURES) == 0
    assert await street.one("SELECT actor FROM history WHERE action = 'refund.paid_another_way'") == CHITRA
    assert (await street.booking(held.id)).price == held.total_price - 40_000
    await sound(street)


async def test_a_part_may_be_paid_and_the_rest_stays_before_a_person(street: Street) -> None:
    held = await owed_to_asha(street)
    await pay(street, held.id, 15_000, method="bank_transfer")
    assert (await street.kept(held.id))["refunds_owed"] == -25_000
    assert await street.one(OPEN_FAILURES) == 1
    await sound(street)
    assert (await ask(street, held.id, 25_000)).status == "completed"
    assert await street.one(OPEN_FAILURES) == 0
    await sound(street)


async def test_nobody_is_paid_more_than_is_owed_nor_twice(street: Street) -> None:
    held = await owed_to_asha(street)
    with pytest.raises(BadInput, match="method_invalid"):
        await pay(street, held.id, method="shells")
    with pytest.raises(BadInput, match="reason_missing"):
        await pay(street, held.id, note=" ")
    with pytest.raises(BadInput, match="more_than_owed"):
        await pay(street, held.id, 40_001)
    with pytest.raises(BadInput, match="amount_invalid"):
        await pay(street, held.id, 0)
    with pytest.raises(NotFound, match="booking_not_found"):
        await pay(street, uuid7())
    once = uuid7()
    assert [(await pay(street, held.id, request_id=once)).status for _ in range(2)] == ["completed", "completed"]
    with pytest.raises(NotFound, match="nothing_owed"):
        await pay(street, held.id)
    assert await street.balance("gateway_clearing:manual") == -40_000


async def test_paid_and_sent_again_in_the_same_moment_it_goes_out_once(street: Street) -> None:
    held = await owed_to_asha(street, None)
    answers = await asyncio.gather(
        *(pay(street, held.id) for _ in range(3)),
        *(ask(street, held.id, None) for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, desk.Asked) for answer in answers) == 1
    assert all(isinstance(answer, (desk.Asked, Refusal)) for answer in answers)
    await sound(street)


async def test_above_the_limit_somebody_else_has_to_agree_before_it_is_paid(street: Street) -> None:
    held = await owed_to_asha(street)
    two_people_above(street, 100)
    asked = await pay(street, held.id)
    assert asked.status == "waiting"
    assert (await street.kept(held.id))["refunds_owed"] == -40_000
    with pytest.raises(Forbidden, match="four_eyes"):
        await desk.approve(street.house, asked.request.id, actor=CHITRA)
    assert (await desk.approve(street.house, asked.request.id, actor=DEVI)).status == "completed"
    assert await street.balance("gateway_clearing:manual") == -40_000
    assert await sent_at_the_bank(street) == [40_000]
    await sound(street)


async def test_small_payments_by_hand_count_as_one_large_one(street: Street) -> None:
    held = await owed_to_asha(street)
    two_people_above(street, 250)
    assert (await pay(street, held.id, 20_000)).status == "completed"
    assert (await pay(street, held.id, 20_000, actor=DEVI)).status == "waiting"


async def test_what_somebody_has_paid_meanwhile_cannot_be_agreed_to(street: Street) -> None:
    held = await owed_to_asha(street)
    two_people_above(street, 100)
    asked = await pay(street, held.id)
    two_people_above(street, 10_000)
    await pay(street, held.id)
    with pytest.raises(NotFound, match="nothing_owed"):
        await desk.approve(street.house, asked.request.id, actor=DEVI)
    assert (await desk.refuse(street.house, asked.request.id, actor=DEVI)).status == "refused"
    await sound(street)


async def test_the_database_keeps_a_payment_by_hand_that_nobody_agreed_to_from_being_paid(street: Street) -> None:
    held = await owed_to_asha(street)
    two_people_above(street, 100)
    await pay(street, held.id)
    for change in ("paid_at = house_now()", "decision = 'approved', decided_by = 'staff:x', decided_at = house_now()"):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await street.one(f"UPDATE refund_requests SET {change} WHERE paid_by IS NOT NULL RETURNING true")
        assert refused.value.constraint_name == "refund_requests_paid_once_agreed"


async def test_the_database_pays_nothing_by_hand_but_what_is_owed(street: Street) -> None:
    held = await street.asha_holds()
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await street.one(
            "INSERT INTO refund_requests (id, booking_id, amount, currency, reason, asked_by, needs_second, paid_by, paid_at)"
            " VALUES (gen_random_uuid(), $1, 5, 'INR', 'x', 'staff:x', false, 'cash', house_now()) RETURNING true",
            held.id,
        )
    assert refused.value.constraint_name == "refund_requests_paid_of_what_is_owed"


async def test_what_is_owed_may_go_back_at_the_gateway_itself(street: Street) -> None:
    """Somebody sends it again in the gateway's own pages: it was owed, so nothing more is taken off the price."""
    held = await owed_to_asha(street)
    async with street.bank.bank.work() as work:
        work.refund(work.all(Intent)[0], 40_000, {})
    await street.deliver()
    await street.work()
    assert (await street.booking(held.id)).price == held.total_price - 40_000
    assert "refunds_owed" not in await street.kept(held.id)
    assert await street.one(OPEN_FAILURES) == 0
    await sound(street)


async def test_a_refund_at_the_gateway_that_no_account_covers_alone_is_taken_out_of_several(street: Street) -> None:
    held = await owed_to_asha(street)
    street.faults.refund_fails = 0
    async with street.bank.bank.work() as work:
        work.refund(work.all(Intent)[0], held.total_price - 10_000, {})
    await street.deliver()
    await street.work()
    assert await street.kept(held.id) == {"customer_deposits": -10_000, "gateway_clearing:sandbox": 10_000}
    assert (await street.booking(held.id)).price == 10_000
    await sound(street)


async def test_a_refund_out_of_several_accounts_that_fails_at_the_gateway_goes_back_into_them(street: Street) -> None:
    held = await owed_to_asha(street)
    street.faults.refund_pending = street.faults.refund_fails = 1
    async with street.bank.bank.work() as work:
        work.refund(work.all(Intent)[0], held.total_price - 10_000, {})
    await street.deliver()
    await street.work()
    assert await street.one("SELECT count(*) FROM refunds WHERE state = 'pending'") == 1
    await street.later(days=1)
    await street.deliver()
    await street.work()
    assert await street.one("SELECT array_agg(state) FROM refunds") == ["failed", "failed"]
    kept = await street.kept(held.id)
    assert (kept["refunds_owed"], kept["customer_deposits"]) == (-40_000, -(held.total_price - 40_000))
    await sound(street)


async def test_giving_up_sends_back_what_is_beyond_the_price_and_leaves_what_is_owed_before_a_person(
    street: Street,
) -> None:
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id, held.total_price)
    street.faults.refund_fails = 1
    await ask(street, held.id, 40_000)
    await street.later(days=2)
    await street.deliver()
    await street.work()
    await cancellations.cancel(street.house, held.id, actor="guest")
    await street.work()
    assert await street.kept(held.id) == {"refunds_owed": -40_000, "gateway_clearing:sandbox": 40_000}
    assert await street.one(OPEN_FAILURES) == 1
    assert (await ask(street, held.id, None)).status == "completed"
    assert await street.kept(held.id) == {}
    await sound(street)


async def test_nobody_is_paid_by_hand_what_is_not_owed(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    with pytest.raises(NotFound, match="nothing_owed"):
        await pay(street, held.id)
    with pytest.raises(Conflict, match="request_reused"):
        asked = await ask(street, held.id, 5)
        other = await street.asha_holds()
        await pay(street, other.id, request_id=asked.request.id)
