"""Which way the money of a CSV went, where its amounts do not say it, and which of its rows are no money but a balance. Pure.

Many banks write 5000.00 and DR beside it, under a title that each spells in its own way or leaves out. So the column is found by what stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from jklg.kit.errors import BadInput
from jklg.kit.money import CURRENCIES
from jklg.reconciliation.statements import figures

WENT = frozenset({"dr", "d", "debit", "dbit", "s", "soll", "withdrawal"})
CAME = frozenset({"cr", "c", "credit", "crdt", "h", "haben", "deposit"})

OPENING = frozenset({
    "opening balance", "opening bal", "beginning balance", "brought forward", "balance brought forward", "balance b f", "opening balance b f",
    "anfangssaldo", "anfangsbestand", "alter saldo", "alter kontostand", "saldovortrag", "saldo inicial", "solde initial", "ancien solde",
})  # fmt: skip
CLOSING = frozenset({
    "closing balance", "closing bal", "ending balance", "carried forward", "balance carried forward", "balance c f", "closing balance c f",
    "endsaldo", "schlusssaldo", "abschlusssaldo", "neuer saldo", "neuer kontostand", "kontostand", "saldo final", "solde final", "nouveau solde",
})  # fmt: skip
TOTAL = frozenset({"total", "totals", "grand total", "sub total", "page total", "summe", "gesamt", "gesamtsumme"})
_BESIDE = {
    *"as on of at per am vom zum the date dt jan feb mar apr may jun jul aug sep oct nov dec".split(), *map(str.lower, CURRENCIES)
}  # fmt: skip
"""Words beside which a balance is still one: 'Opening balance as on 1 Nov 2026'."""


def way(cell: str) -> int:
    """-1 when the cell says that money went, 1 that it came, 0 when it says something else."""
    word = cell.strip().lower().removesuffix(".")
    return -1 if word in WENT else 1 if word in CAME else 0


def directed(
    amounts: Sequence[int], written: Sequence[str], rows: Sequence[Sequence[str]], other: Collection[int]
) -> list[int]:
    """The amounts, with the signs that a column of directions gives them. `written`: the amounts as the file has them; `rows`: all their cells;
    `other`: the places of columns that are something else.

    BadInput (statement_direction_unclear) when an amount has no direction, or two.
    """
    widest = max((len(row) for row in rows), default=0)
    cells = [_column(rows, place) for place in range(widest) if place not in other]
    columns = [each for each in cells if any(each) and all(way(cell) or not cell for cell in each)]
    if any(amount < 0 for amount in amounts) or any(map(figures.is_signed, written)):
        _agree(amounts, written, columns)
        return list(amounts)
    if not columns:
        if any(way(cell) < 0 and len(cell) > 1 for column in cells for cell in column):
            raise unclear()  # some rows say it, and others something else
        return list(amounts)
    both_ways = [each for each in columns if len(_ways(each)) == 2]
    directions = [_ways(said) for said in zip(*(both_ways or columns), strict=True)]
    if any(amount and len(ways) != 1 for amount, ways in zip(amounts, directions, strict=True)):
        raise unclear()
    return [amount * ways.pop() if amount else 0 for amount, ways in zip(amounts, directions, strict=True)]


def _column(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    return [row[place].strip() if place < len(row) else "" for row in rows]


def _ways(cells: Iterable[str]) -> set[int]:
    return {way(cell) for cell in cells} - {0}


def _agree(amounts: Sequence[int], written: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    """Amounts that have signs must not be contradicted by a column, nor by each other: beside 7000.00 Cr, what 5000.00 is nobody can tell."""
    mixed = min(amounts) < 0 < max(amounts)
    for column in columns:
        if mixed and len(_ways(column)) == 1 and all(len(cell) < 2 for cell in column):
            continue  # one letter for what came and for what went: cleared, done, and no direction
        if any(way(cell) * amount < 0 for cell, amount in zip(column, amounts, strict=True)):
            raise unclear()
    marked = {figures.is_signed(text) for text, amount in zip(written, amounts, strict=True) if text and amount > 0}
    if len(marked) == 2 and not columns:
        raise unclear()


def unclear() -> BadInput:
    return BadInput(
        "statement_direction_unclear",
        "This file does not say of every amount whether it came or went, or says both. Nothing was imported. Please export it with signs, or as camt.053.",
    )


def balance(cells: Sequence[str]) -> str:
    """'opening', 'closing' or 'total' when a cell of the row says just this, 'unclear' when one only begins so, else ''."""
    found = ""
    for cell in cells:
        words = re.sub(r"[^a-z]+", " ", cell.lower()).split()
        said = " ".join(word for word in words if word not in _BESIDE)
        for name, phrases in (("opening", OPENING), ("closing", CLOSING), ("total", TOTAL)):
            if said in phrases:
                return name
            if name != "total" and any(said.startswith(f"{phrase} ") for phrase in phrases):
                found = "unclear"
    return found
