"""SQL of concerns that may come, go and come again, and of the money that they speak of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Lying(msgspec.Struct, frozen=True, kw_only=True):
    """Money of a booking that should not stay with us, in minor units of `currency`. In customer_deposits: what is beyond the price."""

    account: str
    amount: int
    currency: str


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
    `difference` stays settled until it is over. True when a new one was opened. Two at once: `anomalies_once` lets one through."""
    await conn.execute(
        "UPDATE anomalies SET detail = $2 WHERE starts_with(once_key, $1 || ':') AND resolved_at IS NULL", about, detail
    )
    new = await conn.fetchval(
        """
        INSERT INTO anomalies (id, kind, once_key, transaction_id, booking_id, detail)
        SELECT $1, $2, $3 || ':' || (SELECT count(*) + 1 FROM anomalies WHERE starts_with(once_key, $3 || ':')), $4, $5, $6
        WHERE NOT EXISTS (
            SELECT FROM anomalies WHERE starts_with(once_key, $3 || ':')
               AND (resolved_at IS NULL OR resolved_by <> 'system' AND over_at IS NULL AND detail ->> 'difference' IS NOT DISTINCT FROM $6::jsonb ->> 'difference'))
        ON CONFLICT ON CONSTRAINT anomalies_once DO NOTHING RETURNING true
        """,
        anomaly_id, kind, about, transaction_id, booking_id, detail,
    )  # fmt: skip
    return bool(new)


async def resolve_others(conn: Connection, prefix: str, still: Sequence[str]) -> int:
    """Of the open concerns whose subject begins with `prefix`, those that are not among `still` have settled themselves; those that a
    person has settled are over."""
    rows = await conn.fetch(
        """
        WITH over AS (
            UPDATE anomalies SET over_at = house_now()
            WHERE starts_with(once_key, $1) AND resolved_by <> 'system' AND over_at IS NULL AND regexp_replace(once_key, ':[0-9]+$', '') <> ALL($2))
        UPDATE anomalies SET resolved_at = house_now(), resolved_by = 'system'
        WHERE starts_with(once_key, $1) AND resolved_at IS NULL AND regexp_replace(once_key, ':[0-9]+$', '') <> ALL($2) RETURNING id
        """,
        prefix,
        list(still),
    )
    return len(rows)


async def list_lying(conn: Connection, booking_id: UUID) -> list[Lying]:
    """What lies in suspense, what is owed since a refund did not arrive, what is kept beyond the price (of a cancelled booking: any deposit)."""
    rows = await conn.fetch(
        """
        SELECT e.account, -sum(e.amount)::bigint AS amount, e.currency FROM ledger_entries e
        WHERE e.subject_id = $1 AND e.account IN ('suspense:unapplied', 'refunds_owed')
        GROUP BY e.account, e.currency HAVING sum(e.amount) <> 0
        UNION ALL
        SELECT 'customer_deposits', greatest(kept.deposits + kept.earned - (b.total_price - b.reduced_amount),
                                             CASE b.status WHEN 'cancelled' THEN kept.deposits END)::bigint, b.currency
        FROM bookings b CROSS JOIN LATERAL (
            SELECT -coalesce(sum(e.amount) FILTER (WHERE e.account = 'customer_deposits'), 0) AS deposits,
                   -coalesce(sum(e.amount) FILTER (WHERE e.account = 'travel_revenue'), 0) AS earned
            FROM ledger_entries e WHERE e.subject_id = b.id AND e.currency = b.currency) kept
        WHERE b.id = $1 AND greatest(kept.deposits + kept.earned - (b.total_price - b.reduced_amount),
                                     CASE b.status WHEN 'cancelled' THEN kept.deposits END) > 0
        ORDER BY 1, 3
        """,
        booking_id,
    )
    return [Lying(**row) for row in rows]


async def resolve_of_booking(conn: Connection, booking_id: UUID, kinds: Sequence[str], by: str, note: str) -> None:
    """Open concerns of these kinds about a booking are settled."""
    await conn.execute(
        """
        UPDATE anomalies SET resolved_at = house_now(), resolved_by = $3, note = $4
        WHERE booking_id = $1 AND kind = ANY($2) AND resolved_at IS NULL
        """,
        booking_id,
        list(kinds),
        by,
        note,
    )


async def stray_lying(conn: Connection, gateway: str, ref: str, currency: str) -> int:
    """What lies in suspense of an attempt that is none of ours, in minor units."""
    found = await conn.fetchval(
        """
        SELECT -coalesce(sum(e.amount), 0)::bigint FROM ledger_transactions l
        JOIN ledger_entries e ON e.transaction_id = l.id AND e.account = 'suspense:unapplied' AND e.currency = $2
        WHERE l.source_type = 'gateway_object' AND starts_with(l.source_id, $1)
        """,
        f"{gateway}:{ref}:",
        currency,
    )
    return int(found)


async def is_to_give_back(conn: Connection, refund_id: str) -> bool:
    """A refund by hand that nobody has written down as given."""
    return bool(
        await conn.fetchval(
            "SELECT state IN ('reserved', 'submitted', 'pending') FROM refunds WHERE id = $1::uuid", refund_id
        )
    )


async def list_open_kinds(conn: Connection, booking_id: UUID, besides: UUID) -> list[str]:
    """What else stands before a person about a booking."""
    rows = await conn.fetch(
        "SELECT kind FROM anomalies WHERE booking_id = $1 AND resolved_at IS NULL AND id <> $2", booking_id, besides
    )
    return [row[0] for row in rows]
