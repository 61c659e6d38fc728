"""Money that a payer approved is taken while her booking wants it, once, and left alone otherwise: payments.md 1.9, H08, X01-X08."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import bookings, payments
from jklg.kit import failpoints
from jklg.kit.failpoints import Crashed
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.sandbox.bank import Intent
from tests.payments.conftest import Street
from tests.trade import TERMS, hold, status_of


@pytest.fixture
def waiting_street(street: Street) -> Street:
    """A street whose bank sets money aside until the house asks for it."""
    gateway = SandboxGateway(
        "http://bank.test",
        "sandbox_key",
        "sandbox_webhook_secret",
        manual_capture=True,
        client=httpx.AsyncClient(transport=httpx.ASGITransport(app=street.bank), timeout=2),
    )
    street.house.gateways = {"sandbox": gateway}
    return street


async def look(street: Street, transaction_id: UUID, source: str = "return") -> payments.Settled:
    return await payments.settle(street.house, transaction_id, source=source)


async def captures(street: Street) -> list[str]:
    rows: str = await street.one(
        "SELECT coalesce(string_agg(state, ' ' ORDER BY created_at), '') FROM gateway_commands WHERE kind = 'capture'"
    )
    return rows.split()


async def test_asha_approves_and_the_house_takes_the_money_and_confirms(waiting_street: Street) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    settled = await look(street, started.transaction.id)
    assert (settled.transaction.state, settled.booking_status) == ("succeeded", "confirmed")
    assert await street.balance("gateway_clearing:sandbox") == held.total_price
    assert await captures(street) == ["done"]


async def test_the_webhook_alone_is_enough(waiting_street: Street) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    assert await captures(street) == ["done"]


@pytest.mark.parametrize("fault", ["drop_after", "error_before", "error_after", "truncate"])
async def test_a_capture_without_an_answer_is_found_out_and_taken_once(waiting_street: Street, fault: str) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    street.faults.lose_webhooks = 100
    await street.pays(started.transaction.ref or "")
    street.faults.only = "POST /v1/intents"
    setattr(street.faults, fault, 1)
    settled = await look(street, started.transaction.id)
    assert settled.capturing and settled.unknown
    assert await captures(street) == ["unknown"]
    again = await look(street, started.transaction.id)
    assert again.capturing or again.transaction.state == "succeeded"
    await street.later(minutes=1)
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    assert await street.balance("gateway_clearing:sandbox") == held.total_price
    assert await captures(street) == ["done"]


async def test_while_the_house_is_asking_nobody_else_asks(waiting_street: Street) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    street.faults.only, street.faults.error_before = "POST /v1/intents", 1
    await look(street, started.transaction.id)
    before = await street.one("SELECT attempts FROM gateway_commands WHERE kind = 'capture'")
    settled = await look(street, started.transaction.id)
    assert settled.unknown == "capture_under_way"
    assert await street.one("SELECT attempts FROM gateway_commands WHERE kind = 'capture'") == before == 1


async def test_what_asha_approves_after_her_seats_were_released_is_not_taken(waiting_street: Street) -> None:
    """H08."""
    street = waiting_street
    street.faults.late_success = 1
    held = await street.asha_holds(seats=2)
    started = await street.start(held.id)
    await street.later(minutes=20)
    await street.work()
    assert await status_of(street.db, held.id) == "expired"
    await hold(street.db, held.departure_id, name="Ben Rao", email="ben@example.org")
    await street.later(minutes=1)
    await street.deliver()  # the bank has set the money aside after all
    await street.work()
    assert await captures(street) == []
    (intent,) = await street.intents()
    assert (intent.status, intent.amount_received) == ("canceled", 0)  # given back to her at once
    assert (await look(street, started.transaction.id)).transaction.captured == 0
    assert await street.balance("gateway_clearing:sandbox") == 0


async def test_what_is_approved_while_she_cancels_is_not_taken(waiting_street: Street) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await payments.give_up(street.house, held.id, actor="guest")
    assert await captures(street) == []
    (intent,) = await street.intents()
    assert (intent.status, intent.amount_received) == ("canceled", 0)
    assert await status_of(street.db, held.id) == "cancelled"


async def test_for_a_booking_that_ended_nothing_is_taken_though_its_payment_is_still_open(
    waiting_street: Street,
) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    async with street.db.transaction() as conn:
        await bookings.cancel(conn, held.id, actor="staff")
    await look(street, started.transaction.id)
    await street.work()
    assert await captures(street) == []
    (intent,) = await street.intents()
    assert (intent.status, intent.amount_received) == ("canceled", 0)


@pytest.mark.parametrize("asked", ["without an answer", "not yet"])
async def test_what_was_asked_for_before_she_gave_up_is_not_asked_for_again(waiting_street: Street, asked: str) -> None:
    """It was: our word was sent again until it was heard, and what it took went back to her after days."""
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    street.faults.lose_webhooks = 100
    await street.pays(started.transaction.ref or "")
    if asked == "not yet":
        failpoints.arm("after_apply_commit:crash")
        with pytest.raises(Crashed):
            await look(street, started.transaction.id)
        failpoints.arm("")
    else:
        street.faults.only, street.faults.error_before = "POST /v1/intents", 1
        assert (await look(street, started.transaction.id)).capturing
    assert await captures(street) == ["pending" if asked == "not yet" else "unknown"]
    async with street.db.transaction() as conn:
        await bookings.cancel(conn, held.id, actor="staff")
    await street.later(minutes=3)
    await street.work()
    (intent,) = await street.intents()
    assert (intent.status, intent.amount_received) == ("canceled", 0)
    assert await street.one("SELECT state FROM transactions") == "canceled"
    assert await captures(street) == ["rejected"]
    assert await street.one("SELECT count(*) FROM anomalies WHERE resolved_at IS NULL") == 0


async def test_another_amount_than_was_asked_for_is_not_taken_and_shown_to_a_person(waiting_street: Street) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    async with street.bank.bank.work() as work:
        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount_capturable -= 1
        work.put(intent)
    await look(street, started.transaction.id)
    assert await captures(street) == []
    assert await street.one("SELECT kind FROM anomalies") == "capture_mismatch"


@pytest.mark.parametrize(
    "where", ["after_intent_commit", "after_gateway_answer", "before_apply_commit", "after_apply_commit"]
)
async def test_a_crash_anywhere_in_a_capture_is_healed(waiting_street: Street, where: str) -> None:
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    street.faults.lose_webhooks = 100
    await street.pays(started.transaction.ref or "")
    failpoints.arm(f"{where}:crash")
    with pytest.raises(Crashed):
        await look(street, started.transaction.id)
    failpoints.arm("")
    await street.later(minutes=3)
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    assert await street.balance("gateway_clearing:sandbox") == held.total_price
    assert await captures(street) == ["done"]


async def test_a_key_that_may_have_lapsed_is_not_sent_again_and_the_attempt_is_closed(waiting_street: Street) -> None:
    """Found by the simulation: PayPal was silent for five hours, and her seats were hers for ever."""
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    street.faults.only, street.faults.error_before = "POST /v1/intents", 1
    await look(street, started.transaction.id)
    street.clock.ahead += timedelta(hours=20)
    settled = await look(street, started.transaction.id)
    assert settled.unknown is None and settled.transaction.captured == 0
    assert await captures(street) == ["rejected"]
    assert await street.one("SELECT kind FROM anomalies WHERE resolved_by = 'system'") == "capture_unknown"
    await street.work()
    assert await status_of(street.db, held.id) == "expired"
    assert [intent.status for intent in await street.intents()] == ["canceled"]


async def test_who_comes_back_after_a_silent_day_may_still_pay(waiting_street: Street) -> None:
    """Her balance; nothing runs out."""
    street = waiting_street
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    street.faults.only, street.faults.error_before = "POST /v1/intents", 1
    await look(street, started.transaction.id)
    street.clock.ahead += timedelta(hours=20)
    await look(street, started.transaction.id, "poll")
    settled = await look(street, started.transaction.id)
    assert settled.transaction.state == "succeeded"
    assert await captures(street) == ["done", "rejected", "done"]


async def test_only_the_four_things_that_we_ask_of_gateways_are_written_as_commands(waiting_street: Street) -> None:
    street = waiting_street
    started = await street.start((await street.asha_holds()).id)
    with pytest.raises(asyncpg.CheckViolationError, match="gateway_commands_kind_check"):
        await street.one(
            "INSERT INTO gateway_commands (id, transaction_id, kind, request_key) VALUES (gen_random_uuid(), $1, 'dance', 'd')",
            started.transaction.id,
        )


async def test_a_capture_that_nobody_answered_is_over_when_the_attempt_is(waiting_street: Street) -> None:
    """Found by the simulation: it stood there as unknown for ever."""
    street = waiting_street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    street.faults.only, street.faults.error_before = "POST /v1/intents", 1
    await look(street, started.transaction.id)
    assert await captures(street) == ["unknown"]
    await payments.cancel_attempt(street.house, started.transaction.id, actor="guest")
    await street.work()
    assert await street.one("SELECT state FROM transactions") == "canceled"
    assert await captures(street) == ["rejected"]


async def test_a_capture_that_was_done_after_the_attempt_had_ended_here_is_done(waiting_street: Street) -> None:
    street = waiting_street
    held = await street.asha_holds(seats=2)
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    street.faults.only, street.faults.error_before, street.faults.late_success = "POST /v1/intents", 1, 1
    await look(street, started.transaction.id)
    await payments.cancel_attempt(street.house, started.transaction.id, actor="guest")
    assert await captures(street) == ["rejected"]
    async with street.bank.bank.work() as work:  # our call had been on its way all the time
        intent = work.get(Intent, started.transaction.ref or "")
        intent.capture = "automatic"
        work.pay(intent, "play_card")
    await look(street, started.transaction.id, "webhook")
    assert await street.one("SELECT state FROM transactions") == "succeeded"
    assert await captures(street) == ["done"]
