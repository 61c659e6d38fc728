"""SQL on the queue's own table, which pgqueuer makes."""

from __future__ import annotations

from jklg.kit.db import Connection


async def lock_held(conn: Connection, job_id: int) -> bool:
    """Whether this news is held after its last try; nobody else tells it again until the caller's database transaction ends."""
    return bool(await conn.fetchval("SELECT true FROM pgqueuer WHERE id = $1 AND status = 'failed' FOR UPDATE", job_id))


async def delete_told(conn: Connection, limit: int) -> int:
    """Of news that is told, or that nobody keeps: what became of it, older than thirty days. The queue itself never deletes that."""
    rows = await conn.fetch(
        """
        DELETE FROM pgqueuer_log WHERE id IN (
            SELECT l.id FROM pgqueuer_log l
            WHERE l.created < (SELECT house_now()) - interval '30 days' AND NOT EXISTS (SELECT FROM pgqueuer j WHERE j.id = l.job_id)
            ORDER BY l.created LIMIT $1)
        RETURNING id
        """,
        limit,
    )
    return len(rows)
