"""SQL of bank statements. Amounts in minor units, signed as the bank books them: what came in is positive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.db import Connection
from jklg.reconciliation.statements.once import Kept, Known
from jklg.reconciliation.statements.rules import ByHand, Line, Payout, Statement


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was imported, and what became of it. Times in UTC, days by the bank's calendar."""

    id: UUID
    account: str
    booked_on: date
    value_on: date | None
    amount: int
    currency: str
    counterparty: str
    description: str
    reference: str
    state: str
    movement_id: UUID | None
    note: str
    settled_by: str | None
    settled_at: datetime | None

    @property
    def said(self) -> Line:
        return Line(
            booked_on=self.booked_on, amount=self.amount, value_on=self.value_on, counterparty=self.counterparty,
            description=self.description, reference=self.reference,
        )  # fmt: skip


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that was imported, with how many lines it brought and how many of them are open."""

    id: UUID
    account: str
    currency: str
    format: str
    from_on: date
    to_on: date
    opening_amount: int | None
    closing_amount: int | None
    file_name: str
    imported_by: str
    imported_at: datetime
    lines: int
    open: int


async def other_format(conn: Connection, statement: Statement) -> str | None:
    """The format in which days of this statement were imported before, if it was another one: its words would differ, and every line come twice."""
    found = await conn.fetchval(
        "SELECT format FROM bank_statements WHERE account = $1 AND format <> $2 AND from_on <= $4 AND to_on >= $3 LIMIT 1",
        statement.account, statement.format, statement.from_on, statement.to_on,
    )  # fmt: skip
    return str(found) if found else None


async def other_currency(conn: Connection, statement: Statement) -> bool:
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM bank_statements WHERE account = $1 AND currency <> $2)",
            statement.account,
            statement.currency,
        )
    )


async def was_imported(conn: Connection, statement: Statement, part: int, sha256: bytes) -> bool:
    """Whether this very file was imported before. `part`: the how-manieth of its account and id in the file."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM bank_statements WHERE account = $1 AND file_sha256 = $2 AND statement_ref = $3 AND part = $4)",
            statement.account, sha256, statement.ref, part,
        )
    )  # fmt: skip


async def list_kept(conn: Connection, statement: Statement, sha256: bytes) -> list[Kept]:
    """The statements of the account that have balances, and lines in the days of this one."""
    rows = await conn.fetch(
        """
        SELECT s.statement_ref, s.file_sha256 = $4, s.opening_amount, s.closing_amount, array_agg(l.once_key), array_agg(l.booked_on), array_agg(l.amount)
        FROM bank_statements s JOIN bank_lines l ON l.account = s.account AND l.once_key = ANY (s.line_keys)
        WHERE s.account = $1 AND s.from_on <= $3 AND s.to_on >= $2 AND s.opening_amount IS NOT NULL AND s.closing_amount IS NOT NULL
        GROUP BY s.id ORDER BY s.id
        """,
        statement.account, statement.from_on, statement.to_on, sha256,
    )  # fmt: skip
    return [
        Kept(ref, here, opening, closing, [Known(*line) for line in zip(*lines, strict=True)])
        for ref, here, opening, closing, *lines in rows
    ]


async def insert_statement(
    conn: Connection,
    statement_id: UUID,
    statement: Statement,
    part: int,
    keys: Sequence[str],
    file_name: str,
    sha256: bytes,
    imported_by: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO bank_statements (id, account, currency, format, statement_ref, part, from_on, to_on, opening_amount, closing_amount, line_keys, file_name, file_sha256, imported_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        statement_id, statement.account, statement.currency, statement.format, statement.ref, part, statement.from_on, statement.to_on,
        statement.opening, statement.closing, list(keys), file_name, sha256, imported_by,
    )  # fmt: skip


async def insert_lines(
    conn: Connection, statement_id: UUID, statement: Statement, ids: Sequence[UUID], keys: Sequence[str]
) -> list[UUID]:
    """The ids of those that are new."""
    lines = statement.lines
    rows = await conn.fetch(
        """
        INSERT INTO bank_lines (id, statement_id, account, currency, once_key, booked_on, value_on, amount, counterparty, description, reference)
        SELECT new.id, $1, $2, $3, new.once_key, new.booked_on, new.value_on, new.amount, new.counterparty, new.description, new.reference
        FROM unnest($4::uuid[], $5::text[], $6::date[], $7::date[], $8::bigint[], $9::text[], $10::text[], $11::text[])
             AS new (id, once_key, booked_on, value_on, amount, counterparty, description, reference)
        ON CONFLICT ON CONSTRAINT bank_lines_once DO NOTHING RETURNING id
        """,
        statement_id, statement.account, statement.currency, list(ids), list(keys), [each.booked_on for each in lines],
        [each.value_on for each in lines], [each.amount for each in lines], [each.counterparty for each in lines],
        [each.description for each in lines], [each.reference for each in lines],
    )  # fmt: skip
    return [row[0] for row in rows]


_LINE = """
SELECT id, account, booked_on, value_on, amount, currency, counterparty, description, reference, state, movement_id, note, settled_by, settled_at
FROM bank_lines
"""


_ONE_AT_A_TIME = 0x4A42414E
"""The advisory lock of everybody who imports or settles lines: two lines may fit one payout, so that a lock on a line is not enough."""


async def take_turns(conn: Connection) -> None:
    """Nobody else imports or settles lines until the caller's database transaction ends. Taken before any row is read."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)


async def list_open(conn: Connection, limit: int | None = None) -> list[BankLine]:
    """Lines that nobody knows, the oldest first. Locks nothing."""
    rows = await conn.fetch(_LINE + "WHERE state = 'open' ORDER BY booked_on, id LIMIT $1", limit)
    return [BankLine(**row) for row in rows]


async def get_line(conn: Connection, line_id: UUID) -> BankLine | None:
    """One line. Locks nothing."""
    row = await conn.fetchrow(_LINE + "WHERE id = $1", line_id)
    return BankLine(**row) if row else None


_PAYOUTS = """
SELECT m.id, m.gateway, -m.gross_amount AS amount, m.currency, coalesce(m.arrives_on, (m.happened_at AT TIME ZONE 'UTC')::date) AS due_on,
       array_remove(ARRAY[m.bank_ref, m.payout_ref, m.about], NULL) AS references
FROM gateway_movements m
WHERE m.kind IN ('payout', 'payout_returned') AND m.gross_amount <> 0 AND NOT EXISTS (SELECT FROM bank_lines l WHERE l.movement_id = m.id)
"""

_BY_HAND = """
SELECT l.id, e.amount, e.currency, (l.posted_at AT TIME ZONE 'UTC')::date AS written_on,
       CASE WHEN e.amount > 0 THEN coalesce(t.payment_method, 'other') ELSE '' END AS how, array_remove(ARRAY[b.reference, nullif(t.description, '')], NULL) AS references
FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id LEFT JOIN bookings b ON b.id = l.subject_id
LEFT JOIN transactions t ON t.id = CASE WHEN l.source_type = 'transaction' THEN split_part(l.source_id, ':', 1)::uuid END
WHERE e.account = 'gateway_clearing:manual' AND l.source_type <> 'bank_line'
"""
_NOT_BANKED = "AND NOT EXISTS (SELECT FROM bank_line_parts p WHERE p.posting_id = l.id)"


async def list_payouts(conn: Connection) -> list[Payout]:
    """Payouts, and payouts that came back, that no line has settled yet."""
    return [Payout(*row) for row in await conn.fetch(_PAYOUTS + "ORDER BY due_on, m.id")]


async def list_by_hand(conn: Connection) -> list[ByHand]:
    """What was taken and given back by hand, and no line has yet."""
    return [ByHand(*row) for row in await conn.fetch(_BY_HAND + _NOT_BANKED + " ORDER BY written_on, l.id")]


async def list_parts(conn: Connection, line_id: UUID) -> list[ByHand]:
    """What a line is made of."""
    parts = "AND l.id IN (SELECT posting_id FROM bank_line_parts WHERE line_id = $1) ORDER BY written_on, l.id"
    return [ByHand(*row) for row in await conn.fetch(_BY_HAND + parts, line_id)]


async def get_payout(conn: Connection, movement_id: UUID) -> Payout | None:
    row = await conn.fetchrow(_PAYOUTS + "AND m.id = $1", movement_id)
    return Payout(*row) if row else None


async def get_by_hand(conn: Connection, posting_ids: Sequence[UUID]) -> list[ByHand]:
    """Those of these postings that are money by hand which no line has yet."""
    rows = await conn.fetch(_BY_HAND + _NOT_BANKED + " AND l.id = ANY($1) ORDER BY l.id", list(posting_ids))
    return [ByHand(*row) for row in rows]


async def settle(
    conn: Connection,
    line_id: UUID,
    state: str,
    by: str,
    *,
    movement_id: UUID | None = None,
    parts: Sequence[ByHand] = (),
    note: str = "",
) -> None:
    """Say what a line is. `parts`: of a transfer, what it is made of."""
    await conn.execute(
        "UPDATE bank_lines SET state = $2, settled_by = $3, settled_at = house_now(), movement_id = $4, note = $5 WHERE id = $1",
        line_id, state, by, movement_id, note,
    )  # fmt: skip
    await conn.executemany(
        "INSERT INTO bank_line_parts (line_id, posting_id, amount) VALUES ($1, $2, $3)",
        [(line_id, part.id, part.amount) for part in parts],
    )


_MISSING = """
  AND m.kind = 'payout'
  AND NOT EXISTS (SELECT FROM gateway_movements r WHERE r.gateway = m.gateway AND r.livemode = m.livemode AND r.kind = 'payout_returned' AND r.about = m.about)
  AND EXISTS (SELECT FROM bank_statements s WHERE s.currency = m.currency
              AND s.from_on <= coalesce(m.arrives_on, (m.happened_at AT TIME ZONE 'UTC')::date))
  AND EXISTS (SELECT FROM bank_statements s WHERE s.currency = m.currency
              AND s.to_on > coalesce(m.arrives_on, (m.happened_at AT TIME ZONE 'UTC')::date) + $1::integer)
ORDER BY due_on, m.id
"""


async def list_missing(conn: Connection, late_days: int) -> list[Payout]:
    """Payouts that the statements of their time do not have, though these go on for so many days after. One that came back is not missing."""
    return [Payout(*row) for row in await conn.fetch(_PAYOUTS + _MISSING, late_days)]


async def list_statements(conn: Connection, limit: int) -> list[Imported]:
    """What was imported, the newest first."""
    rows = await conn.fetch(
        """
        SELECT s.id, s.account, s.currency, s.format, s.from_on, s.to_on, s.opening_amount, s.closing_amount, s.file_name, s.imported_by, s.imported_at,
               count(l.id) AS lines, count(l.id) FILTER (WHERE l.state = 'open') AS open
        FROM bank_statements s LEFT JOIN bank_lines l ON l.statement_id = s.id GROUP BY s.id ORDER BY s.imported_at DESC, s.id DESC LIMIT $1
        """,
        limit,
    )
    return [Imported(**row) for row in rows]


async def list_accounts(conn: Connection) -> list[dict[str, Any]]:
    """What the gateways held for us when they were last asked, and what is on its way to the bank."""
    rows = await conn.fetch(
        """
        SELECT b.gateway, b.livemode, b.currency, b.theirs_amount AS theirs, b.ours_amount AS ours, b.explained_amount AS explained, b.asked_at
        FROM gateway_balances b ORDER BY b.gateway, b.livemode, b.currency
        """
    )
    return [dict(row) for row in rows]


LINE_BOOKED_OTHERWISE = """
SELECT l.id, l.state, l.amount, l.currency, coalesce(booked.amount, 0) AS booked, booked.accounts
FROM bank_lines l
LEFT JOIN LATERAL (
    SELECT sum(e.amount) FILTER (WHERE e.account = 'bank') AS amount, string_agg(e.account, ' ' ORDER BY e.account) AS accounts
    FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
    WHERE t.source_type = 'bank_line' AND t.source_id = l.id::text AND e.currency = l.currency
) booked ON true
WHERE coalesce(booked.amount, 0) <> CASE WHEN l.state IN ('payout', 'transfer') THEN l.amount ELSE 0 END
   OR booked.accounts <> CASE l.state WHEN 'payout' THEN 'bank bank_in_transit' ELSE 'bank gateway_clearing:manual' END
ORDER BY l.id
"""

BOOKED_AND_NOT_STATED = """
SELECT t.id, t.kind, t.source_id FROM ledger_transactions t
WHERE (t.source_type = 'bank_line' OR t.kind IN ('payout_arrived', 'transfer_arrived', 'transfer_left'))
  AND NOT EXISTS (SELECT FROM bank_lines l WHERE t.source_type = 'bank_line' AND l.id::text = t.source_id)
ORDER BY t.id
"""
