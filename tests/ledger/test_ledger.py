"""The books prove themselves: what cannot be written, by the application or by the owner of the tables (payments.md L06)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from jklg import ledger
from jklg.kit.db import Database, open_database
from jklg.kit.ids import uuid7
from tests.conftest import SECRET

ASHAS_TRIP = UUID(int=7)


async def capture(db: Database, source_id: str = "t1", amount: int = 29_999) -> bool:
    async with db.transaction() as conn:
        return await ledger.post(
            conn,
            "capture",
            "transaction",
            source_id,
            ASHAS_TRIP,
            "INR",
            [("gateway_clearing:sandbox", amount), ("customer_deposits", -amount)],
        )


async def refuses(db_url: str, constraint: str, *statements: str) -> None:
    """The owner of the tables tries, and is refused by name, at the latest at commit."""
    conn = await asyncpg.connect(db_url)
    try:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            async with conn.transaction():
                for statement in statements:
                    await conn.execute(statement)
    finally:
        await conn.close()
    assert getattr(refusal.value, "constraint_name", None) == constraint


HEAD = f"INSERT INTO ledger_transactions (id, kind, source_type, source_id) VALUES ('{UUID(int=1)}', 'x', 'x', 'x')"
ACCOUNTS = "INSERT INTO ledger_accounts (name, currency) VALUES ('a', 'INR'), ('b', 'INR'), ('c', 'USD') ON CONFLICT DO NOTHING"


def entry(account: str, amount: int, currency: str = "INR", of: str = str(UUID(int=1))) -> str:
    return f"INSERT INTO ledger_entries (transaction_id, account, currency, amount) VALUES ('{of}', '{account}', '{currency}', {amount})"


async def test_a_fact_is_booked_once_and_balances(db: Database) -> None:
    assert await capture(db)
    assert not await capture(db)
    async with db.transaction() as conn:
        assert await ledger.balance(conn, "customer_deposits", "INR", ASHAS_TRIP) == -29_999
        assert await ledger.balance(conn, "customer_deposits", "INR", UUID(int=8)) == 0
        assert await ledger.balance(conn, "customer_deposits", "USD") == 0
        assert await ledger.trial_balance(conn) == [
            ("customer_deposits", "INR", -29_999),
            ("gateway_clearing:sandbox", "INR", 29_999),
        ]


async def test_twenty_at_once_book_a_fact_once(db_url: str) -> None:
    db = await open_database(db_url, max_size=20)
    assert sum(await asyncio.gather(*(capture(db) for _ in range(20)))) == 1
    findings = await ledger.verify(db, keys=[SECRET])
    assert (findings.transactions, findings.entries, findings.ok) == (1, 2, True)
    await db.close()


async def test_unbalanced_one_legged_and_empty_transactions_are_refused(db_url: str) -> None:
    await refuses(db_url, "ledger_balances", ACCOUNTS, HEAD, entry("a", 10), entry("b", -9))
    await refuses(db_url, "ledger_balances", ACCOUNTS, HEAD, entry("a", 10))
    await refuses(db_url, "ledger_balances", HEAD)
    await refuses(db_url, "ledger_entries_not_zero", ACCOUNTS, HEAD, entry("a", 0))


async def test_amounts_of_two_currencies_do_not_balance_each_other(db_url: str) -> None:
    await refuses(db_url, "ledger_balances", ACCOUNTS, HEAD, entry("a", 10), entry("c", -10, "USD"))


async def test_an_entry_in_another_currency_than_its_account_is_refused(db_url: str) -> None:
    await refuses(
        db_url, "ledger_entries_account_currency_fkey", ACCOUNTS, HEAD, entry("a", 10), entry("a", -10, "USD")
    )


async def test_a_fact_under_the_same_name_is_refused(db_url: str, db: Database) -> None:
    await capture(db)
    await refuses(
        db_url,
        "ledger_posts_a_fact_once",
        f"INSERT INTO ledger_transactions (id, kind, source_type, source_id) VALUES ('{uuid7()}', 'capture', 'transaction', 't1')",
    )


@pytest.mark.parametrize("table", ["ledger_transactions", "ledger_entries"])
async def test_what_is_in_the_books_is_never_edited(db_url: str, db: Database, table: str) -> None:
    await capture(db)
    column = {"ledger_transactions": "kind", "ledger_entries": "account"}[table]
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        await refuses(
            db_url, f"{table}_append_only" if not statement.startswith("TRUNCATE") else _truncated(table), statement
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.transaction() as conn:
                await conn.execute(statement)


def _truncated(table: str) -> str:
    return f"{table}_append_only"


async def test_no_entry_is_added_to_a_transaction_that_is_closed(db_url: str, db: Database) -> None:
    await capture(db)
    async with db.connection() as conn:
        closed = await conn.fetchval("SELECT id FROM ledger_transactions")
    await refuses(
        db_url,
        "ledger_entries_written_with_their_transaction",
        ACCOUNTS,
        entry("a", 10, of=str(closed)),
        entry("b", -10, of=str(closed)),
    )


async def test_a_forged_signature_of_the_writer_does_not_open_a_closed_transaction(db_url: str) -> None:
    conn = await asyncpg.connect(db_url)
    async with conn.transaction():
        await conn.execute(ACCOUNTS)
        await conn.execute(
            f"INSERT INTO ledger_transactions (id, kind, source_type, source_id, written_by) VALUES ('{UUID(int=1)}', 'x', 'x', 'x', '99999999')"
        )
        await conn.execute(entry("a", 5))
        await conn.execute(entry("b", -5))
    assert await conn.fetchval("SELECT written_by::text FROM ledger_transactions") != "99999999"
    await conn.close()


async def test_a_posting_that_is_rolled_back_leaves_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.transaction() as conn:
            await ledger.post(conn, "capture", "transaction", "t9", None, "INR", [("a", 1), ("b", -1)])
            raise RuntimeError("the rest of the database transaction failed")
    assert (await ledger.verify(db, keys=[SECRET])).transactions == 0


async def test_verify_names_what_was_tampered_with(server_admin: asyncpg.Connection, db: Database) -> None:
    """A superuser can switch triggers off. Verifying finds it all the same."""
    await capture(db)
    assert (await ledger.verify(db, keys=[SECRET])).ok
    await server_admin.execute("SET session_replication_role = replica")
    await server_admin.execute("UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'customer_deposits'")
    findings = await ledger.verify(db, keys=[SECRET])
    assert not findings.ok
    assert set(findings.broken) == {
        "a ledger transaction does not balance",
        "entries of a ledger transaction were written apart",
        "the trial balance is not zero",
    }


@pytest.mark.parametrize(
    ("tampering", "sentence"),
    [
        (  # still balanced: only the moment of writing tells
            "INSERT INTO ledger_entries (transaction_id, account, currency, amount, subject_id) "
            "SELECT id, account, 'INR', amount, subject_id FROM ledger_transactions, (VALUES ('a', 5), ('b', -5)) AS v(account, amount)",
            "entries of a ledger transaction were written apart",
        ),
        ("UPDATE ledger_entries SET subject_id = NULL", "an entry is kept for another subject than its transaction"),
        ("DELETE FROM ledger_entries", "a ledger transaction has fewer than two entries"),
    ],
)
async def test_verify_names_tampering_that_balances(
    server_admin: asyncpg.Connection, db: Database, tampering: str, sentence: str
) -> None:
    await capture(db)
    await server_admin.execute("SET session_replication_role = replica")
    await server_admin.execute(tampering)
    assert list((await ledger.verify(db, keys=[SECRET])).broken) == [sentence]


async def test_verify_believes_books_that_were_posted_side_by_side(db_url: str) -> None:
    db = await open_database(db_url, max_size=10)
    await asyncio.gather(*(capture(db, f"t{number}", 100 + number) for number in range(50)))
    findings = await ledger.verify(db, keys=[SECRET])
    assert (findings.ok, findings.transactions, findings.entries) == (True, 50, 100)
    await db.close()


async def test_checks_of_other_rooms_are_run_and_named(db: Database) -> None:
    check = ledger.Check(name="rows", sentence="there is a row", sql="SELECT 'row', 1")
    findings = await ledger.verify(db, [check], keys=[SECRET])
    assert findings.broken == {"there is a row": ["row 1"]}
    assert findings.checks[-2:] == ["rows", "seals"]


async def test_books_are_proven_however_long_that_takes(db: Database) -> None:
    told = "SELECT current_setting('statement_timeout'), 1 WHERE current_setting('statement_timeout') <> '0'"
    check = ledger.Check(name="patience", sentence="it is cut off", sql=told)
    assert (await ledger.verify(db, [check], keys=[SECRET])).broken == {}
