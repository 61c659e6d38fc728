"""SQL of the history room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
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


class Happening(NamedTuple):
    """One thing that has just happened: see `actions.record`."""

    actor: str
    action: str
    subject_type: str
    subject_id: UUID
    detail: dict[str, Any]


async def insert(conn: Connection, happened: Sequence[Happening]) -> None:
    await conn.execute(
        """
        INSERT INTO history (actor, action, subject_type, subject_id, detail)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[])
        """,
        *zip(*happened, strict=True),
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
