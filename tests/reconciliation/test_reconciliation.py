"""The bank's webhooks never arrive. Comparing finds everything, heals what can be healed, and shows the rest once (payments.md L01, L02, L04, X02)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from jklg import ledger, reconciliation
from jklg.kit import failpoints
from jklg.payments.books import CHECKS
from jklg.sandbox.things import Event, Intent
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

OPEN_ITEMS = "SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM anomalies WHERE resolved_at IS NULL"


async def paid_and_untold(street: Street) -> str:
    """Asha has paid and everybody knows; from then on no webhook arrives. The bank's id of her payment."""
    held = await street.asha_holds()
    started = await street.start(held.id)
    ref = started.transaction.ref or ""
    await street.pays(ref)
    await street.deliver()
    await street.work()
    await reconcile(street)
    street.faults.lose_webhooks = 10**6
    return ref


async def reconcile(street: Street) -> None:
    await reconciliation.reconcile_due(street.house)
    await street.work()


async def an_hour_later(street: Street) -> None:
    await street.later(hours=1, minutes=6)
    await reconcile(street)


async def proven(street: Street) -> None:
    await street.work()
    findings = await ledger.verify(street.db, CHECKS, keys=[SECRET])
    assert findings.ok, findings.broken
    async with street.bank.bank.work() as work:
        held = sum(page["available"] for page in work.balance().values())
    assert await street.balance("gateway_clearing:sandbox") == held


async def test_a_refund_made_at_the_bank_is_found_without_any_webhook(street: Street) -> None:
    ref = await paid_and_untold(street)
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), 4_000, {})
    await street.work()
    assert await street.one("SELECT count(*) FROM refunds") == 0, "nobody looks at what is paid"
    await an_hour_later(street)
    assert await street.one("SELECT row(state, amount, origin)::text FROM refunds") == "(succeeded,4000,gateway)"
    await proven(street)


async def test_a_dispute_is_found_without_any_webhook(street: Street) -> None:
    ref = await paid_and_untold(street)
    async with street.bank.bank.work() as work:
        work.dispute(work.get(Intent, ref))
    await an_hour_later(street)
    assert await street.one("SELECT state FROM disputes") == "needs_response"
    await proven(street)


async def test_a_payment_that_nobody_told_of_is_found(street: Street) -> None:
    street.faults.lose_webhooks = 10**6
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.one("UPDATE transactions SET check_at = NULL RETURNING true")  # the poller has forgotten it, too
    assert await reconciliation.reconcile_due(street.house) == 1
    assert (await street.booking(held.id)).status == "confirmed"
    await proven(street)


async def test_money_of_an_attempt_that_is_not_ours_is_shown_once_and_lies_in_suspense(street: Street) -> None:
    street.faults.lose_webhooks = 10**6
    async with street.bank.bank.work() as work:
        stranger = work.open_intent(5_000, "INR", "not ours", "x@example.org", "http://shop.test/", {})
        work.pay(stranger, "play_card")
    for _ in range(3):
        await an_hour_later(street)
    assert await street.one(OPEN_ITEMS) == "unmatched_gateway_object"
    assert await street.balance("suspense:unapplied") == -5_000
    await proven(street)


@pytest.mark.parametrize("told", ["listed", "rung for"])
async def test_money_that_names_an_attempt_of_the_other_mode_is_none_of_that_attempts(
    street: Street, told: str
) -> None:
    """Its row cannot be asked about with these keys, so the money would be seen by nobody."""
    held, gateway = await street.asha_holds(), street.house.gateways["sandbox"]
    gateway.livemode, street.faults.error_before = True, 1
    named = (await street.start(held.id)).transaction.id
    gateway.livemode = False
    street.faults.lose_webhooks = 10**6 if told == "listed" else 0
    async with street.bank.bank.work() as work:
        theirs = work.open_intent(5_000, "INR", "", "", "", {"transaction_id": str(named)})
        work.pay(theirs, "play_card")
    if told == "rung for":
        await street.deliver()
        await street.work()
    else:
        await an_hour_later(street)
    assert "unmatched_gateway_object" in await street.one(OPEN_ITEMS)
    assert await street.balance("suspense:unapplied") == -5_000


@pytest.mark.parametrize("there", ["not at all", "unpaid"])
async def test_an_attempt_that_the_bank_does_not_have_is_shown(street: Street, there: str) -> None:
    ref = await paid_and_untold(street)
    await street.one("UPDATE transactions SET created_at = created_at - interval '200 minutes' RETURNING true")
    async with street.bank.bank.work() as work:
        known = work.get(Intent, ref)
        del work._things[Intent.kind][ref]
        if there == "unpaid":
            long_ago = known.created_at - timedelta(days=30)
            work.put(msgspec.structs.replace(known, created_at=long_ago, status="canceled", amount_received=0))
    for _ in range(2):
        await an_hour_later(street)
    assert await street.one(OPEN_ITEMS) == "missing_at_gateway"


async def test_an_attempt_of_another_amount_at_the_bank_is_shown(street: Street) -> None:
    held = await street.asha_holds()
    await street.start(held.id)
    async with street.bank.bank.work() as work:
        intent = work.all(Intent)[0]
        work.put(msgspec.structs.replace(intent, amount=intent.amount + 1))
    await an_hour_later(street)
    assert "gateway_object_mismatch" in await street.one(OPEN_ITEMS)


async def test_looking_twice_and_side_by_side_changes_nothing_more(street: Street) -> None:
    """L02."""
    ref = await paid_and_untold(street)
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), 4_000, {})
    await street.later(hours=1, minutes=6)
    found = await asyncio.gather(*(reconciliation.reconcile_due(street.house) for _ in range(6)))
    assert len([each for each in found if each]) == 1, "one of them had its turn"
    await street.work()
    assert await street.one("SELECT count(*) FROM refunds") == 1
    assert await reconciliation.reconcile_due(street.house) == 0, "not before the next hour"
    await street.later(hours=1)
    assert await reconciliation.reconcile_due(street.house) == 0, "nothing new"
    await proven(street)


async def test_an_event_that_was_delivered_is_not_filed_again(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await reconcile(street)
    await an_hour_later(street)
    async with street.bank.bank.work() as work:
        told = len(work.all(Event))
    assert await street.one("SELECT count(*) FROM webhook_inbox") == told
    assert (
        await street.one("SELECT count(*) FROM webhook_inbox WHERE origin = 'poll' OR duplicates > 0 OR collision") == 0
    )


async def test_of_two_hundred_and_fifty_none_is_missed_and_none_is_doubled(street: Street) -> None:
    """L04: three pages, and more come while we read."""
    street.faults.lose_webhooks = 10**6
    async with street.bank.bank.work() as work:
        for number in range(250):
            work.pay(work.open_intent(100 + number, "INR", "", "", "", {}), "play_card")
    fetch = street.house.gateways["sandbox"].fetch
    more = iter(range(10))

    async def and_somebody_else_pays(ref: str) -> object:
        if next(more, None) is not None:
            async with street.bank.bank.work() as work:
                work.pay(work.open_intent(7, "INR", "", "", "", {}), "play_card")
        return await fetch(ref)

    street.house.gateways["sandbox"].fetch = and_somebody_else_pays  # type: ignore[method-assign,assignment]
    await street.later(minutes=6)
    await reconciliation.reconcile_due(street.house)
    await street.later(hours=1, minutes=6)
    await reconciliation.reconcile_due(street.house)
    assert await street.one("SELECT count(*) FROM anomalies") == 260
    await proven(street)


@pytest.mark.parametrize("fault", ["error_before", "busy", "drop_after", "truncate"])
async def test_a_bank_that_does_not_answer_is_asked_again_from_where_we_stopped(street: Street, fault: str) -> None:
    ref = await paid_and_untold(street)
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), 4_000, {})
    await street.later(hours=1, minutes=6)
    setattr(street.faults, fault, 2)
    await reconciliation.reconcile_due(street.house)
    assert await street.one("SELECT count(*) FROM webhook_inbox WHERE origin = 'poll'") == 0
    await street.later(minutes=6)
    await reconcile(street)
    assert await street.one("SELECT state FROM refunds") == "succeeded"
    await proven(street)


async def test_who_is_killed_in_the_middle_of_a_page_has_done_no_harm(street: Street) -> None:
    street.faults.lose_webhooks = 10**6
    for number in range(3):
        held = await street.asha_holds(email=f"asha{number}@example.org")
        started = await street.start(held.id)
        await street.pays(started.transaction.ref or "")
    await street.later(minutes=6)
    failpoints.arm("reconcile_mid_page:raise")
    with pytest.raises(RuntimeError):
        await reconciliation.reconcile_due(street.house)
    failpoints.arm("")
    await street.later(minutes=6)
    await reconcile(street)
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 3
    await proven(street)


async def test_a_gateway_that_was_silent_for_days_is_compared_step_by_step(street: Street) -> None:
    ref = await paid_and_untold(street)
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), 4_000, {})
    await street.later(days=9)
    await reconcile(street)
    assert await street.one("SELECT state FROM refunds") == "succeeded"
    behind = "SELECT bool_and(done_at > house_now() - interval '10 minutes') FROM reconciliation_watermarks"
    assert await street.one(behind)
    await proven(street)
