"""SQL of the payments room: attempts, commands, facts, anomalies."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. Money in minor units of `currency`; `ref` is the gateway's id (column transaction_id)."""

    id: UUID
    booking_id: UUID
    amount: int
    currency: str
    state: str
    status: str
    gateway: str
    livemode: bool
    ref: str | None
    request_key: str
    client_secret: str | None
    authorized: int
    captured: int
    refund_reserved: int
    refunded: int
    payment_method: str | None
    receipt_url: str | None
    error_message: str | None
    open_at: datetime | None
    checks: int
    created_at: datetime
    completed_at: datetime | None


_TRANSACTION = """
SELECT id, booking_id, amount, currency, state, status, gateway, livemode, transaction_id AS ref, request_key,
       client_secret, authorized_amount AS authorized, captured_amount AS captured, refund_reserved,
       refund_amount AS refunded, payment_method, receipt_url, error_message, open_at, checks, created_at, completed_at
FROM transactions
"""


async def get(conn: Connection, transaction_id: UUID) -> Transaction | None:
    """One attempt, with the rights of the caller's claims. Locks nothing."""
    row = await conn.fetchrow(_TRANSACTION + "WHERE id = $1", transaction_id)
    return Transaction(**row) if row else None


async def lock(conn: Connection, transaction_id: UUID) -> Transaction:
    row = await conn.fetchrow(_TRANSACTION + "WHERE id = $1 FOR UPDATE", transaction_id)
    assert row is not None, "transactions are never deleted"
    return Transaction(**row)


async def list_of_booking(conn: Connection, booking_id: UUID) -> list[Transaction]:
    """Every attempt of a booking, newest first."""
    rows = await conn.fetch(_TRANSACTION + "WHERE booking_id = $1 ORDER BY created_at DESC, id DESC", booking_id)
    return [Transaction(**row) for row in rows]


async def find_open(conn: Connection, booking_id: UUID) -> Transaction | None:
    row = await conn.fetchrow(
        _TRANSACTION
        + "WHERE booking_id = $1 AND state IN ('created', 'submitting', 'requires_payment_method', 'requires_action', 'processing', 'authorized')",
        booking_id,
    )
    return Transaction(**row) if row else None


async def find_by_ref(conn: Connection, gateway: str, livemode: bool, ref: str) -> UUID | None:
    found: UUID | None = await conn.fetchval(
        "SELECT id FROM transactions WHERE gateway = $1 AND livemode = $2 AND transaction_id = $3",
        gateway,
        livemode,
        ref,
    )
    return found


async def count_recent(conn: Connection, booking_id: UUID) -> int:
    """Attempts of the last hour for a booking."""
    found = await conn.fetchval(
        "SELECT count(*) FROM transactions WHERE booking_id = $1 AND created_at > house_now() - interval '1 hour'",
        booking_id,
    )
    return int(found)


async def insert(
    conn: Connection,
    *,
    transaction_id: UUID,
    booking_id: UUID,
    amount: int,
    currency: str,
    gateway: str,
    livemode: bool,
    request_key: str,
    description: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO transactions (id, booking_id, amount, currency, gateway, livemode, request_key, description, check_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, house_now() + interval '30 seconds')
        """,
        transaction_id,
        booking_id,
        amount,
        currency,
        gateway,
        livemode,
        request_key,
        description,
    )


async def update(
    conn: Connection,
    transaction_id: UUID,
    *,
    state: str,
    ref: str,
    client_secret: str | None,
    captured: int,
    authorized: int,
    open_at: datetime | None,
    payment_method: str | None,
    receipt_url: str | None,
    error_message: str | None,
    checks: int,
    look_again_seconds: int | None,
) -> None:
    """Write what the gateway said. The triggers of migration 0007 refuse what cannot be."""
    await conn.execute(
        """
        UPDATE transactions SET
            state = $2, transaction_id = $3, client_secret = coalesce($4, client_secret), captured_amount = $5::bigint,
            authorized_amount = $6, open_at = $7, payment_method = coalesce($8, payment_method),
            receipt_url = coalesce($9, receipt_url), error_message = $10, checks = $11,
            check_at = house_now() + make_interval(secs => $12),
            completed_at = CASE WHEN $5::bigint > 0 THEN coalesce(completed_at, house_now()) END
        WHERE id = $1
        """,
        transaction_id,
        state,
        ref,
        client_secret,
        captured,
        authorized,
        open_at,
        payment_method,
        receipt_url,
        error_message,
        checks,
        look_again_seconds,
    )


async def fail(conn: Connection, transaction_id: UUID, error_message: str) -> None:
    """The gateway proved that nothing was or will be taken."""
    await conn.execute(
        "UPDATE transactions SET state = 'failed', error_message = $2, check_at = NULL WHERE id = $1",
        transaction_id,
        error_message,
    )


async def look_again(conn: Connection, transaction_id: UUID, checks: int, seconds: float | None) -> None:
    await conn.execute(
        "UPDATE transactions SET checks = $2, check_at = house_now() + make_interval(secs => $3) WHERE id = $1",
        transaction_id,
        checks,
        seconds,
    )


async def claim_due(conn: Connection, limit: int) -> list[UUID]:
    """Attempts whose time to be looked at has come, leased for a minute so that two workers do not both go."""
    rows = await conn.fetch(
        """
        UPDATE transactions SET check_at = house_now() + interval '60 seconds'
        WHERE id IN (SELECT id FROM transactions WHERE check_at <= house_now() ORDER BY check_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id
        """,
        limit,
    )
    return sorted(row[0] for row in rows)


async def list_overdue(conn: Connection, limit: int) -> list[UUID]:
    """Open attempts whose booking waits for nothing: its hold is past, it was given up, or another attempt has paid it."""
    rows = await conn.fetch(
        """
        SELECT t.id FROM bookings b JOIN transactions t ON t.booking_id = b.id
        WHERE b.payment_open AND (b.status <> 'held' OR b.hold_expires_at <= house_now())
          AND t.state IN ('created', 'submitting', 'requires_payment_method', 'requires_action', 'processing', 'authorized')
          AND NOT EXISTS (SELECT FROM gateway_commands c WHERE c.transaction_id = t.id AND c.kind = 'cancel' AND c.next_attempt_at > house_now())
        ORDER BY b.hold_expires_at, t.id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


async def list_leftovers(conn: Connection, limit: int) -> list[UUID]:
    """Attempts that have ended here, were found open at their gateway, and are due to be closed there."""
    rows = await conn.fetch(
        """
        SELECT transaction_id FROM gateway_commands
        WHERE kind = 'cancel' AND request_key = 'void:' || transaction_id AND state IN ('pending', 'unknown') AND next_attempt_at <= house_now()
        ORDER BY next_attempt_at, id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One mutating call to a gateway, written before it is made."""

    id: UUID
    transaction_id: UUID
    refund_id: UUID | None
    kind: str
    request_key: str
    state: str
    attempts: int
    first_sent_at: datetime | None
    seconds_since_first: float


_COMMAND = """
SELECT id, transaction_id, refund_id, kind, request_key, state, attempts, first_sent_at,
       coalesce(extract(epoch FROM house_now() - first_sent_at), 0)::float8 AS seconds_since_first
FROM gateway_commands
"""


async def add_command(
    conn: Connection,
    *,
    command_id: UUID,
    transaction_id: UUID,
    kind: str,
    request_key: str,
    refund_id: UUID | None = None,
) -> None:
    """Write the intention to call. Twice is once: the request key is unique."""
    await conn.execute(
        """
        INSERT INTO gateway_commands (id, transaction_id, kind, request_key, refund_id)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT gateway_commands_once DO NOTHING
        """,
        command_id,
        transaction_id,
        kind,
        request_key,
        refund_id,
    )


async def get_command(conn: Connection, request_key: str) -> Command | None:
    row = await conn.fetchrow(_COMMAND + "WHERE request_key = $1", request_key)
    return Command(**row) if row else None


async def sending(conn: Connection, command_id: UUID, next_attempt_seconds: float) -> None:
    """About to call: the result is unknown until it is written, and a crash must find it so. What was refused before stays so."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = CASE state WHEN 'pending' THEN 'unknown' ELSE state END, attempts = attempts + 1,
               first_sent_at = coalesce(first_sent_at, house_now()), next_attempt_at = house_now() + make_interval(secs => $2)
        WHERE id = $1
        """,
        command_id,
        next_attempt_seconds,
    )


async def finish_command(conn: Connection, command_id: UUID, state: str, error: str | None = None) -> None:
    await conn.execute(
        "UPDATE gateway_commands SET state = $2, last_error = $3 WHERE id = $1 AND state IN ('pending', 'unknown')",
        command_id,
        state,
        error,
    )


async def finish_commands(conn: Connection, request_keys: list[str], state: str, error: str | None = None) -> None:
    """Those of these keys that are there and have no result yet."""
    await conn.execute(
        """
        UPDATE gateway_commands SET state = $2, last_error = $3
        WHERE request_key = ANY($1) AND state IN ('pending', 'unknown')
        """,
        request_keys,
        state,
        error,
    )


async def postpone_command(conn: Connection, command_id: UUID, seconds: float, error: str) -> None:
    await conn.execute(
        "UPDATE gateway_commands SET last_error = $3, next_attempt_at = house_now() + make_interval(secs => $2) WHERE id = $1",
        command_id,
        seconds,
        error,
    )


async def claim_refund_commands(conn: Connection, limit: int) -> list[Command]:
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT id FROM gateway_commands
            WHERE kind = 'refund' AND state IN ('pending', 'unknown') AND next_attempt_at <= house_now()
            ORDER BY next_attempt_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE gateway_commands c SET next_attempt_at = house_now() + interval '60 seconds' FROM due WHERE c.id = due.id
        RETURNING c.id, c.transaction_id, c.refund_id, c.kind, c.request_key, c.state, c.attempts, c.first_sent_at,
                  coalesce(extract(epoch FROM house_now() - c.first_sent_at), 0)::float8 AS seconds_since_first
        """,
        limit,
    )
    return sorted((Command(**row) for row in rows), key=lambda command: command.id)


async def add_fact(
    conn: Connection,
    transaction: Transaction,
    *,
    object_id: str,
    fact_type: str,
    discriminator: str = "",
    amount: int | None = None,
    source: str,
    gateway_at: datetime | None = None,
) -> bool:
    """Remember what the gateway said. False when it had said so before."""
    new = await conn.fetchval(
        """
        INSERT INTO gateway_facts (transaction_id, gateway, livemode, object_id, fact_type, discriminator, amount, currency, source, gateway_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT ON CONSTRAINT gateway_facts_once DO NOTHING RETURNING true
        """,
        transaction.id,
        transaction.gateway,
        transaction.livemode,
        object_id,
        fact_type,
        discriminator,
        amount,
        transaction.currency if amount is not None else None,
        source,
        gateway_at,
    )
    return bool(new)


async def report_anomaly(
    conn: Connection,
    *,
    anomaly_id: UUID,
    kind: str,
    once_key: str,
    transaction_id: UUID | None,
    booking_id: UUID | None,
    detail: dict[str, Any],
    healed: bool = False,
) -> bool:
    """Put something before a person, once. `healed`: the house has dealt with it, and only tells."""
    new = await conn.fetchval(
        """
        INSERT INTO anomalies (id, kind, once_key, transaction_id, booking_id, detail, resolved_at, resolved_by)
        VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN house_now() END, CASE WHEN $7 THEN 'system' END) ON CONFLICT ON CONSTRAINT anomalies_once DO NOTHING RETURNING true
        """,
        anomaly_id,
        kind,
        once_key,
        transaction_id,
        booking_id,
        detail,
        healed,
    )
    return bool(new)


async def captured_in_the_books(conn: Connection, gateway: str, source_type: str, facts_of: str, currency: str) -> int:
    """What captures whose fact ids begin with `facts_of` have brought into the gateway's clearing so far."""
    value = await conn.fetchval(
        """
        SELECT coalesce(sum(e.amount), 0)::bigint
        FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id AND e.account = 'gateway_clearing:' || $1
        WHERE l.kind = 'capture' AND l.source_type = $2 AND starts_with(l.source_id, $3) AND e.currency = $4
        """,
        gateway,
        source_type,
        facts_of,
        currency,
    )
    return int(value)
