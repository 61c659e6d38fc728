"""A bank's statement as CSV: every bank has its own columns, so they are found by their names. Pure.

Separated by semicolon, comma or tab; in UTF-8, UTF-16 with its mark, or Windows-1252. What stands before the row of column names is passed over.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Mapping, Sequence

from jklg.kit.errors import BadInput
from jklg.reconciliation.statements import figures
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
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e"})
_HEADER_WITHIN = 40
MOST_LINES = 50_000


def read(data: bytes, *, account: str, currency: str, dates: str | None, decimal: str | None) -> Statement:
    """The statement. Raises BadInput: statement_unreadable, statement_columns_missing, date_format_ambiguous, decimal_mark_ambiguous,
    statement_date_invalid, statement_amount_invalid, statement_currency_mixed, statement_empty, statement_does_not_add_up."""
    columns, rows = _table(_text(data))
    values = [{name: row[place].strip() for name, place in columns.items() if place < len(row)} for row in rows]
    values = [
        row for row in values if row.get("booked_on") and any(row.get(each) for each in ("amount", "debit", "credit"))
    ]
    if not values:
        raise BadInput("statement_empty", "There are no lines in this file.")
    order = figures.date_order((row["booked_on"] for row in values), dates)
    mark = figures.decimal_mark(
        (row.get(each, "") for row in values for each in ("amount", "debit", "credit", "balance")), decimal
    )
    lines, balances = [], []
    for row in values:
        if row.get("currency", currency).upper() not in (currency, ""):
            raise BadInput("statement_currency_mixed", f"A line of this file is not in {currency}.")
        amount = _amount(row, mark, currency)
        if row.get("balance"):
            balances.append((amount, figures.read_amount(row["balance"], mark, currency)))
        if amount:
            lines.append(_line(row, amount, order))
    if not lines:
        raise BadInput("statement_empty", "There are no lines in this file.")
    opening, closing = _ends(balances) if len(balances) == len(values) else (None, None)
    days = [line.booked_on for line in lines]
    statement = Statement(
        account=account, currency=currency, format="csv", from_on=min(days), to_on=max(days), lines=lines, opening=opening, closing=closing
    )  # fmt: skip
    check_sum(statement)
    return statement


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


def _amount(row: Mapping[str, str], mark: str, currency: str) -> int:
    """Signed. Debit and credit are columns of their own at many banks, and at some both are always filled."""
    if row.get("amount"):
        return figures.read_amount(row["amount"], mark, currency)
    credit = figures.read_amount(row.get("credit", ""), mark, currency)
    debit = figures.read_amount(row.get("debit", ""), mark, currency)
    return abs(credit) - abs(debit)


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


def _ends(balances: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Opening and closing, from a balance behind each line: oldest first or newest first, whichever leads from line to line."""
    forward = all(before[1] + after[0] == after[1] for before, after in itertools.pairwise(balances))
    ordered = list(balances) if forward else list(reversed(balances))
    if not all(before[1] + after[0] == after[1] for before, after in itertools.pairwise(ordered)):
        raise BadInput(
            "statement_does_not_add_up",
            "The balances in this file do not follow from its lines. Nothing was imported.",
        )
    return ordered[0][1] - ordered[0][0], ordered[-1][1]
