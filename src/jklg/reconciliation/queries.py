"""SQL of the reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from jklg.kit.db import Connection
from jklg.payments.gateways.contract import Snapshot
from jklg.reconciliation.rules import Ours


class Turn(NamedTuple):
    """From where to where to look. UTC, by the house's clock."""

    done_at: datetime
    until: datetime


async def take_turn(
    conn: Connection, gateway: str, livemode: bool, task: str, first_days: int, lease_seconds: int, at_once: bool
) -> Turn | None:
    """It is time, or to be done at once, and nobody else begins with it until the lease ends. None otherwise."""
    row = await conn.fetchrow(
        """
        INSERT INTO reconciliation_watermarks AS w (gateway, livemode, task, done_at, next_at)
        VALUES ($1, $2, $3, house_now() - make_interval(days => $4), house_now() + make_interval(secs => $5))
        ON CONFLICT (gateway, livemode, task) DO UPDATE SET next_at = excluded.next_at WHERE w.next_at <= house_now() OR $6
        RETURNING done_at, house_now() - interval '5 minutes' AS until
        """,
        gateway, livemode, task, first_days, lease_seconds, at_once,
    )  # fmt: skip
    return Turn(*row) if row else None


async def move_watermark(
    conn: Connection, gateway: str, livemode: bool, task: str, done_at: datetime, lease_seconds: float
) -> None:
    """Everything until `done_at` has been looked at, and there is more to do."""
    await conn.execute(
        """
        UPDATE reconciliation_watermarks SET done_at = greatest(done_at, $4), next_at = house_now() + make_interval(secs => $5)
        WHERE gateway = $1 AND livemode = $2 AND task = $3
        """,
        gateway, livemode, task, done_at, lease_seconds,
    )  # fmt: skip


async def find_ours(conn: Connection, gateway: str, theirs: Snapshot) -> Ours | None:
    """Our row of an attempt: by the gateway's id, else by ours, if the gateway has kept it."""
    row = await conn.fetchrow(
        """
        SELECT id, transaction_id AS ref, state, amount, currency, captured_amount AS captured, created_at FROM transactions
        WHERE gateway = $1 AND livemode = $2 AND (transaction_id = $3 OR id = $4)
        ORDER BY transaction_id = $3 DESC NULLS LAST LIMIT 1
        """,
        gateway, theirs.livemode, theirs.ref, theirs.transaction_id,
    )  # fmt: skip
    return Ours(**row) if row else None


async def list_unlisted(
    conn: Connection, gateway: str, livemode: bool, start: datetime, end: datetime, listed: Sequence[str]
) -> list[Ours]:
    """Money that we say the gateway took in this time, and that it has not listed. (Not every gateway lists what nobody has paid.)"""
    rows = await conn.fetch(
        """
        SELECT id, transaction_id AS ref, state, amount, currency, captured_amount AS captured, created_at FROM transactions
        WHERE gateway = $1 AND livemode = $2 AND transaction_id IS NOT NULL AND created_at >= $3 AND created_at < $4
          AND captured_amount > 0 AND transaction_id <> ALL($5)
        ORDER BY created_at, id
        """,
        gateway, livemode, start, end, list(listed),
    )  # fmt: skip
    return [Ours(**row) for row in rows]


async def list_unsettled(conn: Connection, gateway: str, livemode: bool) -> list[UUID]:
    """Attempts that may still change by themselves, the oldest first."""
    rows = await conn.fetch(
        "SELECT id FROM transactions WHERE gateway = $1 AND livemode = $2 AND check_at IS NOT NULL ORDER BY id",
        gateway,
        livemode,
    )
    return [row["id"] for row in rows]


async def count_open(conn: Connection, gateway: str | None) -> dict[str, int]:
    """Kind of concern -> how many wait for a person, of one gateway or of all; what belongs to none belongs to each. Webhooks put aside, too."""
    rows = await conn.fetch(
        """
        SELECT kind, count(*) AS many FROM (
            SELECT a.kind, coalesce(t.gateway, a.detail ->> 'gateway') AS gateway
            FROM anomalies a LEFT JOIN transactions t ON t.id = a.transaction_id WHERE a.resolved_at IS NULL
            UNION ALL SELECT 'webhook_put_aside', gateway FROM webhook_inbox WHERE state = 'dead'
        ) open WHERE $1::text IS NULL OR gateway IS NULL OR gateway = $1
        GROUP BY kind ORDER BY kind
        """,
        gateway,
    )
    return {row["kind"]: row["many"] for row in rows}
