"""Bringing a database to the present schema."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from jklg.kit.db import Database
from jklg.migrations import Migration, MigrationTrouble, migrate, present


@pytest.fixture
async def empty_url(server: Any) -> AsyncIterator[str]:
    """The owner's URL of a database that nobody has migrated."""
    name = f"jklg_empty_{secrets.token_hex(6)}"
    await server.create(name)
    yield server.owner_url(name)
    await server.drop(name)


async def rows(url: str, sql: str) -> list[Any]:
    conn = await asyncpg.connect(url)
    try:
        return [row[0] for row in await conn.fetch(sql)]
    finally:
        await conn.close()


async def test_the_second_migration_finds_nothing_to_do(empty_url: str) -> None:
    first = await migrate(empty_url)
    assert first == [file.name for file in present()] + ["pgqueuer"]
    assert await migrate(empty_url) == []


async def test_two_processes_that_migrate_at_once_share_the_work(empty_url: str) -> None:
    several = await asyncio.gather(*(migrate(empty_url) for _ in range(4)))
    done = sorted(name for names in several for name in names)
    assert done == sorted([file.name for file in present()] + ["pgqueuer"])


async def test_a_file_that_changed_after_it_was_applied_is_refused(empty_url: str) -> None:
    await migrate(empty_url, [Migration("0001_a.sql", "CREATE TABLE a ();")])
    with pytest.raises(MigrationTrouble, match="0001_a.sql was changed"):
        await migrate(empty_url, [Migration("0001_a.sql", "CREATE TABLE a (); "), Migration("0002_b.sql", "SELECT 1;")])
    assert await rows(empty_url, "SELECT name FROM schema_migrations") == ["0001_a.sql"]


async def test_an_older_house_refuses_a_newer_database(empty_url: str) -> None:
    await migrate(empty_url, [Migration("0001_a.sql", "SELECT 1;"), Migration("0002_b.sql", "SELECT 1;")])
    with pytest.raises(MigrationTrouble, match="0002_b.sql"):
        await migrate(empty_url, [Migration("0001_a.sql", "SELECT 1;")])


async def test_a_file_with_an_older_number_reaches_a_database_that_has_newer_ones(empty_url: str) -> None:
    """Two people write migrations at once: 0024 arrives when 0028 has been applied."""
    newer = Migration("0028_b.sql", "CREATE TABLE b ();")
    await migrate(empty_url, [newer])
    done = await migrate(empty_url, [Migration("0024_a.sql", "CREATE TABLE a ();"), newer])
    assert done == ["0024_a.sql"]
    assert await rows(empty_url, "SELECT relname FROM pg_class WHERE relname IN ('a', 'b') ORDER BY 1") == ["a", "b"]


async def test_a_failing_file_leaves_nothing_behind_and_the_ones_before_it_stay(empty_url: str) -> None:
    with pytest.raises(MigrationTrouble, match="0002_b.sql failed"):
        await migrate(
            empty_url,
            [Migration("0001_a.sql", "CREATE TABLE a ();"), Migration("0002_b.sql", "CREATE TABLE b (); SELECT 1/0;")],
        )
    assert await rows(empty_url, "SELECT relname FROM pg_class WHERE relname IN ('a', 'b')") == ["a"]
    assert await rows(empty_url, "SELECT name FROM schema_migrations") == ["0001_a.sql"]


async def test_the_application_may_enqueue_work_and_owns_no_table(db: Database) -> None:
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT current_user") == "jklg_app"
        assert await conn.fetchval("SELECT has_table_privilege('pgqueuer', 'INSERT, DELETE')")
        assert await conn.fetchval("SELECT has_table_privilege('ledger_entries', 'INSERT')")
        assert not await conn.fetchval("SELECT has_table_privilege('ledger_entries', 'UPDATE')")
        assert not await conn.fetchval("SELECT has_table_privilege('schema_migrations', 'INSERT')")
        assert await conn.fetchval("SELECT count(*) FROM pg_tables WHERE tableowner = 'jklg_app'") == 0


RIGHTS = """
SELECT bool_and(CASE relkind WHEN 'r' THEN has_table_privilege('jklg_app', oid, 'DELETE') ELSE has_sequence_privilege('jklg_app', oid, 'USAGE') END)
FROM pg_class WHERE relname LIKE 'pgqueuer%' AND relkind IN ('r', 'S')
"""


async def test_who_was_killed_before_the_queue_was_granted_grants_it_the_next_time(empty_url: str) -> None:
    """The queue was there, so that nothing was left to do; and nobody could announce anything, for ever."""
    await migrate(empty_url)
    conn = await asyncpg.connect(empty_url)
    try:
        for kind, name in await conn.fetch(
            "SELECT relkind, relname FROM pg_class WHERE relname LIKE 'pgqueuer%' AND relkind IN ('r', 'S')"
        ):
            await conn.execute(f"REVOKE ALL ON {'TABLE' if kind == b'r' else 'SEQUENCE'} {name} FROM jklg_app")
    finally:
        await conn.close()
    assert await rows(empty_url, RIGHTS) == [False]
    assert await migrate(empty_url) == []
    assert await rows(empty_url, RIGHTS) == [True]


async def test_who_may_not_grant_the_queue_finds_that_nothing_is_missing(server: Any, empty_url: str) -> None:
    """A superuser had installed it; the owner of our own tables migrates from now on."""
    await migrate(empty_url)
    admin = await asyncpg.connect(server.admin_url(urlsplit(empty_url).path.lstrip("/")))
    try:
        for (name,) in await admin.fetch(
            "SELECT relname FROM pg_class WHERE relname LIKE 'pgqueuer%' AND relkind = 'r'"
        ):
            await admin.execute(f"ALTER TABLE {name} OWNER TO CURRENT_USER; REVOKE ALL ON {name} FROM jklg_owner")
    finally:
        await admin.close()
    assert await migrate(empty_url) == []


async def test_without_claims_the_application_sees_no_staff(db: Database) -> None:
    async with db.transaction() as conn:
        await conn.execute(
            "INSERT INTO staff (id, name, email, role, password_hash)"
            " VALUES (gen_random_uuid(), 'Chitra', 'chitra@example.com', 'Admin', 'x')"
        )
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM staff") == 0
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM staff") == 1


async def test_another_house_on_the_same_server_is_told_which_right_it_needs(server: Any, template: str) -> None:
    """The role `jklg_app` belongs to whoever made it first; `template` did."""
    owner, name = (f"jklg_other_{secrets.token_hex(6)}" for _ in range(2))
    admin = await asyncpg.connect(server.admin_url("postgres"))
    try:
        await admin.execute(f"CREATE ROLE {owner} LOGIN PASSWORD 'other' CREATEROLE")
        await admin.execute(f"CREATE DATABASE {name} OWNER {owner}")
        parts = urlsplit(server.admin_url(name))
        url = parts._replace(netloc=f"{owner}:other@{parts.netloc.rpartition('@')[2]}").geturl()
        with pytest.raises(MigrationTrouble, match=f"GRANT jklg_app TO {owner}"):
            await migrate(url)
        await admin.execute(f"GRANT jklg_app TO {owner}")
        assert await migrate(url) == [file.name for file in present()] + ["pgqueuer"]
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute(f"DROP ROLE IF EXISTS {owner}")
        await admin.close()


async def test_transfers_that_were_matched_before_0038_keep_what_they_were_matched_to(
    server: Any, empty_url: str
) -> None:
    before = [file for file in present() if file.name < "0038"]
    await migrate(empty_url, before)
    conn = await asyncpg.connect(server.admin_url(urlsplit(empty_url).path.lstrip("/")))
    try:
        await conn.execute(
            """
            SET session_replication_role = replica;
            INSERT INTO bank_lines (id, statement_id, account, once_key, booked_on, amount, currency, state, transaction_id, settled_by, settled_at)
            SELECT gen_random_uuid(), gen_random_uuid(), 'main', 'x', '2026-11-01', 700, 'INR', 'transfer', 'a0000000-0000-7000-8000-000000000001', 'system', now();
            INSERT INTO ledger_transactions (id, kind, source_type, source_id)
            VALUES ('b0000000-0000-7000-8000-000000000001', 'capture', 'transaction', 'a0000000-0000-7000-8000-000000000001:700'),
                   ('b0000000-0000-7000-8000-000000000002', 'capture', 'transaction', 'a0000000-0000-7000-8000-000000000002:700');
            """
        )
    finally:
        await conn.close()
    await migrate(empty_url)
    parts = await rows(empty_url, "SELECT row(posting_id, amount)::text FROM bank_line_parts")
    assert parts == ["(b0000000-0000-7000-8000-000000000001,700)"]


async def test_statements_from_before_0061_have_the_lines_that_lead_to_their_closing_balance(
    server: Any, empty_url: str
) -> None:
    """The first part of a day, the whole day (its first line came with the part), and one whose lines nobody can tell any more."""
    await migrate(empty_url, [file for file in present() if file.name < "0061"])
    conn = await asyncpg.connect(server.admin_url(urlsplit(empty_url).path.lstrip("/")))
    try:
        await conn.execute(
            """
            INSERT INTO bank_statements (id, account, currency, format, statement_ref, from_on, to_on, opening_amount, closing_amount, file_name, file_sha256, imported_by)
            SELECT s.id::uuid, 'main', 'INR', 'camt.053', s.ref, '2026-11-01', '2026-11-01', 1000, s.closing, 'x', '', 'cli'
            FROM (VALUES ('a0000000-0000-7000-8000-000000000001', 'part', 1050), ('a0000000-0000-7000-8000-000000000002', 'day', 1120),
                         ('a0000000-0000-7000-8000-000000000003', 'unclear', 1070)) s (id, ref, closing);
            INSERT INTO bank_lines (id, statement_id, account, once_key, booked_on, amount, currency)
            VALUES (gen_random_uuid(), 'a0000000-0000-7000-8000-000000000001', 'main', 'tea:1', '2026-11-01', 50, 'INR'),
                   (gen_random_uuid(), 'a0000000-0000-7000-8000-000000000002', 'main', 'rice:1', '2026-11-01', 70, 'INR');
            """
        )
    finally:
        await conn.close()
    await migrate(empty_url)
    found = await rows(
        empty_url,
        "SELECT row(statement_ref, part, (SELECT string_agg(k, ' ' ORDER BY k) FROM unnest(line_keys) k))::text FROM bank_statements ORDER BY id",
    )
    assert found == ["(part,1,tea:1)", '(day,1,"rice:1 tea:1")', "(unclear,1,)"]
