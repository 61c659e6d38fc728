"""Somebody with all the rights changes the books so that they balance. The chain of seals names the posting."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from jklg import ledger
from jklg.kit.db import Database
from jklg.ledger.seals import rules
from tests.conftest import SECRET
from tests.ledger.test_ledger import capture, refuses

CHANGED = "a posting was changed after it was sealed"
GONE = "a sealed posting is gone"
MISSING = "seals are missing"
UNLINKED = "a seal does not follow the one before it"
FORGED = "a seal was not made by us"
NEVER = "a posting was never sealed"
DISGUISED = "a table of the books is not the table that we made"


@pytest.fixture
async def mallory(server_admin: asyncpg.Connection) -> Any:
    """A superuser, for whom no trigger and no foreign key counts."""
    await server_admin.execute("SET session_replication_role = replica")
    return server_admin


async def sealed(db: Database, postings: int = 5) -> str:
    """Books with so many sealed postings; the head of the chain."""
    for number in range(postings):
        assert await capture(db, f"t{number}", 1_000 + number)
    assert await ledger.seal(db, SECRET) == postings
    assert await ledger.seal(db, SECRET) == 0
    findings = await ledger.verify(db, keys=[SECRET])
    assert findings.ok, findings.broken
    assert (findings.head.number, findings.head.unsealed) == (postings, 0)
    return str(findings.head)


async def third(db: Database) -> str:
    async with db.transaction() as conn:
        return str(await conn.fetchval("SELECT transaction_id FROM ledger_seals WHERE number = 3"))


THIRD = "(SELECT transaction_id FROM ledger_seals WHERE number = 3)"


@pytest.mark.parametrize(
    ("tampering", "sentence"),
    [
        (f"UPDATE ledger_entries SET amount = amount * 2 WHERE transaction_id = {THIRD}", CHANGED),
        (f"UPDATE ledger_entries SET account = 'a' || account WHERE transaction_id = {THIRD}", CHANGED),
        (f"UPDATE ledger_transactions SET source_id = 'another' WHERE id = {THIRD}", CHANGED),
        (f"UPDATE ledger_transactions SET posted_at = posted_at + interval '1 microsecond' WHERE id = {THIRD}", CHANGED),
        (f"UPDATE ledger_transactions SET posted_at = 'infinity' WHERE id = {THIRD}", CHANGED),
        (f"UPDATE ledger_transactions SET posted_at = '20000-01-01' WHERE id = {THIRD}", CHANGED),
        (f"UPDATE ledger_entries SET subject_id = gen_random_uuid() WHERE transaction_id = {THIRD}", CHANGED),
        (f"DELETE FROM ledger_entries WHERE transaction_id = {THIRD}", CHANGED),
        (f"DELETE FROM ledger_transactions WHERE id = {THIRD}", GONE),
    ],
)  # fmt: skip
async def test_a_change_that_balances_is_named(db: Database, mallory: Any, tampering: str, sentence: str) -> None:
    await sealed(db)
    name = await third(db)
    await mallory.execute(tampering)
    broken = (await ledger.verify(db, keys=[SECRET])).broken
    assert broken[sentence] == [name]


async def test_the_database_is_not_asked_what_a_posting_says(db: Database, mallory: Any) -> None:
    """Mallory has the function that made the first seals answer with what was sealed, and doubles a posting."""
    head = await sealed(db)
    name = await third(db)
    await mallory.execute("ALTER FUNCTION ledger_digest(uuid) RENAME TO ledger_digest_honest")
    await mallory.execute(
        """
        CREATE FUNCTION ledger_digest(p_id uuid) RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER AS $$
            SELECT coalesce((SELECT digest FROM ledger_seals WHERE transaction_id = p_id), ledger_digest_honest(p_id)) $$
        """
    )
    await mallory.execute(f"UPDATE ledger_entries SET amount = amount * 2 WHERE transaction_id = {THIRD}")
    assert (await ledger.verify(db, keys=[SECRET], expected=head)).broken == {CHANGED: [name]}


async def test_the_database_is_not_asked_what_is_to_be_sealed(db: Database, mallory: Any) -> None:
    await mallory.execute("ALTER FUNCTION ledger_digest(uuid) RENAME TO ledger_digest_honest")
    await mallory.execute(
        "CREATE FUNCTION ledger_digest(uuid) RETURNS bytea LANGUAGE sql AS 'SELECT sha256($1::text::bytea)'"
    )
    await sealed(db)
    assert not await mallory.fetchval(
        "SELECT count(*) FROM ledger_seals WHERE digest <> ledger_digest_honest(transaction_id)"
    )


async def test_seals_that_the_database_has_made_the_digests_of_stay_good(db: Database, mallory: Any) -> None:
    """Once ledger_digest() said what a posting says. We say the same, byte for byte, whatever stands in it."""
    every = "".join(map(chr, (*range(1, 0x2FF), 0x2028, 0xFEFF, 0xFFFD, 0xFFFF, 0x1F600, 0x10FFFF)))
    for number, text in enumerate(("", "plain", '"\\/ \\u0041', "  blanks ", "श्रीनगर ☂ 🏔", every)):
        for moment in (
            "now()",
            "'1969-12-31 23:59:59.999999+00'",
            "'0001-01-01 00:00:00+00'",
            "'9999-12-31 23:59:59.999999+00'",
        ):
            await mallory.execute(
                f"""
                WITH posting AS (
                    INSERT INTO ledger_transactions (id, kind, source_type, source_id, subject_id, posted_at)
                    VALUES (gen_random_uuid(), $1, 'x', gen_random_uuid(), CASE $2 % 2 WHEN 0 THEN gen_random_uuid() END, {moment})
                    RETURNING id, subject_id)
                INSERT INTO ledger_entries (transaction_id, account, currency, amount, subject_id)
                SELECT id, $1 || line, CASE line WHEN 3 THEN 'X' ELSE 'INR' END, sign * (9223372036854775807 / line), subject_id
                FROM posting, generate_series(1, $2::integer) line, (VALUES (-1), (1)) AS signs(sign)
                """,
                text, min(number, 3),
            )  # fmt: skip
    await mallory.execute("INSERT INTO ledger_unsealed SELECT id FROM ledger_transactions")
    assert await ledger.seal(db, SECRET) == 24
    unlike = "SELECT count(*) FROM ledger_seals WHERE digest <> ledger_digest(transaction_id)"
    assert await mallory.fetchval(unlike) == 0
    assert not {CHANGED, GONE} & (await ledger.verify(db, keys=[SECRET])).broken.keys()


@pytest.mark.parametrize(
    "disguise",
    [
        "ALTER TABLE ledger_entries RENAME TO entries; CREATE VIEW ledger_entries AS SELECT *, xmin FROM entries; GRANT SELECT ON ledger_entries TO jklg_app",
        "ALTER TABLE ledger_transactions ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON ledger_transactions USING (kind <> 'forged')",
        "CREATE TABLE more () INHERITS (ledger_entries); GRANT SELECT ON more TO jklg_app",
        "SET allow_system_table_mods = on; CREATE VIEW pg_catalog.ledger_entries AS SELECT * FROM public.ledger_entries;"
        "GRANT SELECT ON pg_catalog.ledger_entries TO jklg_app",
    ],
)  # fmt: skip
async def test_tables_that_are_not_what_they_were_are_named(db: Database, mallory: Any, disguise: str) -> None:
    await sealed(db)
    await mallory.execute(disguise)
    assert DISGUISED in (await ledger.verify(db, keys=[SECRET])).broken


async def test_other_tables_that_stand_in_the_way_hide_no_posting(db: Database, mallory: Any) -> None:
    """A schema of our role's own name comes before `public`, unless a database transaction says otherwise."""
    await sealed(db)
    await capture(db, "forged")
    await mallory.execute(
        "DELETE FROM ledger_unsealed; CREATE SCHEMA jklg_app; GRANT USAGE ON SCHEMA jklg_app TO jklg_app"
    )
    await mallory.execute("CREATE TABLE jklg_app.ledger_transactions (LIKE public.ledger_transactions INCLUDING ALL)")
    await mallory.execute(
        "INSERT INTO jklg_app.ledger_transactions SELECT * FROM public.ledger_transactions WHERE source_id <> 'forged'"
    )
    await mallory.execute("GRANT SELECT ON jklg_app.ledger_transactions TO jklg_app")
    assert list((await ledger.verify(db, keys=[SECRET])).broken) == [NEVER]


async def test_a_change_cannot_be_sealed_again_without_the_key(db: Database, mallory: Any) -> None:
    await sealed(db)
    name = await third(db)
    await mallory.execute(f"UPDATE ledger_entries SET amount = amount * 2 WHERE transaction_id = {THIRD}")
    chain = rules.BEGINNING
    for row in await mallory.fetch(
        "SELECT number, ledger_digest(transaction_id) AS digest FROM ledger_seals ORDER BY 1"
    ):
        chain = rules.link(chain, row["digest"])
        await mallory.execute(
            "UPDATE ledger_seals SET digest = $2, chain = $3, mac = $4 WHERE number = $1",
            row["number"], row["digest"], chain, rules.mac("a guess", row["number"], chain),
        )  # fmt: skip
    broken = (await ledger.verify(db, keys=[SECRET])).broken
    assert CHANGED not in broken, "the digests fit again"
    assert f"3 of {name}" in broken[FORGED]


async def test_a_seal_that_is_taken_out_or_put_elsewhere_breaks_the_chain(db: Database, mallory: Any) -> None:
    await sealed(db)
    async with mallory.transaction():
        await mallory.execute("DELETE FROM ledger_seals WHERE number = 3")
        assert (await ledger.verify(db, keys=[SECRET])).ok, "not yet committed"
    broken = (await ledger.verify(db, keys=[SECRET])).broken
    assert broken[MISSING] == ["3 to 3"]
    assert len(broken[NEVER]) == 1
    await mallory.execute("UPDATE ledger_seals SET number = number - 1 WHERE number > 3")
    broken = (await ledger.verify(db, keys=[SECRET])).broken
    assert UNLINKED in broken and FORGED in broken


async def test_an_end_that_was_cut_off_is_missed_by_whoever_noted_the_head(db: Database, mallory: Any) -> None:
    head = await sealed(db)
    await mallory.execute(
        "DELETE FROM ledger_entries WHERE transaction_id = (SELECT transaction_id FROM ledger_seals WHERE number = 5)"
    )
    await mallory.execute(
        "DELETE FROM ledger_transactions WHERE id = (SELECT transaction_id FROM ledger_seals WHERE number = 5)"
    )
    await mallory.execute("DELETE FROM ledger_seals WHERE number = 5")
    assert (await ledger.verify(db, keys=[SECRET])).ok, "what is left is sound"
    broken = (await ledger.verify(db, keys=[SECRET], expected=head)).broken
    assert broken == {"the chain does not hold the head that was written down": [head]}


async def test_a_noted_head_stays_in_the_chain_as_it_grows(db: Database) -> None:
    head = await sealed(db)
    await capture(db, "t9")
    await ledger.seal(db, SECRET)
    assert (await ledger.verify(db, keys=[SECRET], expected=head)).ok


async def test_a_posting_that_nobody_seals_is_named_after_an_hour(db: Database, mallory: Any) -> None:
    await capture(db)
    findings = await ledger.verify(db, keys=[SECRET])
    assert findings.ok and findings.head.unsealed == 1
    await mallory.execute("UPDATE ledger_transactions SET posted_at = posted_at - interval '61 minutes'")
    assert list((await ledger.verify(db, keys=[SECRET])).broken) == [NEVER]


async def test_a_house_clock_that_was_turned_back_hides_no_posting(db: Database, mallory: Any) -> None:
    await capture(db)
    await mallory.execute("UPDATE ledger_transactions SET posted_at = posted_at - interval '61 minutes'")
    await mallory.execute(
        "CREATE OR REPLACE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz $$"
    )
    assert list((await ledger.verify(db, keys=[SECRET])).broken) == [NEVER]


async def test_a_posting_that_is_hidden_from_the_seals_is_named_at_once(db: Database, mallory: Any) -> None:
    await capture(db)
    await mallory.execute("DELETE FROM ledger_unsealed")
    assert list((await ledger.verify(db, keys=[SECRET])).broken) == [NEVER]


async def test_keys_change_and_older_seals_stay_good_as_long_as_their_key_is_known(db: Database) -> None:
    await sealed(db)
    await capture(db, "t9")
    newer = "another secret of the house, 9876543210"
    assert await ledger.seal(db, newer) == 1
    assert (await ledger.verify(db, keys=[newer, SECRET])).ok
    assert list((await ledger.verify(db, keys=[newer])).broken) == ["seals were made with a key that is not among ours"]


async def test_workers_side_by_side_seal_each_posting_once(db: Database) -> None:
    for number in range(60):
        await capture(db, f"t{number}")
    while any(await asyncio.gather(*(ledger.seal(db, SECRET, limit=7) for _ in range(4)))):
        pass
    findings = await ledger.verify(db, keys=[SECRET])
    assert findings.ok and findings.head.number == 60


async def test_seals_are_not_edited(db: Database, db_url: str) -> None:
    await sealed(db)
    for statement in ("UPDATE ledger_seals SET chain = digest", "DELETE FROM ledger_seals"):
        await refuses(db_url, "ledger_seals_append_only", statement)
    await refuses(db_url, "ledger_seals_append_only", "TRUNCATE ledger_seals")
    again = "INSERT INTO ledger_seals SELECT 6, transaction_id, digest, chain, mac, key_id FROM ledger_seals WHERE number = 5"
    await refuses(db_url, "ledger_seals_once", again)
