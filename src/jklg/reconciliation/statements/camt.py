"""A bank's statement as ISO 20022 camt.053, versions 02 to 08 (message definitions read 2026-11). Pure.

The file comes from outside: defusedxml refuses a document type, entities and references to elsewhere before anything of it is read.
Only entries that are booked count, and they must lead from the opening to the closing balance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from jklg.kit.errors import BadInput
from jklg.kit.money import CURRENCIES, MAX_MINOR, to_minor
from jklg.reconciliation.statements.figures import real_day
from jklg.reconciliation.statements.rules import Line, Statement, check_sum

_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-8])\}Document")
_OPENING, _CLOSING = ("OPBD", "PRCD", "ITBD"), ("CLBD", "ITBD")
"""Of a statement in several parts, the middle ones begin and end with interim balances (ITBD)."""


def is_camt(data: bytes) -> bool:
    """Whether this is XML at all; what else it is, `read` says."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))


def read(data: bytes) -> list[Statement]:
    """Every statement in the file. Raises BadInput: statement_unreadable, statement_incomplete, statement_date_invalid,
    statement_amount_invalid, statement_currency_mixed, statement_does_not_add_up."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as problem:
        raise _unreadable() from problem
    if not _NAMESPACE.fullmatch(root.tag):
        raise _unreadable()
    statements = [_statement(each) for each in _all(root, "BkToCstmrStmt/Stmt")]
    if not statements:
        raise BadInput("statement_empty", "There are no statements in this file.")
    return statements


def _statement(stmt: Element) -> Statement:
    account = _text(stmt, "Acct/Id/IBAN") or _text(stmt, "Acct/Id/Othr/Id")
    opening, closing = _balance(stmt, _OPENING, first=True), _balance(stmt, _CLOSING, first=False)
    if not account or opening is None or closing is None:
        raise BadInput(
            "statement_incomplete", "This statement does not say its account, or its opening and closing balance."
        )
    currency = opening[1]
    if closing[1] != currency:
        raise BadInput("statement_currency_mixed", "This statement changes its currency.")
    entries = [each for each in _all(stmt, "Ntry") if (_text(each, "Sts/Cd") or _text(each, "Sts")) == "BOOK"]
    lines = [_line(each, currency, closing[2]) for each in entries]
    days = [line.booked_on for line in lines]
    # An opening balance of type PRCD is dated the day before.
    first, last = min([*days, closing[2], opening[2] + timedelta(days=opening[3])]), max([*days, closing[2]])
    statement = Statement(
        account=account, currency=currency, format="camt.053", ref=_text(stmt, "Id"), from_on=first, to_on=last,
        opening=opening[0], closing=closing[0], lines=[line for line in lines if line.amount],
    )  # fmt: skip
    check_sum(statement)
    return statement


def _balance(stmt: Element, codes: tuple[str, ...], *, first: bool) -> tuple[int, str, date, int] | None:
    """(amount, currency, day, days to add) of the opening or closing balance. The better code wins, then the place in the file."""
    for code in codes:
        found = [each for each in _all(stmt, "Bal") if _text(each, "Tp/CdOrPrtry/Cd") == code]
        if found:
            chosen = found[0] if first else found[-1]
            amount, currency = _amount(chosen)
            return amount, currency, _day(chosen, "Dt"), 1 if code == "PRCD" else 0
    return None


def _line(entry: Element, currency: str, closed_on: date) -> Line:
    amount, in_ = _amount(entry)
    if in_ != currency:
        raise BadInput("statement_currency_mixed", f"An entry of this statement is not in {currency}.")
    booked_on = _day(entry, "BookgDt") if _find(entry, "BookgDt") is not None else closed_on
    details = list(_all(entry, "NtryDtls/TxDtls"))
    party = "Dbtr" if amount > 0 else "Cdtr"
    people = [_text(each, f"RltdPties/{party}/Nm") or _text(each, f"RltdPties/{party}/Pty/Nm") for each in details]
    words = [_text(entry, "AddtlNtryInf")]
    references = [_text(entry, "AcctSvcrRef"), _text(entry, "NtryRef")]
    for each in details:
        words += [_said(remittance) for remittance in _all(each, "RmtInf/Ustrd")] + [_text(each, "AddtlTxInf")]
        references += [
            _text(each, f"Refs/{name}") for name in ("EndToEndId", "TxId", "PmtInfId", "InstrId", "AcctSvcrRef", "UETR")
        ]
        references += [_said(ref) for ref in _all(each, "RmtInf/Strd/CdtrRefInf/Ref")]
    return Line(
        booked_on=booked_on,
        value_on=_day(entry, "ValDt") if _find(entry, "ValDt") is not None else None,
        amount=amount,
        counterparty=_join(people),
        description=_join(words),
        reference=_join(each for each in references if each != "NOTPROVIDED"),
    )


def _amount(of: Element) -> tuple[int, str]:
    """Signed minor units and their currency; a debit is less than nothing, also when it takes a credit back (RvslInd)."""
    amount, direction = _find(of, "Amt"), _text(of, "CdtDbtInd")
    currency = amount.get("Ccy", "") if amount is not None else ""
    text = _said(amount) if amount is not None else ""
    try:
        if (
            currency not in CURRENCIES
            or direction not in ("CRDT", "DBIT")
            or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{0,5})?", text)
        ):
            raise ValueError
        minor = to_minor(Decimal(text), currency)
        if minor > MAX_MINOR:
            raise ValueError
    except (ValueError, InvalidOperation):
        raise BadInput(
            "statement_amount_invalid", "An amount of this file cannot be read.", details={"value": text[:40]}
        ) from None
    return (minor if direction == "CRDT" else -minor), currency


def _day(of: Element, name: str) -> date:
    text = _text(of, f"{name}/Dt") or _text(of, f"{name}/DtTm")
    try:
        return real_day(date.fromisoformat(text[:10]))
    except ValueError:
        raise BadInput(
            "statement_date_invalid", "A date of this file cannot be read.", details={"value": text[:40]}
        ) from None


def _unreadable() -> BadInput:
    return BadInput("statement_unreadable", "This is no camt.053 statement (versions 02 to 08) that we can read.")


# -- elements by their local names: the namespace was checked once, and differs from version to version -------------------


def _all(of: Element, path: str) -> Iterator[Element]:
    head, _, rest = path.partition("/")
    for child in of:
        if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == head:
            if rest:
                yield from _all(child, rest)
            else:
                yield child


def _find(of: Element, path: str) -> Element | None:
    return next(_all(of, path), None)


def _text(of: Element, path: str) -> str:
    found = _find(of, path)
    return _said(found) if found is not None else ""


def _said(of: Element) -> str:
    return " ".join((of.text or "").split())[:1000]


def _join(parts: Any) -> str:
    """Each once, in order."""
    return " ".join(dict.fromkeys(part for part in parts if part))[:1000]
