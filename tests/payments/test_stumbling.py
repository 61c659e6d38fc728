"""One payment that cannot be booked is nobody else's trouble: the others go on, it comes back ever more rarely, and in the end a person is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import bookings, payments, reconciliation
from jklg.kit.errors import Unavailable
from jklg.kit.ids import uuid7
from jklg.payments import desk, refunds
from jklg.payments import jobs as payment_jobs
from jklg.payments import queries as payment_queries
from jklg.payments.stumbles import alone
from jklg.sandbox.things import Intent, Refund
from tests.payments.conftest import Street
from tests.payments.desk.test_refunds_by_staff import CHITRA, sound
from tests.payments.test_cut_connections import WAITING

OPEN = "SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM anomalies WHERE resolved_at IS NULL"


async def spoil(street: Street, attempt: UUID) -> None:
    """From now on the database refuses every word about this attempt, for a reason that nobody has thought of."""
    await as_owner(
        street,
        f"""
        CREATE FUNCTION spoilt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.transaction_id = '{attempt}' THEN RAISE EXCEPTION 'spoilt'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER spoilt BEFORE INSERT ON gateway_facts FOR EACH ROW EXECUTE FUNCTION spoilt();
        """,
    )


async def mend(street: Street) -> None:
    await as_owner(street, "DROP TRIGGER spoilt ON gateway_facts")


async def as_owner(street: Street, sql: str) -> None:
    conn = await asyncpg.connect(street.owner_url)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


async def two_attempts(street: Street) -> tuple[payments.Transaction, payments.Transaction]:
    """Asha's, which will be spoilt, and Ben's, which was begun after hers. Nobody tells the house of what happens to them."""
    street.faults.lose_webhooks = 10_000
    ashas = (await street.start((await street.asha_holds()).id)).transaction
    bens = (await street.start((await street.asha_holds(name="Ben Rao", email="ben@example.org")).id)).transaction
    return ashas, bens


async def state(street: Street, attempt: payments.Transaction) -> str:
    return str(await street.one("SELECT state FROM transactions WHERE id = $1", attempt.id))


async def test_whoever_stumbles_waits_for_who_settles_and_not_the_other_way_round(
    street: Street, server_admin: Any
) -> None:
    """Found by the simulation: the stumble had the attempt's lock and wanted the booking's, whoever settled had it the right way round."""
    attempt = (await street.start((await street.asha_holds()).id)).transaction

    async def goes_wrong() -> None:
        raise RuntimeError("nobody has thought of this")

    async with street.house.db.transaction() as conn:
        await bookings.lock(conn, attempt.booking_id)
        stumbling = asyncio.create_task(alone(street.house, attempt.id, goes_wrong()))
        for _ in range(1000):
            if await server_admin.fetchval(WAITING):
                break
            await asyncio.sleep(0.01)
        await payment_queries.lock(conn, attempt.id)
    assert await stumbling is None
    assert await street.one("SELECT stumbles FROM transactions WHERE id = $1", attempt.id) == 1


async def test_the_poller_goes_on_to_the_next(street: Street) -> None:
    ashas, bens = await two_attempts(street)
    for each in (ashas, bens):
        await street.pays(each.ref or "")
    await spoil(street, ashas.id)
    await street.later(minutes=1)
    assert await payment_jobs.settle_due(street.house) == 2
    assert (await state(street, ashas), await state(street, bens)) == ("requires_payment_method", "succeeded")
    await mend(street)
    await street.later(minutes=1)
    await payment_jobs.settle_due(street.house)
    assert await state(street, ashas) == "succeeded"
    assert await street.one("SELECT max(stumbles) FROM transactions") == 0
    await sound(street)


async def test_the_closer_goes_on_to_the_next(street: Street) -> None:
    ashas, bens = await two_attempts(street)
    await spoil(street, ashas.id)
    await street.later(minutes=20)
    await payment_jobs.close_overdue(street.house)
    assert (await state(street, ashas), await state(street, bens)) == ("requires_payment_method", "canceled")
    assert await payment_jobs.close_overdue(street.house) == 0, "hers has its time, too"
    await mend(street)
    await street.later(minutes=3)
    await payment_jobs.close_overdue(street.house)
    assert await state(street, ashas) == "canceled"


async def test_the_refunds_go_on_to_the_next(street: Street) -> None:
    ashas, bens = await two_attempts(street)
    for each in (ashas, bens):
        await street.pays(each.ref or "")
        await payments.settle(street.house, each.id, source="return")
    street.faults.only, street.faults.error_before = "POST /v1/refunds", 2
    for each in (ashas, bens):
        await desk.ask_refund(
            street.house, request_id=uuid7(), transaction_id=each.id, amount=700, reason="goodwill", actor=CHITRA
        )
    await spoil(street, ashas.id)
    await street.later(minutes=10)
    await refunds.send_due(street.house)
    assert await street.one("SELECT array_agg(state ORDER BY created_at) FROM refunds") == ["reserved", "succeeded"]
    await mend(street)
    await street.later(minutes=10)
    await refunds.send_due(street.house)
    assert await street.one("SELECT array_agg(state ORDER BY created_at) FROM refunds") == ["succeeded", "succeeded"]
    async with street.bank.bank.work() as work:
        assert len(work.all(Refund)) == 2
    await sound(street)


async def test_who_asks_for_a_refund_is_told_that_it_is_under_way_whatever_becomes_of_the_answer(
    street: Street,
) -> None:
    held = await street.asha_holds()
    await spoil(street, await street.asha_pays(held.id))
    asked = await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=700, reason="goodwill", actor=CHITRA
    )
    assert asked.status == "pending"


async def test_the_comparison_goes_on_to_the_next_and_does_not_come_back_for_it(street: Street) -> None:
    ashas, bens = await two_attempts(street)
    async with street.bank.bank.work() as work:
        for each in (bens, ashas):  # the newest is listed first
            intent = work.get(Intent, each.ref or "")
            work.pay(intent, "play_card")
    await spoil(street, bens.id)
    await street.later(minutes=10)
    await reconciliation.reconcile_due(street.house)
    assert (await state(street, ashas), await state(street, bens)) == ("succeeded", "requires_payment_method")
    done_at = await street.one("SELECT done_at FROM reconciliation_watermarks WHERE task = 'attempts'")
    await street.later(hours=2)
    await reconciliation.reconcile_due(street.house)
    assert await street.one("SELECT done_at FROM reconciliation_watermarks WHERE task = 'attempts'") > done_at


@pytest.mark.parametrize("work", [payment_jobs.settle_due, payment_jobs.close_overdue])
async def test_it_comes_back_ever_more_rarely_until_a_person_is_told(
    street: Street, work: Callable[[Any], Awaitable[int]]
) -> None:
    ashas, _ = await two_attempts(street)
    await street.pays(ashas.ref or "")
    await spoil(street, ashas.id)
    await street.later(minutes=20)
    tried = 0
    for _ in range(120):
        await work(street.house)
        tried = await street.one("SELECT max(stumbles) FROM transactions")
        await street.later(minutes=1)
    assert 8 <= tried < 14
    assert "cannot_be_settled" in await street.one(OPEN)
    assert "spoilt" in await street.one("SELECT detail ->> 'error' FROM anomalies WHERE kind = 'cannot_be_settled'")
    await mend(street)
    await street.later(hours=7)
    await payment_jobs.settle_due(street.house)
    assert await street.one(OPEN) == "", "it has settled itself"
    assert await state(street, ashas) == "succeeded"


async def test_money_sent_back_there_and_promised_here_at_once_finds_its_end(street: Street) -> None:
    """There is not enough for both. The bank has made theirs, so ours is refused, and then theirs fits. Who looks meanwhile is asked to
    wait, and does not meet a bug: found by the simulation, in seed 5097."""
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    street.faults.lose_webhooks = 10_000
    street.faults.only, street.faults.error_before = "POST /v1/refunds", 1
    await desk.ask_refund(
        street.house,
        request_id=uuid7(),
        booking_id=held.id,
        amount=held.total_price - 700,
        reason="goodwill",
        actor=CHITRA,
    )
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, work.all(Intent)[0].id), 9_000, {})
    await as_owner(
        street, 'SET request.jwt.claims = \'{"role": "system"}\'; UPDATE transactions SET check_at = house_now()'
    )
    await street.later(seconds=2)
    await payment_jobs.settle_due(street.house)
    assert await street.one("SELECT max(stumbles) FROM transactions") == 1
    attempt = await street.one("SELECT id FROM transactions")
    with pytest.raises(Unavailable) as waits:
        await payments.settle(street.house, attempt, source="return")
    assert waits.value.code == "refunds_collide"
    for _ in range(3):
        await street.later(minutes=10)
        await street.work()
    assert await street.one("SELECT array_agg(state ORDER BY created_at) FROM refunds") == ["failed", "succeeded"]
    assert await street.one("SELECT max(stumbles) FROM transactions") == 0
    assert await street.balance("gateway_clearing:sandbox") == held.total_price - 9_000
    await sound(street)
