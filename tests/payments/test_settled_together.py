"""Payments whose answers come in one moment are booked in one database transaction, and none of them pays for that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from jklg import app, bookings, payments
from jklg.bookings import jobs as booking_jobs
from jklg.invoices import jobs as invoice_jobs
from jklg.kit import failpoints
from jklg.kit.db import open_database
from jklg.payments import jobs as payment_jobs
from jklg.payments import webhooks
from jklg.payments.gateways.contract import Snapshot
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.webhooks import queries as webhook_queries
from tests.payments.conftest import Street
from tests.payments.desk.test_refunds_by_staff import sound
from tests.payments.test_cut_connections import WAITING
from tests.payments.test_filing_notices import a_notice
from tests.payments.test_stumbling import as_owner, spoil
from tests.trade import add_departure, hold, status_of

POSTINGS = "SELECT array_agg(DISTINCT written_by::text) FROM ledger_transactions"


class OneMoment:
    """The gateway's answers to `count` questions arrive together, once the last was asked."""

    def __init__(self, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        there = asyncio.Barrier(count)
        fetch = SandboxGateway.fetch

        async def together(gateway: Any, ref: str) -> Snapshot:
            answer = await fetch(gateway, ref)
            await there.wait()
            return answer

        monkeypatch.setattr(SandboxGateway, "fetch", together)


async def pay(street: Street, held: Sequence[bookings.Held]) -> list[payments.Transaction]:
    """They have paid at the bank, and nobody has told the house."""
    street.faults.lose_webhooks = 10_000
    started = [(await street.start(each.id)).transaction for each in held]
    for each in started:
        await street.pays(each.ref or "")
    return started


async def five(street: Street) -> list[payments.Transaction]:
    return await pay(street, [await street.asha_holds(email=f"p{n}@example.org") for n in range(5)])


async def settle(house: app.House, some: Sequence[payments.Transaction]) -> list[Any]:
    return await asyncio.gather(
        *(payments.settle(house, each.id, source="webhook") for each in some), return_exceptions=True
    )


async def test_they_are_one_database_transaction(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    paid = await five(street)
    OneMoment(5, monkeypatch)
    settled = await settle(street.house, paid)
    assert [(each.transaction.id, each.transaction.captured, each.booking_status) for each in settled] == [
        (each.id, each.amount, "confirmed") for each in paid
    ]
    assert len(await street.one(POSTINGS)) == 1
    await sound(street)


async def test_one_that_cannot_be_booked_holds_up_no_other(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    paid = await five(street)
    await spoil(street, paid[2].id)
    OneMoment(5, monkeypatch)
    settled = await settle(street.house, paid)
    assert isinstance(settled[2], asyncpg.RaiseError)
    assert [each.booking_status for each in settled if each is not settled[2]] == ["confirmed"] * 4
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 4


async def test_of_two_who_are_late_for_the_last_seats_one_gets_them_and_one_her_money(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them finds the seats free when she is looked at. The database knows better (departures_never_oversold)."""
    departure = await add_departure(street.db, seats=4)
    held = [await hold(street.db, departure, email=f"p{n}@example.org") for n in range(2)]
    started = [(await street.start(each.id)).transaction for each in held]
    await street.later(minutes=20)
    await street.work()
    await as_owner(street, "UPDATE departures SET allotment = 2")
    for each in started:
        await street.pays(each.ref or "")
    OneMoment(2, monkeypatch)
    settled = await settle(street.house, started)
    assert sorted(each.booking_status for each in settled) == ["confirmed", "expired"]
    assert await street.one("SELECT seats_taken FROM departures") == 2
    assert await street.one("SELECT array_agg(reason) FROM refunds") == ["seats_gone"]


@pytest.mark.parametrize("place", ["before_apply_commit", "after_apply_commit"])
async def test_a_house_that_dies_has_booked_all_of_them_or_none_and_then_each_once(
    street: Street, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    paid = await five(street)
    with monkeypatch.context() as moment:
        OneMoment(5, moment)
        failpoints.arm(f"{place}:crash")
        assert not any(isinstance(each, payments.Settled) for each in await settle(street.house, paid))
        failpoints.arm("")
    booked = 0 if place == "before_apply_commit" else 5
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == booked
    await settle(street.house, paid)
    assert await street.one("SELECT count(*) FROM bookings WHERE status = 'confirmed'") == 5
    assert await street.balance("gateway_clearing:sandbox") == sum(each.amount for each in paid)
    assert await street.one("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'payment.received'") == 5
    await sound(street)


@pytest.mark.parametrize("table", ["departures", "bookings", "transactions"])
async def test_whoever_waits_for_the_first_holds_none_of_those_that_come_after_it(
    street: Street, monkeypatch: pytest.MonkeyPatch, server_admin: Any, table: str
) -> None:
    """Two workers that are told of the same payments in different orders would wait for each other."""
    paid = await five(street)
    first, last = await server_admin.fetchrow(f"SELECT min(id::text)::uuid, max(id::text)::uuid FROM {table}")
    await server_admin.execute(
        f"UPDATE {table} SET created_at = created_at WHERE id = $1", first
    )  # it lies behind them now
    await server_admin.execute(f"ANALYZE {table}")  # and is not looked for by its id, with so few
    OneMoment(5, monkeypatch)
    async with server_admin.transaction():
        await server_admin.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", first)
        settling = asyncio.create_task(settle(street.house, paid[::-1]))
        for _ in range(1000):
            if await server_admin.fetchval(WAITING):
                break
            await asyncio.sleep(0.01)
        await server_admin.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE NOWAIT", last)
    assert [each.booking_status for each in await settling] == ["confirmed"] * 5


async def test_two_workers_who_hear_of_them_in_different_orders_book_each_once(
    street: Street, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    paid = await five(street)
    other = app.House(
        settings=street.house.settings, db=await open_database(street.house.settings.database_url), gateways=street.house.gateways
    )  # fmt: skip
    OneMoment(10, monkeypatch)
    try:
        with caplog.at_level(logging.WARNING, logger="jklg.kit.together"):
            both = await asyncio.gather(settle(street.house, paid), settle(other, paid[::-1]))
    finally:
        await other.db.close()
    assert {each.booking_status for settled in both for each in settled} == {"confirmed"}
    assert caplog.messages == [], "nobody was refused for a deadlock"
    assert await street.balance("gateway_clearing:sandbox") == sum(each.amount for each in paid)
    await sound(street)


async def test_what_all_of_them_are_told_is_written_once_to_each(street: Street) -> None:
    paid = await five(street)
    await settle(street.house, paid)
    for _ in range(2):
        await asyncio.gather(*(tell(street.house, each) for each in [*paid, paid[0]]))
    assert (
        await street.one("SELECT count(*) || ' of ' || count(DISTINCT (to_address, kind)) FROM mail_outbox")
        == "10 of 10"
    )
    assert await street.one("SELECT array_agg(serial ORDER BY serial) FROM invoices") == [1, 2, 3, 4, 5]
    assert await street.one("SELECT count(DISTINCT xmin::text) FROM invoices") == 1, "they wait for no number in turn"
    await sound(street)


async def tell(house: app.House, paid: payments.Transaction) -> None:
    await booking_jobs.mail_confirmation(house, {"booking_id": str(paid.booking_id)})
    await payment_jobs.mail_receipt(house, {"transaction_id": str(paid.id)})
    await invoice_jobs.write_papers(house, {"booking_id": str(paid.booking_id)})


async def test_a_notice_that_names_our_attempt_alone_is_heard(street: Street) -> None:
    """Nothing in the round has an id of the gateway's."""
    (paid,) = await pay(street, [await street.asha_holds()])
    async with street.db.transaction() as conn:
        await webhook_queries.file(conn, [a_notice("evt_1", gateway="sandbox", ref=None, transaction_id=paid.id)])
    assert await webhooks.process_due(street.house) == 1
    assert await status_of(street.db, paid.booking_id) == "confirmed"
