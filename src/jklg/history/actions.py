"""Record what happened; read what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jklg.history import queries
from jklg.history.queries import Event, Happening
from jklg.kit.db import Connection


async def record(
    conn: Connection,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: UUID,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write who did what, in the caller's database transaction: it happened with the change, or not at all.

    `actor`: 'system', 'guest', 'staff:<id>', 'gateway:<name>'. `detail` holds ids and amounts, never a person's data.
    """
    await record_all(conn, [Happening(actor, action, subject_type, subject_id, detail or {})])


async def record_all(conn: Connection, happened: Sequence[Happening]) -> None:
    """The same of many things, in this order, in one statement."""
    if happened:
        await queries.insert(conn, happened)


async def of(conn: Connection, subject_id: UUID) -> list[Event]:
    """Everything that happened to a subject, oldest first."""
    return await queries.list_of(conn, subject_id)


async def latest(conn: Connection, subject_id: UUID, limit: int) -> list[Event]:
    """The last `limit` things that happened to a subject, oldest first."""
    return await queries.list_latest(conn, subject_id, limit)
