"""What could not be healed by itself: somebody takes it on, and says how it was settled."""

from __future__ import annotations

from uuid import UUID

from jklg import history
from jklg.kit.db import Database, claims
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.payments import queries


async def take_on(db: Database, anomaly_id: UUID, *, actor: str) -> None:
    """Make it `actor`'s ('staff:<id>'), whoever had it before. NotFound (concern_not_found), Conflict (concern_settled)."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        concern = await queries.lock_anomaly(conn, anomaly_id)
        if concern is None:
            raise _unknown()
        if concern.resolved_at is not None:
            raise _over()
        await queries.own_anomaly(conn, anomaly_id, actor)
        await history.record(conn, actor, "concern.taken_on", "anomaly", anomaly_id)


async def settle_concern(db: Database, anomaly_id: UUID, *, actor: str, note: str) -> None:
    """It is dealt with, in `note`'s words (up to 2,000 characters). The words stay with it; nothing else changes.

    Raises BadInput (note_missing), NotFound (concern_not_found), Conflict (concern_settled).
    """
    note = note.strip()[:2000]
    if not note:
        raise BadInput("note_missing", "Please say how it was settled.", details={"field": "note"})
    async with db.transaction(claims("system", actor=actor)) as conn:
        concern = await queries.lock_anomaly(conn, anomaly_id)
        if concern is None:
            raise _unknown()
        if concern.resolved_at is not None:
            raise _over()
        await queries.settle_anomaly(conn, anomaly_id, actor, note)
        await history.record(conn, actor, "concern.settled", "anomaly", anomaly_id)


def _unknown() -> NotFound:
    return NotFound("concern_not_found", "We cannot find this.")


def _over() -> Conflict:
    return Conflict("concern_settled", "This has been settled already.")
