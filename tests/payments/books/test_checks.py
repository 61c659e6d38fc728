"""`jklg ledger verify` finds what somebody with all the rights has done to the books, and says which promise it breaks."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from jklg import ledger
from jklg.payments import strays
from jklg.payments.books import CHECKS
from jklg.sandbox.things import Intent
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_late_money import late_success
from tests.trade import hold

SENTENCE = {check.name: check.sentence for check in CHECKS}


@pytest.fixture
async def busy(street: Street) -> Street:
    """Asha has paid and goes, though her bank takes a look at it; Ben has paid too late and has his money back; Mallory's seats are only held."""
    asha = await street.asha_holds()
    started = await street.start(asha.id)
    await street.pays(started.transaction.ref or "")
    ben = await street.asha_holds(seats=2, name="Ben Rao", email="ben@example.org")
    too_late = await late_success(street, ben)
    await hold(street.db, ben.departure_id, name="Mallory", email="mallory@example.org")
    await street.pays(too_late.transaction.ref or "")
    await street.deliver()
    await street.work()
    async with street.bank.bank.work() as work:
        work.dispute(work.get(Intent, started.transaction.ref or ""))
    await street.deliver()
    await street.work()
    assert (
        await street.one("SELECT string_agg(status, ' ' ORDER BY created_at) FROM bookings") == "confirmed expired held"
    )
    assert await street.one("SELECT state FROM refunds") == "succeeded"
    return street


@pytest.fixture
async def mallory(server_admin: asyncpg.Connection) -> Any:
    """A superuser, for whom no trigger and no foreign key counts."""
    await server_admin.execute("SET session_replication_role = replica")
    return server_admin


CAPTURE = "(SELECT id FROM ledger_transactions WHERE kind = 'capture' ORDER BY id LIMIT 1)"
OF_ASHA = "(SELECT id FROM bookings ORDER BY created_at LIMIT 1)"
OF_MALLORY = "(SELECT id FROM bookings ORDER BY created_at DESC LIMIT 1)"


def posting(kind: str, source_type: str, source_id: str, subject: str, debit: str, credit: str) -> list[str]:
    """A posting that balances, written by hand in one statement."""
    return [
        f"INSERT INTO ledger_accounts VALUES ('{debit}', 'INR'), ('{credit}', 'INR') ON CONFLICT DO NOTHING",
        f"""
        WITH head AS (
            INSERT INTO ledger_transactions (id, kind, source_type, source_id, subject_id)
            VALUES (gen_random_uuid(), '{kind}', '{source_type}', {source_id}, {subject}) RETURNING id, subject_id
        )
        INSERT INTO ledger_entries (transaction_id, account, currency, amount, subject_id)
        SELECT id, account, 'INR', amount, subject_id
        FROM head, (VALUES ('{debit}', 500), ('{credit}', -500)) AS e(account, amount)
        """,
    ]


OFFENCES: dict[str, tuple[list[str], set[str]]] = {
    "an attempt says that more was captured": (
        ["UPDATE transactions SET captured_amount = captured_amount + 1 WHERE state = 'succeeded' AND refund_amount = 0"],
        {"attempts are their facts", "clearing"},
    ),
    "an attempt says that nothing went back": (
        ["UPDATE transactions SET refund_amount = 0 WHERE refund_amount > 0"],
        {"attempts are their facts", "clearing"},
    ),
    "the posting of a payment is gone": (
        [f"DELETE FROM ledger_entries WHERE transaction_id = {CAPTURE}", f"DELETE FROM ledger_transactions WHERE id = {CAPTURE}"],
        {"captured is booked", "clearing", "confirmed is paid"},
    ),
    "a payment was booked with another amount": (
        [
            f"CREATE TEMP TABLE kept AS SELECT * FROM ledger_entries WHERE transaction_id = {CAPTURE}",
            f"DELETE FROM ledger_entries WHERE transaction_id = {CAPTURE}",
            "INSERT INTO ledger_entries (transaction_id, account, currency, amount, subject_id)"
            " SELECT transaction_id, account, currency, amount - sign(amount)::integer, subject_id FROM kept",
        ],
        {"captured is booked", "clearing", "confirmed is paid"},
    ),
    "money is booked that nobody paid": (
        posting("capture", "transaction", "'invented:500'", OF_MALLORY, "gateway_clearing:sandbox", "customer_deposits"),
        {"booked is captured", "clearing", "confirmed is paid"},
    ),
    "a fact is booked a second time under another name": (
        posting("capture", "transaction", "(SELECT id || ':500' FROM transactions LIMIT 1)", OF_ASHA, "gateway_clearing:sandbox", "suspense:unapplied"),
        {"booked is captured", "clearing", "suspense is known"},
    ),
    "a gateway's fact is gone": (
        ["DELETE FROM gateway_facts WHERE fact_type = 'captured'"],
        {"attempts are their facts", "booked is captured"},
    ),
    "a refund stands at another point than its postings": (
        ["UPDATE refunds SET state = 'pending'"],
        {"refunds are booked"},
    ),
    "a refund has no posting at all": (
        [
            "DELETE FROM ledger_entries WHERE transaction_id IN (SELECT id FROM ledger_transactions WHERE source_type = 'refund')",
            "DELETE FROM ledger_transactions WHERE source_type = 'refund'",
        ],
        {"refunds are booked", "clearing", "suspense is known"},
    ),
    "a refund is said to have been of another amount": (
        ["UPDATE refunds SET amount = amount - 1"],
        {"refunds are booked"},
    ),
    "a refund is booked that was never made": (
        posting("refund_succeeded", "refund", "gen_random_uuid()::text", OF_ASHA, "refunds_in_flight", "gateway_clearing:sandbox"),
        {"booked refunds exist", "clearing"},
    ),
    "a dispute says that nothing was taken": (
        ["UPDATE disputes SET withdrawn_amount = 0"],
        {"disputes are booked"},
    ),
    "a dispute is said to be lost and was not written off": (
        ["UPDATE disputes SET state = 'lost'"],
        {"disputes are booked"},
    ),
    "a dispute is booked that was never opened": (
        posting("dispute_lost", "dispute", "gen_random_uuid() || ':1'", OF_ASHA, "dispute_losses", "disputes_receivable"),
        {"booked disputes exist"},
    ),
    "money left the clearing account by hand": (
        posting("adjustment", "hand", "'1'", OF_ASHA, "travel_revenue", "gateway_clearing:sandbox"),
        {"clearing", "confirmed is paid"},
    ),
    "a booking is confirmed that nobody paid": (
        [f"UPDATE bookings SET status = 'confirmed' WHERE id = {OF_MALLORY}"],
        {"confirmed is paid"},
    ),
    "a paid booking is not confirmed": (
        [f"UPDATE bookings SET status = 'held' WHERE id = {OF_ASHA}"],
        {"confirmed is paid"},
    ),
    "a booking keeps more than its price, and all that stands before a person is that her bank asks": (
        [
            f"UPDATE bookings SET reduced_amount = 500 WHERE id = {OF_ASHA}",
        ],
        {"confirmed is paid"},
    ),
    "what was owed was paid by hand, and nobody had asked for it": (
        posting("owed_paid", "refund_request", "gen_random_uuid()::text", OF_ASHA, "refunds_owed", "gateway_clearing:manual"),
        {"owed is paid once", "suspense is known"},
    ),
    "money was put into suspense and nobody was told": (
        posting("adjustment", "hand", "'2'", OF_ASHA, "sundry", "suspense:unapplied"),
        {"suspense is known"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("offence", OFFENCES)
async def test_an_offence_is_named(busy: Street, mallory: Any, offence: str) -> None:
    assert (await ledger.verify(busy.db, CHECKS, keys=[SECRET])).broken == {}
    statements, expected = OFFENCES[offence]
    async with mallory.transaction():
        for statement in statements:
            await mallory.execute(statement)
    broken = (await ledger.verify(busy.db, CHECKS, keys=[SECRET])).broken
    ours = {name for name, sentence in SENTENCE.items() if sentence in broken}
    assert ours == expected, broken
    assert all(row for rows in broken.values() for row in rows)


def test_every_check_has_an_offence_that_it_finds() -> None:
    assert set(SENTENCE) == {name for _, names in OFFENCES.values() for name in names}


async def test_money_of_a_stranger_and_money_of_a_wrong_amount_are_sound_books(street: Street) -> None:
    async with street.bank.bank.work() as work:
        stranger = work.open_intent(5_000, "INR", "not ours", "x@example.org", "http://shop.test/", {})
    await street.pays(stranger.id)
    held = await street.asha_holds()
    started = await street.start(held.id)
    async with street.bank.bank.work() as work:
        from jklg.sandbox.bank import Intent

        intent = work.get(Intent, started.transaction.ref or "")
        intent.amount = 50
        work.pay(intent, "play_card")
    await street.deliver()
    await street.work()
    assert await street.balance("suspense:unapplied") == -5_050
    assert (await ledger.verify(street.db, CHECKS, keys=[SECRET])).broken == {}


async def test_strange_money_that_grows_is_in_the_books_once(street: Street) -> None:
    for captured in (400, 600, 600, 400):
        async with street.db.transaction() as conn:
            await strays.park(conn, "sandbox", "in_strange", captured, "INR")
    assert await street.balance("suspense:unapplied") == -600
    assert await street.balance("gateway_clearing:sandbox") == 600
