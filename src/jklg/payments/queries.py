"""SQL of the payments room: attempts, commands, facts, anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
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
    charge_ref: str | None
    consent_id: UUID | None
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
    stumbles: int
    created_at: datetime
    completed_at: datetime | None
    gateway_silent: bool = False
    """Whether somebody has asked the gateway, of this or another attempt, and nobody has been answered since."""


_TRANSACTION = """
SELECT id, booking_id, amount, currency, state, status, gateway, livemode, transaction_id AS ref, charge_ref, consent_id, request_key,
       client_secret, authorized_amount AS authorized, captured_amount AS captured, refund_reserved,
       refund_amount AS refunded, payment_method, receipt_url, error_message, open_at, checks, stumbles, created_at, completed_at,
       EXISTS (SELECT FROM gateway_silences s WHERE s.gateway = transactions.gateway) AS gateway_silent
FROM transactions
"""


async def get(conn: Connection, transaction_id: UUID) -> Transaction | None:
    """One attempt, with the rights of the caller's claims. Locks nothing."""
    row = await conn.fetchrow(_TRANSACTION + "WHERE id = $1", transaction_id)
    return Transaction(**row) if row else None


async def get_all(conn: Connection, transaction_ids: Sequence[UUID]) -> dict[UUID, Transaction]:
    """These attempts, as far as there are. Locks nothing."""
    rows = await conn.fetch(_TRANSACTION + "WHERE id = ANY($1)", list(transaction_ids))
    return {row["id"]: Transaction(**row) for row in rows}


async def lock(conn: Connection, transaction_id: UUID) -> Transaction:
    return (await lock_all(conn, [transaction_id]))[transaction_id]


async def lock_all(conn: Connection, transaction_ids: Sequence[UUID]) -> dict[UUID, Transaction]:
    """Lock these attempts, one after the other by their ids, until the database transaction ends. Transactions are never deleted."""
    rows = await conn.fetch(_TRANSACTION + "WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(transaction_ids))
    return {row["id"]: Transaction(**row) for row in rows}


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
    """Our attempt by the gateway's id of it, or of its charge."""
    return (await find_by_refs(conn, [(gateway, livemode, ref)])).get((gateway, livemode, ref))


async def find_by_refs(conn: Connection, named: Sequence[tuple[str, bool, str]]) -> dict[tuple[str, bool, str], UUID]:
    """The same of many: by (gateway, livemode, id), as far as there are."""
    if not named:
        return {}
    rows = await conn.fetch(
        """
        SELECT n.gateway, n.livemode, n.ref,
               coalesce((SELECT id FROM transactions t WHERE t.gateway = n.gateway AND t.livemode = n.livemode AND t.transaction_id = n.ref),
                        (SELECT id FROM transactions t WHERE t.gateway = n.gateway AND t.livemode = n.livemode AND t.charge_ref = n.ref LIMIT 1))
        FROM unnest($1::text[], $2::boolean[], $3::text[]) AS n(gateway, livemode, ref)
        """,
        *zip(*named, strict=True),
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows if row[3] is not None}


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
    consent_id: UUID | None = None,
    ref: str | None = None,
) -> None:
    """`ref`: its gateway has it already, under this id."""
    await conn.execute(
        """
        INSERT INTO transactions (id, booking_id, amount, currency, gateway, livemode, request_key, description, check_at, consent_id, transaction_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, house_now() + interval '30 seconds', $9, $10)
        """,
        transaction_id,
        booking_id,
        amount,
        currency,
        gateway,
        livemode,
        request_key,
        description,
        consent_id,
        ref,
    )


class Standing(NamedTuple):
    """How an attempt stands now. None of `charge_ref`, `client_secret`, `payment_method`, `receipt_url` leaves what was known before."""

    id: UUID
    state: str
    ref: str
    charge_ref: str | None
    client_secret: str | None
    captured: int
    authorized: int
    open_at: datetime | None
    payment_method: str | None
    receipt_url: str | None
    error_message: str | None
    checks: int
    look_again_seconds: int | None


async def update(conn: Connection, standing: Sequence[Standing]) -> None:
    """Write what the gateway said of each of them. The triggers of migration 0007 refuse what cannot be."""
    await conn.execute(
        """
        UPDATE transactions t SET
            state = n.state, transaction_id = n.ref, charge_ref = coalesce(n.charge_ref, t.charge_ref),
            client_secret = coalesce(n.client_secret, t.client_secret), stumbles = 0, stumbled_over = NULL,
            captured_amount = n.captured, authorized_amount = n.authorized, open_at = n.open_at,
            payment_method = coalesce(n.payment_method, t.payment_method), receipt_url = coalesce(n.receipt_url, t.receipt_url),
            error_message = n.error_message, checks = n.checks, check_at = house_now() + make_interval(secs => n.look_again_seconds),
            completed_at = CASE WHEN n.captured > 0 THEN coalesce(t.completed_at, house_now()) END
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::timestamptz[], $9::text[],
                    $10::text[], $11::text[], $12::integer[], $13::integer[])
             AS n(id, state, ref, charge_ref, client_secret, captured, authorized, open_at, payment_method, receipt_url, error_message, checks,
                  look_again_seconds)
        WHERE t.id = n.id
        """,
        *zip(*standing, strict=True),
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
    """Open attempts whose booking waits for nothing: its hold is past, it was given up, nothing is due on it any more, or nobody came back to pay
    its balance for a day."""
    rows = await conn.fetch(
        """
        SELECT t.id FROM bookings b JOIN transactions t ON t.booking_id = b.id
        WHERE b.payment_open
          AND CASE b.status WHEN 'held' THEN b.hold_expires_at <= house_now()
                   WHEN 'confirmed' THEN t.created_at <= house_now() - interval '1 day' OR b.total_price - b.reduced_amount <= (
                       SELECT -coalesce(sum(e.amount), 0) FROM ledger_entries e
                       WHERE e.subject_id = b.id AND e.account = 'customer_deposits' AND e.currency = b.currency)
                   ELSE true END
          AND t.state IN ('created', 'submitting', 'requires_payment_method', 'requires_action', 'processing', 'authorized')
          AND NOT EXISTS (SELECT FROM gateway_commands c WHERE c.transaction_id = t.id AND c.kind = 'cancel' AND c.next_attempt_at > house_now())
          AND NOT (t.stumbles > 0 AND t.check_at > house_now())
        ORDER BY b.hold_expires_at, t.id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


async def list_leftovers(conn: Connection, limit: int) -> list[UUID]:
    """Attempts that have ended here, were found open at their gateway, and are due to be closed there."""
    rows = await conn.fetch(
        """
        SELECT c.transaction_id FROM gateway_commands c JOIN transactions t ON t.id = c.transaction_id
        WHERE c.kind = 'cancel' AND c.request_key = 'void:' || c.transaction_id AND c.state IN ('pending', 'unknown') AND c.next_attempt_at <= house_now()
          AND NOT (t.stumbles > 0 AND t.check_at > house_now())
        ORDER BY c.next_attempt_at, c.id LIMIT $1
        """,
        limit,
    )
    return [row[0] for row in rows]


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
    fact = fact_of(
        transaction, object_id=object_id, fact_type=fact_type, discriminator=discriminator, amount=amount, source=source,
        gateway_at=gateway_at,
    )  # fmt: skip
    return await add_facts(conn, [fact]) == 1


class Fact(NamedTuple):
    """Something that a gateway said, as it is remembered."""

    transaction_id: UUID
    gateway: str
    livemode: bool
    object_id: str
    fact_type: str
    discriminator: str
    amount: int | None
    currency: str | None
    source: str
    gateway_at: datetime | None


def fact_of(
    transaction: Transaction,
    *,
    object_id: str,
    fact_type: str,
    discriminator: str = "",
    amount: int | None = None,
    source: str,
    gateway_at: datetime | None = None,
) -> Fact:
    return Fact(
        transaction.id, transaction.gateway, transaction.livemode, object_id, fact_type, discriminator, amount,
        transaction.currency if amount is not None else None, source, gateway_at,
    )  # fmt: skip


async def add_facts(conn: Connection, facts: Sequence[Fact]) -> int:
    """Remember them, in this order. Answers how many had not been said before."""
    if not facts:
        return 0
    rows = await conn.fetch(
        """
        INSERT INTO gateway_facts (transaction_id, gateway, livemode, object_id, fact_type, discriminator, amount, currency, source, gateway_at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
                             $10::timestamptz[])
        ON CONFLICT ON CONSTRAINT gateway_facts_once DO NOTHING RETURNING true
        """,
        *zip(*facts, strict=True),
    )
    return len(rows)


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


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands before a person, until `resolved_at`. Times in UTC."""

    id: UUID
    kind: str
    transaction_id: UUID | None
    booking_id: UUID | None
    detail: dict[str, Any]
    owner: str | None
    note: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


_ANOMALY = """
SELECT id, kind, transaction_id, booking_id, detail, owner, note, opened_at, resolved_at, resolved_by FROM anomalies WHERE id = $1
"""


async def get_anomaly(conn: Connection, anomaly_id: UUID) -> Anomaly | None:
    row = await conn.fetchrow(_ANOMALY, anomaly_id)
    return Anomaly(**row) if row else None


async def lock_anomaly(conn: Connection, anomaly_id: UUID) -> Anomaly | None:
    """The same, and nobody else settles it until the caller's database transaction ends."""
    row = await conn.fetchrow(_ANOMALY + "FOR UPDATE", anomaly_id)
    return Anomaly(**row) if row else None


async def own_anomaly(conn: Connection, anomaly_id: UUID, owner: str) -> None:
    await conn.execute("UPDATE anomalies SET owner = $2 WHERE id = $1", anomaly_id, owner)


async def settle_anomaly(conn: Connection, anomaly_id: UUID, by: str, note: str, *, over: bool) -> None:
    """`over`: what it tells of is gone with that, so that the same is told again when it comes again."""
    await conn.execute(
        "UPDATE anomalies SET resolved_at = house_now(), resolved_by = $2, note = $3, over_at = CASE WHEN $4 THEN house_now() END WHERE id = $1",
        anomaly_id, by, note, over,
    )  # fmt: skip


async def resolve_anomaly(conn: Connection, once_key: str) -> None:
    """What was put before a person has settled itself."""
    await conn.execute(
        "UPDATE anomalies SET resolved_at = house_now(), resolved_by = 'system' WHERE once_key = $1 AND resolved_at IS NULL",
        once_key,
    )


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


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as its customer may know it. Money in minor units of `currency`; times in UTC."""

    id: UUID
    booking_id: UUID
    amount: int
    currency: str
    status: str
    gateway: str
    payment_method: str | None
    captured: int
    refunded: int
    receipt_url: str | None
    error_message: str | None
    created_at: datetime
    completed_at: datetime | None
    refunds: list[dict[str, Any]]


async def list_of_customer(conn: Connection, customer_id: UUID) -> list[Paid]:
    """Every attempt to pay a customer's bookings, the oldest first, with what was sent back."""
    rows = await conn.fetch(
        """
        SELECT t.id, t.booking_id, t.amount, t.currency, t.status, t.gateway, t.payment_method, t.captured_amount AS captured,
               t.refund_amount AS refunded, t.receipt_url, t.error_message, t.created_at, t.completed_at,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('amount', r.amount, 'state', r.state, 'reason', r.reason, 'created_at', r.created_at)
                        ORDER BY r.created_at), '[]') FROM refunds r WHERE r.transaction_id = t.id) AS refunds
        FROM transactions t JOIN bookings b ON b.id = t.booking_id WHERE b.customer_id = $1 ORDER BY t.created_at, t.id
        """,
        customer_id,
    )
    return [Paid(**row) for row in rows]


async def forget_person(conn: Connection, transaction_id: UUID) -> None:
    """Drop what a gateway said in words, which may name who paid."""
    await conn.execute(
        "UPDATE transactions SET receipt_url = NULL, error_message = NULL, metadata = '{}' WHERE id = $1",
        transaction_id,
    )
    await conn.execute(
        "UPDATE anomalies SET detail = detail - 'detail' - 'failure' WHERE transaction_id = $1", transaction_id
    )
