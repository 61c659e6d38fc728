"""Post a fact, read a balance, prove the books."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

import msgspec

from jklg.kit.db import Connection, Database
from jklg.kit.ids import uuid7
from jklg.ledger import queries, seals
from jklg.ledger.queries import Balances, Fact


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question to which the right answer is no rows. `sentence` says what a row would mean."""

    name: str
    sentence: str
    sql: str


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as it is booked: see `post`."""

    kind: str
    source_type: str
    source_id: str
    subject_id: UUID | None
    currency: str
    entries: Sequence[tuple[str, int]]

    @property
    def fact(self) -> Fact:
        """What is booked once."""
        return self.kind, self.source_type, self.source_id


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What verifying found. `broken` maps a check's sentence to the rows that broke it; `head` is where the chain of seals stands."""

    transactions: int
    entries: int
    balances: list[tuple[str, str, int]]
    checks: list[str]
    broken: dict[str, list[str]]
    head: seals.Head

    @property
    def ok(self) -> bool:
        return not self.broken


async def post(
    conn: Connection,
    kind: str,
    source_type: str,
    source_id: str,
    subject_id: UUID | None,
    currency: str,
    entries: Sequence[tuple[str, int]],
) -> bool:
    """Book one fact in the caller's database transaction. False when it is in the books already; then nothing is written.

    `entries` are (account, amount) in minor units of `currency`, debits positive; they add up to zero or the database
    refuses at commit (ledger_balances). One round trip; takes no lock but the fact's own.
    """
    posting = Posting(
        kind=kind, source_type=source_type, source_id=source_id, subject_id=subject_id, currency=currency, entries=entries
    )  # fmt: skip
    return posting.fact in await post_all(conn, [posting])


async def post_all(conn: Connection, postings: Sequence[Posting]) -> set[Fact]:
    """The same of different facts, in this order, in one round trip. Answers which of them are new."""
    if not postings:
        return set()
    rows = [
        (
            uuid7(), *each.fact, each.subject_id, each.currency,
            json.dumps([{"account": account, "amount": amount} for account, amount in each.entries]),
        )
        for each in postings
    ]  # fmt: skip
    return await queries.post(conn, rows)


async def balance(conn: Connection, account: str, currency: str, subject_id: UUID | None = None) -> int:
    """What an account stands at, in minor units, as a whole or for one subject. Debits positive."""
    return await queries.balance(conn, account, currency, subject_id)


async def balances(conn: Connection, accounts: Sequence[str], subject_ids: Sequence[UUID]) -> Balances:
    """What these accounts stand at for each of these subjects, where anything was booked. Debits positive."""
    return await queries.balances(conn, accounts, subject_ids)


async def entries_of(conn: Connection, kind: str, source_type: str, source_id: str) -> list[tuple[str, int]]:
    """How a fact was posted: (account, amount), debits positive. Empty when it was not."""
    return await queries.entries_of(conn, kind, source_type, source_id)


async def trial_balance(conn: Connection) -> list[tuple[str, str, int]]:
    """Every account with its currency and balance."""
    return await queries.trial_balance(conn)


async def written_now(conn: Connection) -> list[tuple[str, str, str, int]]:
    """What the present database transaction has posted so far: (kind, account, currency, amount), debits positive."""
    return await queries.written_now(conn)


OWN_CHECKS = (
    Check(name="tables", sentence="a table of the books is not the table that we made", sql=queries.DISGUISED),
    Check(name="balanced", sentence="a ledger transaction does not balance", sql=queries.UNBALANCED),
    Check(name="complete", sentence="a ledger transaction has fewer than two entries", sql=queries.INCOMPLETE),
    Check(name="once", sentence="a fact is in the books twice", sql=queries.DOUBLED),
    Check(name="at once", sentence="entries of a ledger transaction were written apart", sql=queries.WRITTEN_APART),
    Check(
        name="subject", sentence="an entry is kept for another subject than its transaction", sql=queries.OTHER_SUBJECT
    ),
    Check(name="trial balance", sentence="the trial balance is not zero", sql=queries.TRIAL_BALANCE_OFF),
)


async def verify(db: Database, more: Sequence[Check] = (), *, keys: Sequence[str], expected: str = "") -> Findings:
    """Prove the books: our own checks, the chain of seals, and the checks of the rooms that know what the facts are.

    `keys` may have made the seals; `expected` is a head of the chain that was written down earlier ('number:chain'). Reads one
    snapshot, changes nothing.
    """
    broken: dict[str, list[str]] = {}
    async with db.transaction() as conn:
        await queries.read_one_snapshot(conn)
        transactions, entries = await queries.count(conn)
        balances = await queries.trial_balance(conn)
        for check in (*OWN_CHECKS, *more):
            rows = await queries.run_check(conn, check.sql)
            if rows:
                broken[check.sentence] = rows
        head, unsound = await seals.examine(conn, keys, expected)
        broken |= unsound
    return Findings(
        transactions=transactions,
        entries=entries,
        balances=balances,
        checks=[*(check.name for check in (*OWN_CHECKS, *more)), "seals"],
        broken=broken,
        head=head,
    )
