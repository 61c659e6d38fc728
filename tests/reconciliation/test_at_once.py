"""`jklg reconcile`: somebody at a terminal wants to know now, and is told in lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from subprocess import CompletedProcess
from typing import Any

import pytest

from jklg import reconciliation
from jklg.sandbox.things import Intent
from tests.cli.test_commands import SECRET, Terminal, at_home, terminal  # noqa: F401  (fixtures)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.peers.loopback import serve


async def test_what_nobody_has_told_us_is_found_at_once_and_the_second_time_there_is_nothing(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await reconciliation.reconcile_due(street.house)  # the worker has just been round: its next turn is in an hour
    ref = started.transaction.ref or ""
    await street.pays(ref)
    (told,), waiting = await reconciliation.reconcile_at_once(street.house, ["sandbox"])
    assert (told.looked_at, told.unanswered, told.silent, waiting) == (1, 0, [], {})
    assert (await street.booking(held.id)).status == "confirmed"
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), 4_000, {})
    await street.later(minutes=10)
    (told,), waiting = await reconciliation.reconcile_at_once(street.house, ["sandbox"])
    assert told.events > 0 and waiting == {"refund_made_at_gateway": 1}
    assert await street.one("SELECT amount FROM refunds") == 4_000
    assert await street.balance("gateway_clearing:sandbox") == held.total_price - 4_000
    (told,), waiting = await reconciliation.reconcile_at_once(street.house, ["sandbox"])
    assert (told.looked_at, told.events, told.differences, told.concerns, len(waiting)) == (0, 0, 0, 0, 1)


async def test_while_a_worker_is_at_it_nothing_is_done_twice(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.later(minutes=10)
    await asyncio.gather(
        *(reconciliation.reconcile_at_once(street.house, ["sandbox"]) for _ in range(3)),
        reconciliation.reconcile_due(street.house),
    )
    assert await street.balance("customer_deposits") == -held.total_price
    assert await street.one("SELECT count(*) FROM ledger_transactions WHERE kind = 'capture'") == 1


@pytest.fixture
async def beside(street: Street, at_home: Terminal) -> AsyncIterator[Any]:
    """The terminal of whoever runs the house, with the bank on a wire."""
    async with serve(street.bank) as url:
        at_home.environment |= {
            "SANDBOX_URL": url, "SANDBOX_KEY": "sandbox_key", "SANDBOX_WEBHOOK_SECRET": "sandbox_webhook_secret", "JWT_SECRET": SECRET,
        }  # fmt: skip

        async def run(*arguments: str) -> CompletedProcess[str]:
            return await asyncio.to_thread(at_home.run, "reconcile", *arguments)

        yield run


async def test_the_command_prints_what_it_found_and_ends_with_0_only_when_nothing_is_open(
    street: Street, beside: Any
) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    done = await beside()
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "sandbox: 1 open payment looked at, 0 events that no webhook had brought, 0 payments that had changed unheard of,"
        " 0 new differences in the account\nnothing is open\n"
    )
    assert (await street.booking(held.id)).status == "confirmed"
    unknown = await beside("stripe")
    assert unknown.returncode == 2
    assert "The gateway stripe is not configured; configured: sandbox." in unknown.stderr

    async with street.bank.bank.work() as work:
        stranger = work.open_intent(5_000, "INR", "not ours", "x@example.org", "http://shop.test/", {})
        work.pay(work.get(Intent, stranger.id), "play_card")
    await street.deliver()
    await street.work()
    found = await beside("sandbox")
    assert found.returncode == 1, "it was found before, and still waits for a person"
    assert found.stdout.endswith("open: 1 unmatched gateway object\nsee /staff for what is open\n")
    street.faults.error_before = 10_000
    silent = await beside("sandbox")
    assert silent.returncode == 1
    assert "NO ANSWER about events and payments and account" in silent.stdout
