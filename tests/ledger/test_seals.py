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
        (f"DELETE FROM ledger_transactions WHERE id = {THIRD}", GONE),
    ],
)  # fmt: skip
async def test_a_change_that_balances_is_named(db: Database, mallory: Any, tampering: str, sentence: str) -> None:
    await sealed(db)
    name = await third(db)
    await mallory.execute(tampering)
    broken = (await ledger.verify(db, keys=[SECRET])).broken
    assert broken[sentence] == [name]


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
