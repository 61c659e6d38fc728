"""SQL of the ledger. Debits are positive, credits negative; amounts in minor units of the row's currency."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg.kit.db import Connection
from jklg.ledger.seals.queries import OUR_OWN_PATH

Fact = tuple[str, str, str]
"""(kind, source_type, source_id)"""
Balances = dict[tuple[UUID, str, str], int]
"""(subject, account, currency) -> minor units"""


async def post(conn: Connection, postings: Sequence[tuple[UUID, str, str, str, UUID | None, str, str]]) -> set[Fact]:
    """Postings are (id, kind, source_type, source_id, subject_id, currency, entries as JSON). Answers which facts are new."""
    rows = await conn.fetch(
        """
        SELECT p.kind, p.source_type, p.source_id
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::jsonb[])
             AS p(id, kind, source_type, source_id, subject_id, currency, entries)
        WHERE ledger_post(p.id, p.kind, p.source_type, p.source_id, p.subject_id, p.currency, p.entries)
        """,
        *zip(*postings, strict=True),
    )
    return {(row[0], row[1], row[2]) for row in rows}


async def balance(conn: Connection, account: str, currency: str, subject_id: UUID | None) -> int:
    found = await conn.fetchval(
        """
        SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries
        WHERE account = $1 AND currency = $2 AND ($3::uuid IS NULL OR subject_id = $3)
        """,
        account,
        currency,
        subject_id,
    )
    return int(found)


async def balances(conn: Connection, accounts: Sequence[str], subject_ids: Sequence[UUID]) -> Balances:
    rows = await conn.fetch(
        """
        SELECT subject_id, account, currency, sum(amount)::bigint FROM ledger_entries
        WHERE subject_id = ANY($1) AND account = ANY($2) GROUP BY subject_id, account, currency
        """,
        list(subject_ids),
        list(accounts),
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def entries_of(conn: Connection, kind: str, source_type: str, source_id: str) -> list[tuple[str, int]]:
    rows = await conn.fetch(
        """
        SELECT e.account, e.amount FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
        WHERE t.kind = $1 AND t.source_type = $2 AND t.source_id = $3 ORDER BY e.id
        """,
        kind,
        source_type,
        source_id,
    )
    return [(row[0], row[1]) for row in rows]


async def trial_balance(conn: Connection) -> list[tuple[str, str, int]]:
    rows = await conn.fetch(
        """
        SELECT account, currency, sum(amount)::bigint FROM ledger_entries
        GROUP BY account, currency ORDER BY currency, account
        """
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def written_now(conn: Connection) -> list[tuple[str, str, str, int]]:
    rows = await conn.fetch(
        """
        SELECT t.kind, e.account, e.currency, e.amount FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
        WHERE t.written_by = pg_current_xact_id_if_assigned() AND t.posted_at >= house_now() - interval '1 hour' ORDER BY e.id
        """
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def read_one_snapshot(conn: Connection) -> None:
    """For a database transaction that reads all there ever was, as it stands now: that takes as long as it takes."""
    await conn.execute(
        f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0; {OUR_OWN_PATH}"
    )


async def count(conn: Connection) -> tuple[int, int]:
    """(transactions, entries)."""
    row = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM ledger_transactions), (SELECT count(*) FROM ledger_entries)"
    )
    assert row is not None
    return row[0], row[1]


async def run_check(conn: Connection, sql: str) -> list[str]:
    """Rows of a named check, each as text. Checks are written by the rooms that know what the books are about."""
    return [" ".join(str(value) for value in row) for row in await conn.fetch(sql)]


UNBALANCED = """
SELECT t.id, t.kind, t.source_type, t.source_id, e.currency, sum(e.amount)
FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
GROUP BY t.id, e.currency HAVING sum(e.amount) <> 0 ORDER BY t.id
"""

INCOMPLETE = """
SELECT t.id, t.kind, t.source_type, t.source_id
FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id
GROUP BY t.id HAVING count(e.id) < 2 ORDER BY t.id
"""

DOUBLED = """
SELECT kind, source_type, source_id, count(*) FROM ledger_transactions
GROUP BY kind, source_type, source_id HAVING count(*) > 1 ORDER BY 1, 2, 3
"""

TRIAL_BALANCE_OFF = (
    "SELECT currency, sum(amount) FROM ledger_entries GROUP BY currency HAVING sum(amount) <> 0 ORDER BY currency"
)

WRITTEN_APART = """
SELECT t.id, t.kind, t.source_type, t.source_id
FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
GROUP BY t.id HAVING count(DISTINCT e.xmin::text) > 1 ORDER BY t.id
"""
"""The entries of a posting are one INSERT, so PostgreSQL knows them by one number; a row written or edited since has another.

A restore that copies tables (pg_dump as it comes) keeps them together; one that inserts row by row (--inserts) does not.
"""

OTHER_SUBJECT = """
SELECT t.id, t.kind, t.source_type, t.source_id, e.account
FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
WHERE e.subject_id IS DISTINCT FROM t.subject_id ORDER BY t.id, e.id
"""

DISGUISED = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname IN ('ledger_transactions', 'ledger_entries', 'ledger_seals', 'ledger_unsealed') AND CASE n.nspname
    WHEN 'public' THEN c.relkind <> 'r' OR c.relrowsecurity OR c.relhasrules OR c.relhassubclass OR EXISTS (
        SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> '')
    ELSE n.nspname = 'pg_catalog' END
ORDER BY 1, 2
"""
"""A view, a rule, a policy or a table that inherits can show other rows than the books have, and to us others than to the house."""
