"""SQL of limits."""

from __future__ import annotations

from jklg.kit.db import Connection


async def take(
    conn: Connection, subjects: list[bytes], whose: list[bytes], times: list[int], seconds: list[int]
) -> int:
    """Locks the subjects' rows, in order (migration 0008)."""
    wait: int = await conn.fetchval(
        "SELECT take_from_limits($1::bytea[], $2::bytea[], $3::integer[], $4::integer[])",
        subjects,
        whose,
        times,
        seconds,
    )
    return wait


async def give_back(conn: Connection, subjects: list[bytes], seconds_each: list[float]) -> None:
    await conn.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT l.subject, g.seconds FROM unnest($1::bytea[], $2::double precision[]) AS g(subject, seconds)
            JOIN limits l USING (subject) ORDER BY l.subject FOR UPDATE OF l
        )
        UPDATE limits l SET full_at = l.full_at - make_interval(secs => given.seconds)
        FROM given WHERE l.subject = given.subject
        """,
        subjects,
        seconds_each,
    )


async def clear(conn: Connection, whose: bytes) -> None:
    await conn.execute(
        """
        DELETE FROM limits WHERE subject IN (SELECT subject FROM limits WHERE whose = $1 ORDER BY subject FOR UPDATE)
        """,
        whose,
    )


async def forget_full(conn: Connection, limit: int) -> int:
    rows = await conn.fetch(
        """
        DELETE FROM limits WHERE subject IN (
            SELECT subject FROM limits WHERE full_at <= (SELECT house_now()) ORDER BY subject LIMIT $1
            FOR UPDATE SKIP LOCKED
        ) RETURNING subject
        """,
        limit,
    )
    return len(rows)
