"""News inside the caller's database transaction: announced, it is told if, and only if, the fact is committed; or told again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from jklg.jobs import queries
from jklg.kit.db import Connection, Database
from jklg.kit.languages import ENGLISH, spoken

LANGUAGE = "language"
"""Where the payload says it. English is not said."""


async def announce(conn: Connection, news: str, payload: dict[str, Any]) -> None:
    """Put `news` ('booking.confirmed') into the queue. One round trip. `payload` holds ids, as text.

    Who acts on it is decided by `app.LISTENERS`, never here. They speak the language that is spoken now: a customer is written to as they
    were answered.
    """
    if spoken().code != ENGLISH:
        payload = {**payload, LANGUAGE: spoken().code}
    await announce_all(conn, [(news, payload)])


async def announce_all(conn: Connection, all_news: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """The same of many pieces of news, in this order, in one round trip. They say no language: what is announced of several people at once
    is written to each of them in the language of their booking."""
    if all_news:
        names, payloads = zip(*all_news, strict=True)
        told = [json.dumps(payload).encode() for payload in payloads]
        await Queries(AsyncpgDriver(conn)).enqueue(list(names), told, [0] * len(told))  # type: ignore[arg-type]


async def tell_again(conn: Connection, job_id: int) -> bool:
    """Put news back into the queue that nobody could act on; its tries begin anew. Whoever acts on it is told once more, and what was done
    before is not done twice. False for news that is not held. Locks it."""
    if not await queries.lock_held(conn, job_id):
        return False
    await Queries(AsyncpgDriver(conn)).requeue_jobs([job_id])  # type: ignore[arg-type,list-item]
    return True


async def forget_told(db: Database, limit: int = 500) -> int:
    """A sweep: what became of news stays for thirty days, with every error on the way. Of news that is held it stays: staff read its last
    error. Answers how much was forgotten."""
    async with db.transaction() as conn:
        return await queries.delete_told(conn, limit)
