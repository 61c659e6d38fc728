"""Notices that arrive in one moment are filed together, and none of them pays for that."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from jklg.kit.db import Connection, Database
from jklg.kit.together import Together
from jklg.payments.webhooks import queries
from jklg.payments.webhooks.queries import NewNotice


def a_notice(event_id: str, body: bytes = b"{}", **more: Any) -> NewNotice:
    given: dict[str, Any] = {
        "gateway": "stripe", "event_id": event_id, "event_type": "payment_intent.succeeded", "livemode": False, "ref": "pi_1",
        "transaction_id": None, "body": body, "body_sha256": hashlib.sha256(body).digest(), "headers": {"user-agent": "Stripe/1.0"},
        "state": "pending", "reason": None, "origin": "webhook", **more,
    }  # fmt: skip
    return NewNotice(**given)


def _desk(db: Database) -> Together[NewNotice, bool]:
    """As file_notice uses it."""
    return db.together(queries.file, key=lambda notice: (notice.gateway, notice.event_id), writes=True)


async def _inbox(db: Database) -> list[Any]:
    async with db.connection() as conn:
        return await conn.fetch(
            "SELECT event_id, body, headers, duplicates, collision, xmin::text AS stored_by FROM webhook_inbox ORDER BY event_id"
        )


async def test_what_comes_in_one_moment_is_one_database_transaction(db: Database) -> None:
    file = _desk(db)
    new = await asyncio.gather(*(file(a_notice(f"evt_{n:02}", body=b"%d" % n)) for n in range(20)))
    filed = await _inbox(db)
    assert new == [True] * 20
    assert [(row["event_id"], row["body"]) for row in filed] == [(f"evt_{n:02}", b"%d" % n) for n in range(20)]
    assert all(row["headers"] == {"user-agent": "Stripe/1.0"} for row in filed)
    assert len({row["stored_by"] for row in filed}) == 1


async def test_while_one_statement_is_under_way_the_next_one_fills(db: Database) -> None:
    db.at_once = 1
    file = _desk(db)
    first = asyncio.create_task(file(a_notice("evt_0")))
    await asyncio.sleep(0.001)  # it is under way
    rest = [asyncio.create_task(file(a_notice(f"evt_{n}"))) for n in range(1, 6)]
    await asyncio.gather(first, *rest)
    assert len({row["stored_by"] for row in await _inbox(db)}) == 2


async def test_a_notice_that_is_told_again_is_counted_together_or_alone(db: Database) -> None:
    file = _desk(db)
    await file(a_notice("evt_old"))
    new = await asyncio.gather(file(a_notice("evt_old")), file(a_notice("evt_new")))
    assert new == [False, True]
    in_one_moment = await asyncio.gather(file(a_notice("evt_3")), file(a_notice("evt_3")))
    assert sorted(in_one_moment) == [False, True]
    assert [(row["event_id"], row["duplicates"], row["collision"]) for row in await _inbox(db)] == [
        ("evt_3", 1, False), ("evt_new", 0, False), ("evt_old", 1, False),
    ]  # fmt: skip


async def test_the_same_event_with_another_body_is_marked(db: Database) -> None:
    file = _desk(db)
    await file(a_notice("evt_1"))
    await asyncio.gather(file(a_notice("evt_1", body=b"other")), file(a_notice("evt_2")))
    assert [(row["event_id"], row["collision"]) for row in await _inbox(db)] == [("evt_1", True), ("evt_2", False)]
    await file(a_notice("evt_1"))
    await file(a_notice("evt_2"))
    async with db.connection() as conn:
        digests = await conn.fetch("SELECT body_sha256, other_sha256 FROM webhook_inbox ORDER BY event_id")
    first, other = (hashlib.sha256(body).digest() for body in (b"{}", b"other"))
    assert [tuple(row) for row in digests] == [(first, other), (first, None)], "both are known by their digests"


async def test_one_that_cannot_be_stored_does_not_keep_out_those_beside_it(db: Database) -> None:
    file = _desk(db)
    told = [a_notice("evt_1"), a_notice("evt_\0"), a_notice("evt_2"), a_notice("evt_3", state="nonsense")]
    answers = await asyncio.gather(*map(file, told), return_exceptions=True)
    assert answers[0] is answers[2] is True
    assert isinstance(answers[1], asyncpg.DataError)
    assert isinstance(answers[3], asyncpg.CheckViolationError)
    assert [row["event_id"] for row in await _inbox(db)] == ["evt_1", "evt_2"]


async def test_one_that_has_to_wait_holds_up_none_of_those_it_failed_with_nor_those_that_come_later(
    db: Database,
) -> None:
    let_go = asyncio.Event()

    async def ask(_: Connection, asked: Sequence[str]) -> dict[str, bool]:
        if "Mallory" in asked:
            if len(asked) > 1:
                raise RuntimeError("refused")
            await let_go.wait()
        return dict.fromkeys(asked, True)

    shared = db.together(ask)
    asha, mallory, ben = (asyncio.create_task(shared(name)) for name in ("Asha", "Mallory", "Ben"))
    assert (await asha, await ben, await shared("Chitra")) == (True, True, True)
    assert not mallory.done()
    let_go.set()
    assert await mallory is True


async def test_who_hangs_up_takes_nobody_along(db: Database) -> None:
    file = _desk(db)
    first, second = (asyncio.create_task(file(a_notice(f"evt_{n}"))) for n in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is True
    assert "evt_2" in [row["event_id"] for row in await _inbox(db)]


async def test_nothing_is_answered_when_the_database_is_away(db: Database) -> None:
    file = _desk(db)
    await db.pool.expire_connections()
    await db.close()
    with pytest.raises(asyncpg.InterfaceError):
        await file(a_notice("evt_1"))
    answers = await asyncio.gather(*(file(a_notice(f"evt_{n}")) for n in range(3)), return_exceptions=True)
    assert all(isinstance(answer, asyncpg.InterfaceError) for answer in answers)
