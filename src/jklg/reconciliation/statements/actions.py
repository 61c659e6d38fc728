"""Our bank's statement comes in; each line is a payout, money that staff took or gave back by hand, or something for a person."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple
from uuid import UUID

from jklg import history, ledger, payments
from jklg.kit import money
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import BadInput, Conflict, NotFound, TooLarge
from jklg.kit.ids import uuid7
from jklg.kit.money import CURRENCIES
from jklg.reconciliation.statements import camt, csv_file, figures, queries, rules
from jklg.reconciliation.statements.once import once_keys
from jklg.reconciliation.statements.queries import BankLine
from jklg.reconciliation.statements.rules import ByHand, Payout, Statement

LARGEST = 10 * 1024 * 1024
BANK, IN_TRANSIT, BY_HAND = "bank", "bank_in_transit", "gateway_clearing:manual"


class Result(NamedTuple):
    """What an import brought: new lines, lines that were known, and of the new ones those that were matched."""

    statements: int
    new: int
    known: int
    matched: int


class Choices(NamedTuple):
    """What a person can match a line to: what has its sum, first what also fits its date; and all money by hand in its currency that the bank
    does not have yet, of which several may make it."""

    payouts: Sequence[Payout]
    by_hand: Sequence[ByHand]
    parts: Sequence[ByHand]


def read_file(
    data: bytes, *, account: str = "", currency: str = "", dates: str | None = None, decimal: str | None = None
) -> list[Statement]:
    """The statements in a file: camt.053, or CSV of `account` in `currency`. `dates`: dmy, mdy, ymd; `decimal`: point, comma; each only asked
    for when the file can be read in two ways. Pure.

    Raises, in the order checked: TooLarge (statement_too_large); of CSV BadInput (bank_account_missing, currency_invalid,
    date_format_invalid, decimal_mark_invalid); BadInput as `camt.read` and `csv_file.read` say.
    """
    if len(data) > LARGEST:
        raise TooLarge("statement_too_large", "This file is larger than 10 MiB. Please export a shorter time.")
    if camt.is_camt(data):
        return camt.read(data)
    account = " ".join(account.split())[:100]
    if not account:
        raise BadInput("bank_account_missing", "Please say which account this is of.", details={"field": "account"})
    if currency not in CURRENCIES:
        raise BadInput(
            "currency_invalid", "Please say in which currency the account is kept.", details={"field": "currency"}
        )
    if dates is not None and dates not in figures.DATES:
        raise BadInput("date_format_invalid", "Dates are dmy, mdy or ymd.", details={"field": "dates"})
    if decimal is not None and decimal not in figures.DECIMALS:
        raise BadInput("decimal_mark_invalid", "The cents come after a point or a comma.", details={"field": "decimal"})
    return [csv_file.read(data, account=account, currency=currency, dates=dates, decimal=decimal)]


async def import_file(
    db: Database,
    data: bytes,
    *,
    file_name: str,
    actor: str,
    account: str = "",
    currency: str = "",
    dates: str | None = None,
    decimal: str | None = None,
) -> Result:
    """Import a statement, all of it or nothing. The same one again, or one that overlaps it, adds only what is new.

    Lines that are beyond doubt are matched and booked at once; each other new one stands before a person. One database transaction,
    and nobody else imports or settles lines meanwhile. Raises what `read_file` raises, then Conflict (statement_currency_changed,
    statement_formats_mixed, statement_overlap_unclear).
    """
    statements = read_file(data, account=account, currency=currency, dates=dates, decimal=decimal)
    sha256 = hashlib.sha256(data).digest()
    new = matched = 0
    parts: Counter[tuple[str, str]] = Counter()
    async with db.transaction(claims("system", actor=actor)) as conn:
        await queries.take_turns(conn)
        for statement in statements:
            parts[statement.account, statement.ref] += 1
            part = parts[statement.account, statement.ref]
            new += await _keep(conn, statement, part, " ".join(file_name.split())[:200], sha256, actor)
        if new:
            matched = await match_open(conn)
        await _tell_of_open_lines(conn)
        await _tell_of_missing_payouts(conn)
    return Result(len(statements), new, sum(len(each.lines) for each in statements) - new, matched)


async def _keep(conn: Connection, statement: Statement, part: int, file_name: str, sha256: bytes, actor: str) -> int:
    """How many lines are new."""
    if await queries.other_currency(conn, statement):
        raise Conflict("statement_currency_changed", "This account was kept in another currency so far.")
    if await queries.other_format(conn, statement) is not None:
        raise Conflict(
            "statement_formats_mixed",
            "Days of this statement were imported in another format before. Banks word them differently, so that every line would come twice.",
        )
    if await queries.was_imported(conn, statement, part, sha256):
        return 0
    keys = once_keys(statement, await queries.list_kept(conn, statement, sha256))
    statement_id = uuid7()
    await queries.insert_statement(conn, statement_id, statement, part, keys, file_name, sha256, actor)
    ids = [uuid7() for _ in statement.lines]
    added = await queries.insert_lines(conn, statement_id, statement, ids, keys)
    detail = {"lines": len(statement.lines), "new": len(added), "format": statement.format}
    await history.record(conn, actor, "bank.imported", "bank_statement", statement_id, detail)
    return len(added)


async def match_due(db: Database) -> int:
    """Match what became known since: a payout that was listed, a transfer or a refund that was written down. How many lines. May run anywhere, and twice."""
    async with db.transaction() as conn:
        await queries.take_turns(conn)
        matched = await match_open(conn)
        await _tell_of_missing_payouts(conn)
    return matched


async def match_open(conn: Connection) -> int:
    """Every open line that is beyond doubt is booked, in the caller's database transaction, who has taken a turn."""
    lines = await queries.list_open(conn)
    if not lines:
        return 0
    others: list[Payout | ByHand] = [*await queries.list_payouts(conn), *await queries.list_by_hand(conn)]
    matched = 0
    for line in lines:
        rivals = [each.said for each in lines if each.id != line.id and each.currency == line.currency]
        found = rules.exact(line.said, line.currency, others, rivals)
        if found is not None:
            others.remove(found)
            await _book(conn, line, [found], "system")
            matched += 1
    return matched


async def _book(conn: Connection, line: BankLine, others: Sequence[Payout | ByHand], actor: str) -> None:
    """bank in transit -> bank, or what was taken by hand -> bank, or bank -> what was given back by hand."""
    payout = others[0] if isinstance(others[0], Payout) else None
    if payout is not None:
        await queries.settle(conn, line.id, "payout", actor, movement_id=payout.id)
        kind, source = "payout_arrived", IN_TRANSIT
    else:
        parts = [each for each in others if isinstance(each, ByHand)]
        await queries.settle(conn, line.id, "transfer", actor, parts=parts)
        kind, source = "transfer_arrived" if line.amount > 0 else "transfer_left", BY_HAND
    entries = [(BANK, line.amount), (source, -line.amount)]
    await ledger.post(conn, kind, "bank_line", str(line.id), None, line.currency, entries)
    detail = {"amount": line.amount, "others": [str(each.id) for each in others]}
    await history.record(conn, actor, f"bank.{kind}", "bank_line", line.id, detail)
    await payments.resolve_concerns(conn, _about(line.id), [])
    if payout is not None:
        await payments.resolve_concerns(conn, f"payout_missing:{payout.id}", [])


def _about(line_id: UUID) -> str:
    return f"bank_line:{line_id}"


async def _tell_of_open_lines(conn: Connection) -> None:
    for line in await queries.list_open(conn):
        detail: dict[str, object] = {
            "line_id": str(line.id), "amount": line.amount, "currency": line.currency, "booked_on": line.booked_on.isoformat(),
        }  # fmt: skip
        await payments.report_concern(conn, "bank_line", _about(line.id), detail)


async def _tell_of_missing_payouts(conn: Connection) -> None:
    for payout in await queries.list_missing(conn, rules.LATE.days):
        detail: dict[str, object] = {
            "gateway": payout.gateway, "amount": payout.amount, "currency": payout.currency, "due_on": payout.due_on.isoformat(),
            "ref": payout.references[0] if payout.references else None,
        }  # fmt: skip
        await payments.report_concern(conn, "payout_missing", f"payout_missing:{payout.id}", detail)


async def choices(conn: Connection, line: BankLine) -> Choices:
    """What is open of its currency."""

    def near(other: Payout | ByHand) -> tuple[bool, object]:
        day = other.due_on if isinstance(other, Payout) else other.written_on
        return not rules.fits(line.said, line.currency, other), abs(day - line.booked_on)

    payouts = [
        each
        for each in await queries.list_payouts(conn)
        if (each.amount, each.currency) == (line.amount, line.currency)
    ]
    by_hand = [each for each in await queries.list_by_hand(conn) if each.currency == line.currency]
    whole = [each for each in by_hand if each.amount == line.amount]
    return Choices(sorted(payouts, key=near), sorted(whole, key=near), by_hand)


async def match(db: Database, line_id: UUID, other_ids: Sequence[UUID], *, actor: str) -> None:
    """A person says what a line is: a payout (the movement's id), or what was taken and given back by hand (postings' ids), one or several that
    make its sum: cash that was banked, one transfer for two bookings. Twice is once.

    Nobody else settles a line meanwhile. Raises, in the order checked: BadInput (parts_missing); NotFound (bank_line_not_found); Conflict
    (bank_line_settled); NotFound (match_not_found: one is not there, or another line has it); Conflict (amounts_differ).
    """
    if not other_ids:
        raise BadInput("parts_missing", "Please tick what this line is made of.")
    async with db.transaction(claims("system", actor=actor)) as conn:
        line = await _its_turn(conn, line_id, set(other_ids))
        if line is None:
            return
        payout = await queries.get_payout(conn, other_ids[0]) if len(other_ids) == 1 else None
        others: Sequence[Payout | ByHand] = [payout] if payout else await queries.get_by_hand(conn, other_ids)
        if len(others) != len(set(other_ids)):
            raise NotFound("match_not_found", "There is no such payout or transfer, or another line has it already.")
        total = sum(each.amount for each in others)
        if total != line.amount or any(each.currency != line.currency for each in others):
            raise Conflict(
                "amounts_differ",
                f"The sums are not the same: this makes {money.plain(total, others[0].currency)}, and the line is {money.plain(line.amount, line.currency)}.",
            )
        await _book(conn, line, others, actor)


async def not_ours(db: Database, line_id: UUID, *, note: str, actor: str) -> None:
    """A person says that a line has nothing to do with bookings: rent, wages, interest. `note` says what it is; nothing is booked.

    Nobody else settles a line meanwhile. Raises, in the order checked: BadInput (note_missing); NotFound (bank_line_not_found); Conflict (bank_line_settled).
    """
    note = note.strip()[:2000]
    if not note:
        raise BadInput("note_missing", "Please say what it is.", details={"field": "note"})
    async with db.transaction(claims("system", actor=actor)) as conn:
        line = await _its_turn(conn, line_id, set())
        assert line is not None, "no match was asked for"
        await queries.settle(conn, line.id, "not_ours", actor, note=note)
        await history.record(conn, actor, "bank.not_ours", "bank_line", line.id, {"amount": line.amount})
        await payments.resolve_concerns(conn, _about(line.id), [])


async def _its_turn(conn: Connection, line_id: UUID, other_ids: AbstractSet[UUID]) -> BankLine | None:
    """The open line, and nobody else settles one meanwhile; None when it is matched to just these."""
    await queries.take_turns(conn)
    line = await queries.get_line(conn, line_id)
    if line is None:
        raise NotFound("bank_line_not_found", "We cannot find this line.")
    if line.state == "open":
        return line
    matched = {each.id for each in await queries.list_parts(conn, line_id)} | ({line.movement_id} - {None})
    if other_ids and other_ids == matched:
        return None
    raise Conflict("bank_line_settled", "Somebody has said what this line is already.")
