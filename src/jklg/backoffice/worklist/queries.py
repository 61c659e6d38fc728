"""SQL of the list of what needs a person. Open concerns are few and sorted whole; settled ones are many and read by their index."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from jklg.kit.db import Connection

BANK_LINES = "bank_line"
"""Lines of the bank's statement stand on the bank's page; here they are one row."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Filters; '' lets everything pass. `owner`: 'staff:<id>', or 'nobody'."""

    kind: str = ""
    gateway: str = ""
    owner: str = ""
    settled: bool = False


class Place(NamedTuple):
    """After this row. `rank`: 0 disputes, 1 everything else; settled ones have one rank. `at` in UTC."""

    rank: int
    at: datetime
    id: UUID


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One concern. `due_at`: until when the bank takes evidence; `place_at`: what it is sorted by. Times in UTC."""

    id: UUID
    kind: str
    detail: dict[str, Any]
    gateway: str | None
    currency: str | None
    reference: str | None
    owner: str | None
    due_at: datetime | None
    opened_at: datetime
    resolved_at: datetime | None
    rank: int
    place_at: datetime

    @property
    def place(self) -> Place:
        return Place(self.rank, self.place_at, self.id)


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a kind are open."""

    kind: str
    number: int


_GATEWAY = """coalesce(t.gateway, a.detail ->> 'gateway', CASE WHEN a.kind = 'unmatched_gateway_object' THEN split_part(a.once_key, ':', 2) END)"""

_CONCERNS = f"""
SELECT a.id, a.kind, a.detail, {_GATEWAY} AS gateway, coalesce(a.detail ->> 'currency', t.currency) AS currency, b.reference,
       coalesce(s.name, a.owner) AS owner, d.evidence_due_at AS due_at, a.opened_at, a.resolved_at,
       CASE WHEN a.kind = 'dispute' AND a.resolved_at IS NULL THEN 0 ELSE 1 END AS rank,
       coalesce(a.resolved_at, d.evidence_due_at, a.opened_at) AS place_at
FROM anomalies a LEFT JOIN transactions t ON t.id = a.transaction_id LEFT JOIN bookings b ON b.id = coalesce(a.booking_id, t.booking_id)
LEFT JOIN staff s ON 'staff:' || s.id = a.owner LEFT JOIN disputes d ON d.id = CASE WHEN a.kind = 'dispute' THEN split_part(a.once_key, ':', 2)::uuid END
"""  # noqa: S608  (the words are ours)


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    conditions = ["a.resolved_at IS NOT NULL" if wanted.settled else "a.resolved_at IS NULL"]
    values: list[Any] = []
    for value, condition in ((wanted.kind, "a.kind = {}"), (wanted.gateway, _GATEWAY + " = {}")):
        if value:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    if wanted.owner == "nobody":
        conditions.append("a.owner IS NULL")
    elif wanted.owner:
        values.append(wanted.owner)
        conditions.append(f"a.owner = ${len(values)}")
    return " AND ".join(conditions), values


async def list_open(conn: Connection, wanted: Wanted, after: Place | None, limit: int) -> list[Row]:
    """Open concerns after a place: disputes by the day until which evidence is taken, then everything else, the oldest first."""
    where, values = _where(wanted)
    if not wanted.kind:
        where += f" AND a.kind <> '{BANK_LINES}'"
    beyond = "true"
    if after is not None:
        values += after
        beyond = f"(rank, place_at, id) > (${len(values) - 2}, ${len(values) - 1}, ${len(values)})"
    rows = await conn.fetch(
        f"SELECT * FROM ({_CONCERNS} WHERE {where}) found WHERE {beyond} ORDER BY rank, place_at, id LIMIT {limit:d}",  # noqa: S608
        *values,
    )
    return [Row(**row) for row in rows]


async def list_settled(conn: Connection, wanted: Wanted, after: Place | None, limit: int) -> list[Row]:
    """Settled ones, the newest first."""
    where, values = _where(wanted)
    if after is not None:
        values += [after.at, after.id]
        where += f" AND (a.resolved_at, a.id) < (${len(values) - 1}, ${len(values)})"
    rows = await conn.fetch(
        f"{_CONCERNS} WHERE {where} ORDER BY a.resolved_at DESC, a.id DESC LIMIT {limit:d}",
        *values,
    )
    return [Row(**row) for row in rows]


async def count_open(conn: Connection, wanted: Wanted) -> list[Count]:
    """How many are open of each kind, whichever kind is wanted: the most first."""
    where, values = _where(msgspec.structs.replace(wanted, kind="", settled=False))
    rows = await conn.fetch(
        f"""
        SELECT a.kind, count(*)::integer AS number
        FROM anomalies a LEFT JOIN transactions t ON t.id = a.transaction_id WHERE {where} GROUP BY a.kind
        ORDER BY (a.kind = 'dispute') DESC, number DESC, a.kind
        """,  # noqa: S608
        *values,
    )
    return [Count(**row) for row in rows]
