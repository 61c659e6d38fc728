"""SQL of daily money. Amounts in minor units, signed as the gateway's account: what came to us is positive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from jklg.kit.db import Connection
from jklg.payments.gateways.movements import Movement
from jklg.reconciliation.movements.rules import Difference


class Turn(NamedTuple):
    """From where to where to read. UTC, by the house's clock."""

    done_at: datetime
    until: datetime


class Kept(NamedTuple):
    """A line as it was first listed."""

    id: UUID
    new: bool
    kind: str
    gross: int
    fee: int
    currency: str


class Loose(NamedTuple):
    """A line that belongs to no attempt that anybody knows."""

    id: UUID
    ref: str
    kind: str
    gross: int
    fee: int
    currency: str
    happened_at: datetime


async def take_turn(
    conn: Connection, gateway: str, livemode: bool, furthest_days: int, lease_seconds: int, at_once: bool
) -> Turn | None:
    """It is time, or to be done at once, and nobody else begins with it until the lease ends. A gateway that we see for the first time is read
    tomorrow, from its first attempt on."""
    row = await conn.fetchrow(
        """
        INSERT INTO gateway_accounts AS a (gateway, livemode, listed_from_at, listed_until_at, next_at)
        SELECT $1, $2, begin_at, begin_at, (date_trunc('day', house_now() AT TIME ZONE 'UTC') + interval '28 hours') AT TIME ZONE 'UTC'
        FROM (SELECT greatest(coalesce(min(created_at), house_now()), house_now() - make_interval(days => $3)) AS begin_at
              FROM transactions WHERE gateway = $1 AND livemode = $2) first
        ON CONFLICT (gateway, livemode) DO UPDATE SET next_at = house_now() + make_interval(secs => $4) WHERE a.next_at <= house_now() OR $5
        RETURNING listed_until_at AS done_at, house_now() AS until, xmax = 0 AS new
        """,
        gateway, livemode, furthest_days, lease_seconds, at_once,
    )  # fmt: skip
    return Turn(row["done_at"], row["until"]) if row and (at_once or not row["new"]) else None


async def look_again_in(conn: Connection, gateway: str, livemode: bool, seconds: float) -> timedelta:
    """It could not be read to its end; come again. For how long it has not been."""
    failing: timedelta = await conn.fetchval(
        """
        UPDATE gateway_accounts SET next_at = house_now() + make_interval(secs => $3), failing_since = coalesce(failing_since, house_now())
        WHERE gateway = $1 AND livemode = $2 RETURNING house_now() - failing_since
        """,
        gateway, livemode, seconds,
    )  # fmt: skip
    return failing


async def end_turn(conn: Connection, gateway: str, livemode: bool, done_at: datetime) -> None:
    """Everything until `done_at` is read; the next turn is tomorrow at four, UTC."""
    await conn.execute(
        """
        UPDATE gateway_accounts SET listed_until_at = greatest(listed_until_at, $3), failing_since = NULL,
            next_at = (date_trunc('day', house_now() AT TIME ZONE 'UTC') + interval '28 hours') AT TIME ZONE 'UTC'
        WHERE gateway = $1 AND livemode = $2
        """,
        gateway, livemode, done_at,
    )  # fmt: skip


async def now(conn: Connection) -> datetime:
    """The house's clock."""
    found: datetime = await conn.fetchval("SELECT house_now()")
    return found


async def keep(conn: Connection, movement_id: UUID, gateway: str, livemode: bool, listed: Movement) -> Kept:
    """Write a line down, once; of one that is known, note the payout that it has left with."""
    row = await conn.fetchrow(
        """
        INSERT INTO gateway_movements AS m (
            id, gateway, livemode, ref, kind, gross_amount, fee_amount, net_amount, currency, asked_amount, asked_currency,
            about, attempt_ref, transaction_id, payout_ref, arrives_on, bank_ref, happened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, (SELECT id FROM transactions WHERE id = $14 AND gateway = $2 AND livemode = $3),
                $15, $16, $17, $18)
        ON CONFLICT ON CONSTRAINT gateway_movements_once DO UPDATE SET
            payout_ref = coalesce(excluded.payout_ref, m.payout_ref), arrives_on = coalesce(excluded.arrives_on, m.arrives_on),
            bank_ref = coalesce(excluded.bank_ref, m.bank_ref)
        RETURNING id, xmax = 0 AS new, kind, gross_amount AS gross, fee_amount AS fee, currency
        """,
        movement_id, gateway, livemode, listed.ref, listed.kind, listed.gross, listed.fee, listed.net, listed.currency,
        listed.gross if listed.asked is None else listed.asked, listed.asked_currency or listed.currency,
        listed.about, listed.attempt_ref, listed.transaction_id, listed.payout_ref, listed.arrives_on, listed.bank_ref, listed.happened_at,
    )  # fmt: skip
    assert row is not None, "written or found"
    return Kept(*row)


async def link(conn: Connection, gateway: str, livemode: bool) -> None:
    """Find the attempts of lines that name them only in a roundabout way: by the attempt, the dispute, the refund, or another line's charge."""
    await conn.execute(
        """
        UPDATE gateway_movements m SET attempt_ref = c.attempt_ref
        FROM gateway_movements c
        WHERE m.gateway = $1 AND m.livemode = $2 AND m.attempt_ref IS NULL AND m.transaction_id IS NULL
          AND m.kind IN ('refund', 'refund_returned', 'dispute', 'other')
          AND c.gateway = $1 AND c.livemode = $2 AND c.kind = 'capture' AND c.about = m.about AND c.attempt_ref IS NOT NULL
        """,
        gateway, livemode,
    )  # fmt: skip
    await conn.execute(
        """
        UPDATE gateway_movements m SET transaction_id = known.id
        FROM gateway_movements l
        CROSS JOIN LATERAL (SELECT coalesce(
            (SELECT t.id FROM transactions t WHERE t.gateway = $1 AND t.livemode = $2 AND t.transaction_id = l.attempt_ref),
            (SELECT d.transaction_id FROM disputes d WHERE d.gateway = $1 AND d.livemode = $2 AND d.gateway_ref = l.about),
            (SELECT r.transaction_id FROM refunds r JOIN transactions t ON t.id = r.transaction_id
             WHERE t.gateway = $1 AND t.livemode = $2 AND r.gateway_ref = l.about LIMIT 1),
            (SELECT c.transaction_id FROM gateway_movements c
             WHERE c.gateway = $1 AND c.livemode = $2 AND c.kind = 'capture' AND c.about = l.about AND c.transaction_id IS NOT NULL LIMIT 1)) AS id) known
        WHERE m.id = l.id AND l.gateway = $1 AND l.livemode = $2 AND l.transaction_id IS NULL AND known.id IS NOT NULL
          AND l.kind IN ('capture', 'refund', 'refund_returned', 'dispute', 'other')
        """,
        gateway, livemode,
    )  # fmt: skip


_THEIRS = """
    SELECT transaction_id, attempt_ref, asked_currency AS currency, asked_amount AS amount, happened_at AS at FROM gateway_movements
    WHERE gateway = $1 AND livemode = $2 AND kind IN ('capture', 'refund', 'refund_returned', 'dispute', 'other')
    UNION ALL
    SELECT transaction_id, attempt_ref, currency, -fee_amount, happened_at FROM gateway_movements
    WHERE gateway = $1 AND livemode = $2 AND kind = 'dispute' AND fee_amount <> 0
"""


async def list_differences(conn: Connection, gateway: str, livemode: bool) -> list[Difference]:
    """Every attempt of ours of which the gateway's lines and our postings do not add up to the same, since we read its account."""
    rows = await conn.fetch(
        f"""
        WITH theirs AS (
            SELECT transaction_id, currency, sum(amount) AS amount, max(at) AS at FROM ({_THEIRS}) lines
            WHERE transaction_id IS NOT NULL GROUP BY 1, 2
        ), ours AS (
            SELECT coalesce(r.transaction_id, d.transaction_id, t.id) AS transaction_id, e.currency, sum(e.amount) AS amount, max(l.posted_at) AS at
            FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
            LEFT JOIN refunds r ON l.source_type = 'refund' AND r.id::text = l.source_id
            LEFT JOIN disputes d ON l.source_type = 'dispute' AND d.id::text = split_part(l.source_id, ':', 1)
            LEFT JOIN transactions t ON l.source_type = 'transaction' AND t.id::text = split_part(l.source_id, ':', 1)
            WHERE e.account = 'gateway_clearing:' || $1 AND l.source_type IN ('transaction', 'refund', 'dispute') GROUP BY 1, 2
        )
        SELECT x.id AS transaction_id, x.booking_id, coalesce(x.transaction_id, x.id::text) AS ref, both_.currency, both_.theirs, both_.ours,
               EXISTS (SELECT FROM refunds u WHERE u.transaction_id = x.id AND u.state IN ('submitted', 'pending')) AS under_way,
               both_.newest_at
        FROM (
            SELECT transaction_id, currency, coalesce(theirs.amount, 0)::bigint AS theirs, coalesce(ours.amount, 0)::bigint AS ours,
                   greatest(theirs.at, ours.at) AS newest_at
            FROM theirs FULL JOIN ours USING (transaction_id, currency)
        ) both_
        JOIN transactions x ON x.id = both_.transaction_id AND x.gateway = $1 AND x.livemode = $2
        JOIN gateway_accounts a ON a.gateway = $1 AND a.livemode = $2 AND x.created_at >= a.listed_from_at
        WHERE both_.theirs <> both_.ours
        ORDER BY x.id, both_.currency
        """,  # noqa: S608  (a part of the statement, not a value)
        gateway, livemode,
    )  # fmt: skip
    return [Difference(*row) for row in rows]


async def list_strangers(conn: Connection, gateway: str, livemode: bool) -> list[Difference]:
    """The same of attempts that are not ours: what the gateway moved for them, and what of it lies in suspense."""
    rows = await conn.fetch(
        f"""
        WITH theirs AS (
            SELECT attempt_ref AS ref, currency, sum(amount) AS amount, max(at) AS at FROM ({_THEIRS}) lines
            WHERE transaction_id IS NULL AND attempt_ref IS NOT NULL GROUP BY 1, 2
        ), ours AS (
            SELECT split_part(l.source_id, ':', 2) AS ref, e.currency, sum(e.amount) AS amount
            FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
            WHERE e.account = 'gateway_clearing:' || $1 AND l.source_type = 'gateway_object' GROUP BY 1, 2
        )
        SELECT NULL::uuid AS transaction_id, NULL::uuid AS booking_id, ref, currency, theirs.amount::bigint AS theirs,
               coalesce(ours.amount, 0)::bigint AS ours, false AS under_way, theirs.at AS newest_at
        FROM theirs LEFT JOIN ours USING (ref, currency) WHERE theirs.amount <> coalesce(ours.amount, 0) ORDER BY ref, currency
        """,  # noqa: S608  (a part of the statement, not a value)
        gateway, livemode,
    )  # fmt: skip
    return [Difference(*row) for row in rows]


_LOOSE = """
SELECT id, ref, kind, gross_amount AS gross, fee_amount AS fee, currency, happened_at FROM gateway_movements
"""


async def list_loose(conn: Connection, gateway: str, livemode: bool) -> list[Loose]:
    """Lines that belong to no attempt, fee or payout, and that nobody has adopted, the oldest first."""
    rows = await conn.fetch(
        _LOOSE + """
        WHERE gateway = $1 AND livemode = $2 AND transaction_id IS NULL AND attempt_ref IS NULL AND adopted_at IS NULL
          AND kind IN ('capture', 'refund', 'refund_returned', 'dispute', 'other') ORDER BY happened_at, ref
        """,
        gateway, livemode,
    )  # fmt: skip
    return [Loose(*row) for row in rows]


async def get_loose(conn: Connection, movement_id: UUID) -> Loose | None:
    """One of them, if it is still loose. Locks nothing: whoever adopts holds its concern."""
    row = await conn.fetchrow(_LOOSE + "WHERE id = $1 AND transaction_id IS NULL AND adopted_at IS NULL", movement_id)
    return Loose(*row) if row else None


async def adopt(conn: Connection, movement_id: UUID) -> None:
    await conn.execute("UPDATE gateway_movements SET adopted_at = house_now() WHERE id = $1", movement_id)


async def is_about(conn: Connection, concern_id: UUID, subject: str) -> bool:
    """Whether the name of a concern begins so."""
    found: bool = await conn.fetchval(
        "SELECT starts_with(once_key, $2) FROM anomalies WHERE id = $1", concern_id, subject
    )
    return found


async def currencies_held(conn: Connection, gateway: str) -> dict[str, int]:
    """Currency -> what the books say the gateway holds."""
    rows = await conn.fetch(
        "SELECT currency, sum(amount)::bigint FROM ledger_entries WHERE account = 'gateway_clearing:' || $1 GROUP BY currency",
        gateway,
    )
    return {row[0]: row[1] for row in rows}


async def note_balance(
    conn: Connection, gateway: str, livemode: bool, currency: str, theirs: int, ours: int, explained: int
) -> None:
    await conn.execute(
        """
        INSERT INTO gateway_balances (gateway, livemode, currency, theirs_amount, ours_amount, explained_amount) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (gateway, livemode, currency) DO UPDATE SET
            theirs_amount = excluded.theirs_amount, ours_amount = excluded.ours_amount, explained_amount = excluded.explained_amount, asked_at = house_now()
        """,
        gateway, livemode, currency, theirs, ours, explained,
    )  # fmt: skip


BOOKED_OTHERWISE = """
SELECT m.gateway, m.ref, m.kind, m.currency, m.gross_amount, m.fee_amount, coalesce(booked.amount, 0) AS booked
FROM gateway_movements m
LEFT JOIN LATERAL (
    SELECT sum(e.amount) AS amount FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id
    WHERE l.source_type = 'movement' AND l.source_id = m.gateway || CASE WHEN m.livemode THEN ':live:' ELSE ':test:' END || m.ref
      AND e.account = 'gateway_clearing:' || m.gateway AND e.currency = m.currency
) booked ON true
WHERE coalesce(booked.amount, 0) <> CASE WHEN m.kind = 'dispute' THEN 0 ELSE -m.fee_amount END
    + CASE WHEN m.kind IN ('payout', 'payout_returned', 'exchange') OR m.asked_currency <> m.currency THEN m.gross_amount
           WHEN m.adopted_at IS NULL THEN 0 WHEN m.kind = 'dispute' THEN m.net_amount ELSE m.gross_amount END
ORDER BY m.id
"""

BOOKED_AND_NOT_LISTED = """
SELECT l.id, l.kind, l.source_id FROM ledger_transactions l
WHERE (l.source_type = 'movement' OR l.kind IN ('gateway_fee', 'payout', 'payout_returned', 'exchanged', 'exchanged_from', 'exchanged_to'))
  AND NOT EXISTS (
      SELECT FROM gateway_movements m
      WHERE l.source_type = 'movement' AND l.source_id = m.gateway || CASE WHEN m.livemode THEN ':live:' ELSE ':test:' END || m.ref)
ORDER BY l.id
"""
