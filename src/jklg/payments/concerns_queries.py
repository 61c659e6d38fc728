"""SQL of concerns that may come, go and come again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg.kit.db import Connection


async def report_again(
    conn: Connection,
    *,
    anomaly_id: UUID,
    kind: str,
    about: str,
    transaction_id: UUID | None,
    booking_id: UUID | None,
    detail: dict[str, object],
) -> bool:
    """Open a concern about a subject. While one is open, its detail is brought up to date; one that a person has settled with the same
    `difference` stays settled. True when a new one was opened. Two at once: `anomalies_once` lets one through."""
    await conn.execute(
        "UPDATE anomalies SET detail = $2 WHERE starts_with(once_key, $1 || ':') AND resolved_at IS NULL", about, detail
    )
    new = await conn.fetchval(
        """
        INSERT INTO anomalies (id, kind, once_key, transaction_id, booking_id, detail)
        SELECT $1, $2, $3 || ':' || (SELECT count(*) + 1 FROM anomalies WHERE starts_with(once_key, $3 || ':')), $4, $5, $6
        WHERE NOT EXISTS (
            SELECT FROM anomalies WHERE starts_with(once_key, $3 || ':')
               AND (resolved_at IS NULL OR resolved_by <> 'system' AND detail ->> 'difference' IS NOT DISTINCT FROM $6::jsonb ->> 'difference'))
        ON CONFLICT ON CONSTRAINT anomalies_once DO NOTHING RETURNING true
        """,
        anomaly_id, kind, about, transaction_id, booking_id, detail,
    )  # fmt: skip
    return bool(new)


async def resolve_others(conn: Connection, prefix: str, still: Sequence[str]) -> int:
    """Of the open concerns whose subject begins with `prefix`, those that are not among `still` have settled themselves."""
    rows = await conn.fetch(
        """
        UPDATE anomalies SET resolved_at = house_now(), resolved_by = 'system'
        WHERE starts_with(once_key, $1) AND resolved_at IS NULL AND regexp_replace(once_key, ':[0-9]+$', '') <> ALL($2) RETURNING id
        """,
        prefix,
        list(still),
    )
    return len(rows)
