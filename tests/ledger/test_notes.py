"""How far the chain of seals went is noted outside of the database: whoever is its master cannot have us seal it all once more."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from jklg import ledger
from jklg.app import House
from jklg.kit.db import Database
from jklg.ledger.seals import notes, rules
from jklg.payments import books
from tests.conftest import SECRET
from tests.ledger.test_ledger import capture
from tests.ledger.test_seals import THIRD, mallory  # noqa: F401  (a fixture)

LOST = "the chain does not hold the head that was written down"


async def post_and_seal(db: Database, data_dir: Path, *facts: str) -> str:
    """What was noted afterwards."""
    for fact in facts:
        assert await capture(db, fact)
    assert await ledger.seal(db, SECRET, data_dir) == len(facts)
    return ledger.noted_head(data_dir)


async def forge(mallory: Any) -> None:
    """Double the third posting, take its seal and all later ones away, and have these postings wait for a seal again."""
    await mallory.execute(f"UPDATE ledger_entries SET amount = amount * 2 WHERE transaction_id = {THIRD}")
    await mallory.execute("INSERT INTO ledger_unsealed SELECT transaction_id FROM ledger_seals WHERE number >= 3")
    await mallory.execute("DELETE FROM ledger_seals WHERE number >= 3")


async def test_a_change_is_not_sealed_once_more_by_ourselves(db: Database, mallory: Any, tmp_path: Path) -> None:
    head = await post_and_seal(db, tmp_path, *"abcde")
    await forge(mallory)
    await capture(db, "f")
    for _ in range(2):
        with pytest.raises(ledger.HeadLost, match="`jklg ledger verify`"):
            await ledger.seal(db, SECRET, tmp_path)
    assert await mallory.fetchval("SELECT count(*) FROM ledger_seals") == 2
    assert ledger.noted_head(tmp_path) == head
    assert (await ledger.verify(db, keys=[SECRET], expected=head)).broken == {LOST: [head]}


async def test_that_nothing_is_sealed_any_more_stands_before_a_person_once(house: House, mallory: Any) -> None:
    head = await post_and_seal(house.db, house.settings.data_dir, *"abcde")
    await forge(mallory)
    for _ in range(3):
        with pytest.raises(ledger.HeadLost):
            await books.seal(house)
    concerns = await mallory.fetch("SELECT kind, detail ->> 'noted' AS noted, resolved_at FROM anomalies")
    assert [tuple(each) for each in concerns] == [("chain_broken", head, None)]


async def test_an_older_backup_is_refused_until_somebody_says_that_it_is_meant(
    db: Database, mallory: Any, tmp_path: Path
) -> None:
    await post_and_seal(db, tmp_path, *"abcde")
    last = "(SELECT transaction_id FROM ledger_seals WHERE number = 5)"
    await mallory.execute(f"DELETE FROM ledger_entries WHERE transaction_id = {last}")
    await mallory.execute(f"DELETE FROM ledger_transactions WHERE id = {last}")
    await mallory.execute("DELETE FROM ledger_seals WHERE number = 5")
    await capture(db, "f")
    with pytest.raises(ledger.HeadLost, match="remove that file"):
        await ledger.seal(db, SECRET, tmp_path)
    ledger.note_of(tmp_path).unlink()
    assert await ledger.seal(db, SECRET, tmp_path) == 1
    noted = ledger.noted_head(tmp_path)
    assert noted.startswith("5:") and (await ledger.verify(db, keys=[SECRET], expected=noted)).ok


async def test_a_house_without_a_note_begins_one_that_nobody_else_reads(db: Database, tmp_path: Path) -> None:
    assert ledger.noted_head(tmp_path) == ""
    assert await ledger.seal(db, SECRET, tmp_path) == 0
    assert not os.listdir(tmp_path), "nothing was sealed yet"
    first = await post_and_seal(db, tmp_path, "a")
    assert first == str((await ledger.verify(db, keys=[SECRET])).head)
    assert ledger.note_of(tmp_path).stat().st_mode & 0o777 == 0o600
    second = await post_and_seal(db, tmp_path, "b", "c")
    assert second.startswith("3:") and (await ledger.verify(db, keys=[SECRET], expected=second)).ok
    assert os.listdir(tmp_path) == ["ledger-head"]


async def test_sealing_goes_on_where_nothing_can_be_noted_and_says_so_once(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "file").touch()
    for nowhere in (tmp_path / "missing", tmp_path / "file"):
        assert await post_and_seal(db, nowhere, f"a {nowhere}") == ""
        assert await post_and_seal(db, nowhere, f"b {nowhere}") == ""
        assert not (tmp_path / "missing").exists()
        assert len([each for each in caplog.messages if f"cannot be kept in {nowhere} " in each]) == 1


async def test_a_worker_of_another_machine_notes_what_this_one_has_sealed(
    db: Database, mallory: Any, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    await post_and_seal(db, there, "a")
    head = await post_and_seal(db, here, *"bcde")
    assert await ledger.seal(db, SECRET, there) == 0
    assert ledger.noted_head(there) == head
    await forge(mallory)
    for data_dir in (here, there):
        with pytest.raises(ledger.HeadLost):
            await ledger.seal(db, SECRET, data_dir)


async def test_a_seal_that_is_not_ours_is_not_noted(db: Database, mallory: Any, tmp_path: Path) -> None:
    head = await post_and_seal(db, tmp_path, *"ab")
    await capture(db, "c")
    await mallory.execute(
        """
        INSERT INTO ledger_seals (number, transaction_id, digest, chain, mac, key_id)
        SELECT 3, t.id, s.digest, s.chain, s.mac, s.key_id FROM ledger_seals s, ledger_transactions t WHERE s.number = 2 AND t.source_id = 'c'
        """
    )
    await mallory.execute("DELETE FROM ledger_unsealed")
    assert await ledger.seal(db, SECRET, tmp_path) == 0
    assert ledger.noted_head(tmp_path) == head


def test_whoever_is_slower_does_not_set_the_note_back(tmp_path: Path) -> None:
    for number in (9, 10, 2):
        notes.note(tmp_path, number, rules.head(number, bytes(32)))
    assert ledger.noted_head(tmp_path) == rules.head(10, bytes(32))


@pytest.mark.parametrize("note", ["what is this", ":", "5", "5:", "٥:00", "1:" + "00" * 32, "99999999999999999999:00"])
async def test_a_note_that_nobody_understands_is_no_licence(db: Database, tmp_path: Path, note: str) -> None:
    await post_and_seal(db, tmp_path, *"abcde")
    ledger.note_of(tmp_path).write_text(note, "utf-8")
    await capture(db, "f")
    with pytest.raises(ledger.HeadLost):
        await ledger.seal(db, SECRET, tmp_path)
