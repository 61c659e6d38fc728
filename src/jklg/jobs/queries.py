"""SQL on the queue's own table, which pgqueuer makes."""

from __future__ import annotations

from jklg.kit.db import Connection


async def lock_held(conn: Connection, job_id: int) -> bool:
    """Whether this news is held after its last try; nobody else tells it again until the caller's database transaction ends."""
    return bool(await conn.fetchval("SELECT true FROM pgqueuer WHERE id = $1 AND status = 'failed' FOR UPDATE", job_id))
