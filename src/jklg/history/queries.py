"""SQL of the history room."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a subject. `happened_at` in UTC."""

    id: int
    happened_at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


async def insert(
    conn: Connection, actor: str, action: str, subject_type: str, subject_id: UUID, detail: dict[str, Any]
) -> None:
    await conn.execute(
        "INSERT INTO history (actor, action, subject_type, subject_id, detail) VALUES ($1, $2, $3, $4, $5)",
        actor,
        action,
        subject_type,
        subject_id,
        detail,
    )


async def list_of(conn: Connection, subject_id: UUID) -> list[Event]:
    rows = await conn.fetch(
        "SELECT id, happened_at, actor, action, detail FROM history WHERE subject_id = $1 ORDER BY id", subject_id
    )
    return [Event(**row) for row in rows]


async def list_latest(conn: Connection, subject_id: UUID, limit: int) -> list[Event]:
    rows = await conn.fetch(
        "SELECT id, happened_at, actor, action, detail FROM history WHERE subject_id = $1 ORDER BY id DESC LIMIT $2",
        subject_id,
        limit,
    )
    return [Event(**row) for row in reversed(rows)]
