"""Take from a measure before trying; give back what turned out to be no failure."""

from __future__ import annotations

from collections.abc import Sequence

from jklg.kit.db import Connection, Database
from jklg.limits import queries, rules
from jklg.limits.rules import Limit


async def take(conn: Connection, wanted: Sequence[tuple[Limit, str]]) -> int:
    """Take one from each measure, or from none: 0 when taken, else how many seconds to wait.

    `wanted` are a limit and a subject each; the first word of a subject says whose it is. The rows stay locked until the
    caller's database transaction ends. It must be committed whatever comes of the try, or the try was not counted: take,
    commit, and only then check a password, so that a hundred guesses at once are not all the first.
    """
    return await queries.take(
        conn,
        [_key(limit, subject) for limit, subject in wanted],
        [rules.whose(subject) for _, subject in wanted],
        [limit.times for limit, _ in wanted],
        [limit.seconds for limit, _ in wanted],
    )


async def give_back(conn: Connection, taken: Sequence[tuple[Limit, str]]) -> None:
    """It was no failure: one back to each measure."""
    await queries.give_back(
        conn,
        [_key(limit, subject) for limit, subject in taken],
        [limit.seconds / limit.times for limit, _ in taken],
    )


async def clear(conn: Connection, whose: str) -> None:
    """Fill every measure of somebody: those whose subjects begin with the word `whose`."""
    await queries.clear(conn, rules.whose(whose))


async def forget_full(db: Database) -> int:
    """A sweep: a full measure needs no row."""
    async with db.transaction() as conn:
        return await queries.forget_full(conn, 1000)


def _key(limit: Limit, subject: str) -> bytes:
    return rules.hashed(f"{limit.name}\0{subject}")
