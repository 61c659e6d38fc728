"""L13: a database that the last release has worked in is brought to the present schema. Nothing in it is lost or changed, and the house works on.

There is no way back: migrations go forward only, so that nothing can drop a table with money in it.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from jklg import app, jobs, ledger, payments
from jklg.kit.db import open_database
from jklg.kit.ids import uuid7
from jklg.migrations import migrate, present
from jklg.payments import browsing, desk
from jklg.reconciliation import ALL_CHECKS
from tests.conftest import SECRET, Server
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.desk.test_refunds_by_staff import CHITRA, ask
from tests.trade import TERMS

RELEASED = "0029_consents.sql"
"""The last migration of the last release."""

MOVED = {"bank_lines": {'"transaction_id"'}}
"""Columns whose rows have gone elsewhere: what a line of the bank is made of are rows of bank_line_parts (0038)."""


@pytest.fixture
async def released(server: Server) -> AsyncIterator[str]:
    """The name of a database as the last release has made it."""
    name = f"jklg_released_{secrets.token_hex(6)}"
    await server.create(name)
    await migrate(server.owner_url(name), [file for file in present() if file.name <= RELEASED])
    yield name
    await server.drop(name)


async def columns(conn: Any) -> dict[str, list[str]]:
    """Table -> what is written into it. Not what the database derives, nor the queue, which is another library's."""
    rows = await conn.fetch(
        """
        SELECT c.table_name, array_agg('"' || c.column_name || '"' ORDER BY c.ordinal_position) AS names
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
          AND c.table_name NOT LIKE 'pgqueuer%' AND c.table_name <> 'schema_migrations'
        GROUP BY 1 ORDER BY 1
        """
    )
    return {row["table_name"]: list(row["names"]) for row in rows}


async def contents(conn: Any, known: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
    """Table -> how many rows, and a digest of them."""
    found = {}
    for table, names in known.items():
        row = await conn.fetchrow(
            f"SELECT count(*), md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM (SELECT {', '.join(names)} FROM {table}) r"
        )
        found[table] = (row[0], row[1])
    return found


async def move_in(new: Any, old: Any) -> None:
    """Every row of the present schema that the old one has room for, without asking its triggers: it has happened already."""
    theirs = await columns(new)
    await old.execute("SET session_replication_role = replica")
    for table, names in (await columns(old)).items():
        names = [name for name in names if name not in MOVED.get(table, ())]
        shared = [name for name in names if name in theirs.get(table, ())]
        assert shared == names, f"{table} has lost {set(names) - set(shared)}"
        await old.execute(f"DELETE FROM {table}")  # what its migrations have filled is the same there
        rows = io.BytesIO()
        await new.copy_from_query(f"SELECT {', '.join(names)} FROM {table}", output=rows, format="binary")
        rows.seek(0)
        plain = [name.strip('"') for name in names]
        await old.copy_to_table(table, source=rows, columns=plain, format="binary")
        if counted := await old.fetchval("SELECT pg_get_serial_sequence($1, 'id')", table) if "id" in plain else None:
            await old.execute(f"SELECT setval('{counted}', (SELECT coalesce(max(id), 0) + 1 FROM {table}))")


async def test_what_the_last_release_has_written_is_all_there_and_the_house_works_on(
    street: Street, server: Server, server_admin: Any, released: str
) -> None:
    sold, disputed, open_, deposit = [
        await street.asha_holds(),
        await street.asha_holds(),
        await street.asha_holds(),
        await street.asha_holds_under_terms(TERMS),
    ]
    await street.asha_pays(sold.id)
    await ask(street, sold.id, 700)
    street.faults.dispute = 1
    await street.asha_pays(disputed.id)
    await desk.record_payment(
        street.house, payment_id=uuid7(), booking_id=deposit.id, amount=deposit.deposit_amount or 0, method="cash", note="", actor=CHITRA
    )  # fmt: skip
    started = await street.start(open_.id)
    await street.deliver()
    await street.work()
    await jobs.drain(street.house, app.LISTENERS)

    old = await asyncpg.connect(server.admin_url(released))
    await move_in(server_admin, old)
    known = {
        table: [name for name in names if name not in MOVED.get(table, ())]
        for table, names in (await columns(old)).items()
    }
    before = await contents(old, known)
    filled = {table for table, (many, _) in before.items() if many}
    assert filled >= {
        "bookings", "transactions", "transaction_audit_logs", "gateway_commands", "gateway_facts", "refunds", "refund_requests", "disputes",
        "ledger_transactions", "ledger_entries", "ledger_seals", "webhook_inbox", "history", "mail_outbox",
    }, filled  # fmt: skip
    done = await migrate(server.owner_url(released))
    assert [name for name in done if name <= RELEASED] == [] and done
    assert await contents(old, known) == before
    await old.close()

    await street.house.db.close()
    street.house.db, street.owner_url = (
        await open_database(server.login_url(released), clock=street.clock.now),
        server.owner_url(released),
    )
    findings = await ledger.verify(street.db, ALL_CHECKS, keys=[SECRET])
    assert findings.ok, findings.broken
    await street.pays(started.transaction.ref or "")
    assert (await payments.settle(street.house, started.transaction.id, source="return")).booking_status == "confirmed"
    assert (await ask(street, sold.id, 500)).status == "completed"
    await street.asha_pays(deposit.id)
    await street.asha_pays((await street.asha_holds()).id)
    async with street.db.transaction() as conn:
        found = await browsing.list_rows(conn, browsing.wanted(q=sold.reference[1:]), None, 0, 5)
    assert [row.booking_id for row in found] == [sold.id], "what came before the search is found by it"
    assert (await ledger.verify(street.db, ALL_CHECKS, keys=[SECRET])).ok


def test_there_is_no_way_down() -> None:
    """Nothing here drops a table with money in it, or its rows."""
    money = (
        "transactions",
        "refunds",
        "disputes",
        "ledger_",
        "gateway_",
        "transaction_audit_logs",
        "history",
        "bookings",
        "webhook_inbox",
    )
    for file in present():
        for line in file.sql.upper().splitlines():
            for verb in ("DROP TABLE", "TRUNCATE TABLE", "DELETE FROM"):
                if line.strip().startswith(verb):
                    named = line.strip().removeprefix(verb).strip(" ;").lower()
                    assert not named.startswith(money), f"{file.name}: {line}"
