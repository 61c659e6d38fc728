"""Promises of the schema that belong to no story of their own: the database refuses, by name, even its owner."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from jklg.kit.db import SYSTEM, Connection, Database
from jklg.kit.ids import uuid7
from tests.trade import add_departure, hold


@pytest.fixture
async def owner(db_url: str) -> AsyncIterator[Connection]:
    """The owner of the tables: stronger than the application will ever be."""
    conn = await asyncpg.connect(db_url)
    await conn.execute(f"SET request.jwt.claims = '{SYSTEM}'")
    yield conn
    await conn.close()


async def refuses(conn: Connection, constraint: str, sql: str, *args: object) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await conn.execute(sql, *args)
    assert getattr(refusal.value, "constraint_name", None) == constraint


async def test_two_bookings_never_share_a_reference(db: Database, owner: Connection) -> None:
    asha = await hold(db, await add_departure(db))
    copied = """
        INSERT INTO bookings (id, reference, departure_id, party, seats, currency, total_price, lines, name, email, phone, hold_expires_at)
        SELECT $1, $3, departure_id, party, seats, currency, total_price, lines, name, email, phone, hold_expires_at FROM bookings WHERE id = $2
    """
    await refuses(owner, "bookings_reference_once", copied, uuid7(), asha.id, asha.reference)
    await owner.execute(copied, uuid7(), asha.id, "BENBEN")


async def test_a_mail_is_written_once_and_its_message_id_is_its_own(owner: Connection) -> None:
    mail = """
        INSERT INTO mail_outbox (id, kind, once_key, to_address, to_name, subject, text_body, html_body, message_id)
        VALUES ($1, 'x', $2, 'asha@example.com', 'Asha', 'x', 'x', 'x', $3)
    """
    await owner.execute(mail, uuid7(), "confirmed:1", "<1@jklg>")
    await refuses(owner, "mail_outbox_once", mail, uuid7(), "confirmed:1", "<2@jklg>")
    await refuses(owner, "mail_outbox_message_id_once", mail, uuid7(), "confirmed:2", "<1@jklg>")


async def test_an_address_opens_one_staff_account_however_it_is_written(owner: Connection) -> None:
    account = "INSERT INTO staff (id, name, email, role, password_hash) VALUES ($1, 'Chitra', $2, 'Admin', 'x')"
    await owner.execute(account, uuid7(), "chitra@example.com")
    await refuses(owner, "staff_email_once", account, uuid7(), "Chitra@Example.com")


@pytest.mark.parametrize("table", ["ledger_transactions", "ledger_entries"])
async def test_the_books_are_closed_for_their_owner_too(db: Database, owner: Connection, table: str) -> None:
    posting = "SELECT ledger_post($1, 'capture', 'transaction', 'one', NULL, 'INR', $2::jsonb)"
    entries = '[{"account": "gateway_clearing:sandbox", "amount": 5}, {"account": "customer_deposits", "amount": -5}]'
    assert await owner.fetchval(posting, uuid7(), entries) is True
    column, value = {"ledger_transactions": ("kind", "'gift'"), "ledger_entries": ("amount", "7")}[table]
    await refuses(owner, f"{table}_append_only", f"UPDATE {table} SET {column} = {value}")
    await refuses(owner, f"{table}_append_only", f"DELETE FROM {table}")
    await refuses(owner, f"{table}_append_only", f"TRUNCATE {table} CASCADE")


async def test_what_acts_as_its_owner_looks_among_temporary_tables_last(owner: Connection) -> None:
    found = await owner.fetch(
        """
        SELECT proname, (SELECT each FROM unnest(proconfig) each WHERE starts_with(each, 'search_path=')) AS path
        FROM pg_proc WHERE prosecdef AND pronamespace = current_schema()::regnamespace ORDER BY proname
        """
    )
    assert {"departures_tell_customers", "find_bookings"} <= {row["proname"] for row in found}
    assert [row["proname"] for row in found if not (row["path"] or "").endswith(", pg_temp")] == []


async def test_a_temporary_table_of_the_application_is_told_nothing(
    db: Database, owner: Connection, server_admin: Connection
) -> None:
    """Mallory holds the application's login and puts a table of her own in the place of ours: its triggers would act as the owner."""
    asha, departure = uuid7(), await add_departure(db)
    held = await hold(db, departure)
    await owner.execute("INSERT INTO customers (id, email, name) VALUES ($1, 'asha@example.org', 'Asha Rao')", asha)
    await owner.execute("UPDATE bookings SET customer_id = $1 WHERE id = $2", asha, held.id)
    await server_admin.execute(
        "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO jklg_app', current_database()); END $$"
    )
    async with db.transaction() as conn:
        await conn.execute("CREATE TEMPORARY TABLE tidings (LIKE public.tidings INCLUDING ALL) ON COMMIT DROP")
        await conn.execute(
            "ALTER TABLE pg_temp.tidings RENAME CONSTRAINT tidings_customer_id_once_key_key TO tidings_once"
        )
        await conn.execute("GRANT ALL ON pg_temp.tidings TO PUBLIC")
        await conn.execute(
            "UPDATE departures SET starts_on = starts_on + 1, ends_on = ends_on + 1 WHERE id = $1", departure
        )
        assert await conn.fetchval("SELECT count(*) FROM pg_temp.tidings") == 0
        assert (
            await conn.fetchval("SELECT kind FROM public.tidings WHERE customer_id = $1", asha) == "departure_changed"
        )
