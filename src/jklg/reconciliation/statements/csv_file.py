"""A bank's statement as CSV: every bank has its own columns, so they are found by their names. Pure.

Separated by semicolon, comma or tab; in UTF-8, UTF-16 with its mark, or Windows-1252. What stands before the row of column names is passed over.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jklg.kit.errors import BadInput
from jklg.reconciliation.statements import directions, figures
from jklg.reconciliation.statements.rules import Line, Statement, check_sum

COLUMNS: Mapping[str, Sequence[str]] = {
    "booked_on": (
        "date", "booking date", "booked on", "transaction date", "txn date", "tran date", "posting date", "posted date", "completed date",
        "buchungstag", "buchungsdatum", "datum", "fecha", "date operation",
    ),
    "value_on": ("value date", "value dt", "valuta", "valutadatum", "wertstellung", "date valeur"),
    "amount": ("amount", "transaction amount", "betrag", "umsatz", "montant", "importe", "net amount"),
    "debit": (
        "debit", "debit amount", "withdrawal", "withdrawal amt", "withdrawal amount", "withdrawals", "paid out", "money out", "soll", "debit inr", "dr",
    ),
    "credit": ("credit", "credit amount", "deposit", "deposit amt", "deposit amount", "deposits", "paid in", "money in", "haben", "credit inr", "cr"),
    "currency": ("currency", "ccy", "waehrung", "wahrung", "devise", "moneda"),
    "description": (
        "description", "narration", "details", "particulars", "transaction details", "transaction remarks", "remarks", "memo", "verwendungszweck", "buchungstext", "libelle", "concepto",
    ),
    "reference": (
        "reference", "ref", "ref no", "reference no", "reference number", "chq ref no", "chq ref number", "cheque no", "transaction id", "utr", "utr no", "kundenreferenz",
    ),
    "counterparty": ("name", "payee", "payer", "counterparty", "beneficiary", "beguenstigter zahlungspflichtiger", "zahlungsbeteiligter", "auftraggeber empfaenger"),
    "balance": ("balance", "closing balance", "running balance", "saldo", "kontostand", "balance inr", "solde"),
}  # fmt: skip
"""What we call a column -> what banks call it, in letters and digits only."""
_AMOUNTS = ("amount", "debit", "credit")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e"})
_HEADER_WITHIN = 40
MOST_LINES = 50_000


class _Row(NamedTuple):
    """A row with an amount: all its cells, those we have names for, and whether it says that it is a balance."""

    cells: Sequence[str]
    said: Mapping[str, str]
    balance: str


def read(data: bytes, *, account: str, currency: str, dates: str | None, decimal: str | None) -> Statement:
    """The statement. Raises BadInput: statement_unreadable, statement_columns_missing, statement_date_missing, statement_balance_unclear,
    statement_empty, date_format_ambiguous, decimal_mark_ambiguous, statement_amount_invalid, statement_direction_unclear,
    statement_currency_mixed, statement_date_invalid, statement_does_not_add_up."""
    columns, table = _table(_text(data))
    rows = _money(columns, table)
    if not rows:
        raise _empty()
    order = figures.date_order((row.said["booked_on"] for row in rows), dates)
    mark = figures.decimal_mark((row.said.get(each, "") for row in rows for each in (*_AMOUNTS, "balance")), decimal)
    amounts = _amounts(columns, rows, mark, currency)
    lines, balances, stated = [], [], []
    for row, amount in zip(rows, amounts, strict=True):
        if row.said.get("currency", currency).upper() not in (currency, ""):
            raise BadInput("statement_currency_mixed", f"A line of this file is not in {currency}.")
        behind = figures.read_amount(row.said["balance"], mark, currency) if row.said.get("balance") else None
        if row.balance:
            stated.append((row.balance, amount, behind))
            continue
        balances.append((amount, behind))
        if amount:
            lines.append(_line(row.said, amount, order))
    if not lines:
        raise _empty()
    opening, closing = _stated(stated) or _ends(balances)
    days = [line.booked_on for line in lines]
    statement = Statement(
        account=account, currency=currency, format="csv", from_on=min(days), to_on=max(days), lines=lines, opening=opening, closing=closing
    )  # fmt: skip
    check_sum(statement)
    return statement


def _empty() -> BadInput:
    return BadInput("statement_empty", "There are no lines in this file.")


def _text(data: bytes) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadInput("statement_unreadable", "This is no text that we can read.")


def _table(text: str) -> tuple[dict[str, int], list[list[str]]]:
    """Our columns with their places, and the rows below. The separator is the one with which the column names are found."""
    best: tuple[dict[str, int], list[list[str]]] = {}, []
    for separator in (";", ",", "\t"):
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        except csv.Error:
            continue
        if len(rows) > MOST_LINES:
            raise BadInput("statement_unreadable", "This file is too long. Please export a shorter time.")
        for number, row in enumerate(rows[:_HEADER_WITHIN]):
            found = _columns(row)
            if (
                "booked_on" in found
                and ("amount" in found or ("debit" in found and "credit" in found))
                and len(found) > len(best[0])
            ):
                best = found, rows[number + 1 :]
    if not best[0]:
        raise BadInput(
            "statement_columns_missing",
            "We do not find the columns of this file: it needs a date, and an amount or debit and credit.",
        )
    return best


def _columns(row: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, title in enumerate(row):
        word = re.sub(r"[^a-z0-9]+", " ", title.lower().translate(_UMLAUTS)).strip()
        for name, words in COLUMNS.items():
            if word in words and name not in found:
                found[name] = place
    return found


def _money(columns: Mapping[str, int], table: Sequence[Sequence[str]]) -> list[_Row]:
    """The rows with a day and an amount. Sums below the lines have none, and say what they are; of anything else a day is missing."""
    rows = []
    for cells in table:
        said = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
        amounts = "".join(said.get(each, "") for each in _AMOUNTS)
        if not amounts:
            continue
        balance = directions.balance(cells)
        if not said.get("booked_on") or (balance and not re.search("[0-9]", said["booked_on"])):
            if balance in ("", "unclear") and re.search("[1-9]", amounts):
                raise BadInput(
                    "statement_date_missing",
                    "A line of this file has an amount and no date. Nothing was imported.",
                    details={"value": amounts[:40]},
                )
            continue
        if balance == "unclear":
            raise _balance_unclear()
        rows.append(_Row(cells, said, "" if balance == "total" else balance))  # on a day, it is the name of a shop
    return rows if any(not row.balance for row in rows) else []


def _balance_unclear() -> BadInput:
    return BadInput(
        "statement_balance_unclear",
        "A line of this file may be money, or the account's balance. Please take it out of the file if it is a balance. Nothing was imported.",
    )


def _amounts(columns: Mapping[str, int], rows: Sequence[_Row], mark: str, currency: str) -> list[int]:
    """Signed. A balance without a direction is what the account has."""
    amounts = [_amount(row.said, mark, currency) for row in rows]
    if "amount" not in columns:
        return amounts
    other = {columns[name] for name in ("booked_on", "value_on", "amount", "currency", "balance") if name in columns}
    asked = [place for place, row in enumerate(rows) if not row.balance or any(map(directions.way, row.cells))]
    written = [rows[place].said.get("amount", "") for place in asked]
    cells = [rows[place].cells for place in asked]
    signed = directions.directed([amounts[place] for place in asked], written, cells, other)
    for place, amount in zip(asked, signed, strict=True):
        amounts[place] = amount
    return amounts


def _amount(row: Mapping[str, str], mark: str, currency: str) -> int:
    """Signed. Debit and credit are columns of their own at many banks, and at some both are always filled."""
    debit, credit = (
        figures.read_amount("" if directions.way(row.get(each, "")) else row.get(each, ""), mark, currency)
        for each in ("debit", "credit")
    )
    beside = abs(credit) - abs(debit)
    if not row.get("amount"):
        return beside
    amount = figures.read_amount(row["amount"], mark, currency)
    if (beside and abs(beside) != abs(amount)) or amount < 0 < beside:
        raise directions.unclear()
    return beside or amount


def _line(row: Mapping[str, str], amount: int, order: str) -> Line:
    value = row.get("value_on")
    return Line(
        booked_on=figures.read_date(row["booked_on"], order),
        value_on=figures.read_date(value, order) if value else None,
        amount=amount,
        counterparty=_words(row.get("counterparty", "")),
        description=_words(row.get("description", "")),
        reference=_words(row.get("reference", "")),
    )


def _words(text: str) -> str:
    return " ".join(text.split())[:1000]


def _stated(rows: Sequence[tuple[str, int, int | None]]) -> tuple[int, int] | None:
    """Opening and closing where the file has each as a row of its own; that they add up proves that they are no money. A row that is its own balance
    is none either, and proves nothing else."""
    if sorted(name for name, _, _ in rows) == ["closing", "opening"]:
        told = {name: amount for name, amount, _ in rows}
        return told["opening"], told["closing"]
    if any(amount != behind for _, amount, behind in rows):
        raise _balance_unclear()
    return None


def _ends(balances: Sequence[tuple[int, int | None]]) -> tuple[int, int] | tuple[None, None]:
    """Opening and closing, from a balance behind each line: oldest first or newest first, whichever leads from line to line."""
    ordered = [(amount, behind) for amount, behind in balances if behind is not None]
    if len(ordered) < len(balances):
        return None, None
    if not _leads(ordered):
        ordered.reverse()
    if not _leads(ordered):
        raise BadInput(
            "statement_does_not_add_up",
            "The balances in this file do not follow from its lines. Nothing was imported.",
        )
    return ordered[0][1] - ordered[0][0], ordered[-1][1]


def _leads(balances: Sequence[tuple[int, int]]) -> bool:
    return all(before[1] + after[0] == after[1] for before, after in itertools.pairwise(balances))
