"""Dates and amounts as people and banks write them, read without guessing: what can be read in two ways is asked for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from jklg.kit.errors import BadInput
from jklg.kit.money import MAX_MINOR, to_minor

DATES = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
DECIMALS = {"point": ".", "comma": ","}
_MONTHS = {
    name: number + 1
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())
}  # fmt: skip
_NUMBERS = re.compile(r"(\d{1,4})[./\- ](\d{1,2})[./\- ](\d{1,4})")
_WORDS = re.compile(r"(\d{1,2})[ \-/.]*([A-Za-z]{3,9})[ \-/.,]*(\d{4}|\d{2})")
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2})?(\.\d+)?( ?(Z|[+-]\d\d:?\d\d|[AaPp][Mm]))?$")
_SIGNED = re.compile(
    r"(?P<sign>[+\-\u2212]?)(?P<digits>[0-9][0-9.,' \u00a0\u202f]*)(?P<after>-|\u2212|[Cc][Rr]\.?|[Dd][Rr]\.?)?"
)
_GROUPED = r"[0-9]{1,3}(?:%s[0-9]{2,3})*%s[0-9]{3}"
"""1,234,567 or, in India, 12,34,567: the last group has three."""


def date_order(values: Iterable[str], asked: str | None) -> str:
    """In which order the days of a file are written: 'dmy', 'mdy' or 'ymd'. `asked` wins, and then has to fit.

    BadInput (date_format_ambiguous) when 03/04/2026 may be either, or the dates contradict each other.
    """
    if asked is not None:
        return asked
    possible, seen = set(DATES), False
    for value in values:
        found = _NUMBERS.fullmatch(_TIME.sub("", value.strip()))
        if found and len(found[1]) <= 2:  # else a month in letters, or the year first: neither can be misread
            possible, seen = possible & _orders(value, *found.groups()), True
    if not seen:
        return "dmy"
    if len(possible) == 1:
        return possible.pop()
    raise BadInput(
        "date_format_ambiguous",
        "The dates of this file can be read in two ways. Please say whether the day or the month comes first.",
        details={"field": "dates"},
    )


def _orders(value: str, a: str, b: str, c: str) -> set[str]:
    """The orders in which three numbers are a day at all. Nobody who writes points writes the month first, or a short year."""
    orders = {"dmy": (c, b, a), "mdy": (c, a, b), "ymd": (a, b, c)}
    if "." in value:
        return {"dmy"}
    if len(c) == 4:
        del orders["ymd"]
    return {order for order, (year, month, day) in orders.items() if _is_day(year, month, day)}


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(_year(year), int(month), int(day))
    except ValueError:
        return False
    return True


def read_date(value: str, order: str) -> date:
    """A day. BadInput (statement_date_invalid)."""
    try:
        return real_day(_day(_TIME.sub("", value.strip()), order))
    except (ValueError, KeyError):
        raise BadInput(
            "statement_date_invalid", "A date of this file cannot be read.", details={"value": value[:40]}
        ) from None


def _day(text: str, order: str) -> date:
    if words := _WORDS.fullmatch(text):
        return date(_year(words[3]), _MONTHS[words[2][:3].lower()], int(words[1]))
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  (a day, no moment)
    a, b, c = found.groups()
    if len(a) == 4 or order == "ymd":
        return date(_year(a), int(b), int(c))
    day, month = (a, b) if order == "dmy" else (b, a)
    return date(_year(c), int(month), int(day))


def real_day(day: date) -> date:
    """The day itself. ValueError of the first and the last day there can be: systems write them for "none", no day follows the last one, and
    the database would keep them as infinity."""
    if not date.min < day < date.max:
        raise ValueError("not a day")
    return day


def _year(text: str) -> int:
    return 2000 + int(text) if len(text) == 2 else int(text)


def decimal_mark(values: Iterable[str], asked: str | None) -> str:
    """What separates the cents in a file: '.' or ','. `asked` ('point', 'comma') wins.

    BadInput (decimal_mark_ambiguous) when 1,234 may be a thousand or one, or the amounts contradict each other.
    """
    if asked is not None:
        return DECIMALS[asked]
    possible, doubtful = {".", ","}, False
    for value in values:
        digits = re.sub(r"[^0-9.,]", "", value).strip(".,")
        marks = re.sub(r"[0-9]", "", digits)
        if not marks:
            continue
        last, behind = marks[-1], len(re.split(r"[.,]", digits)[-1])
        other = "," if last == "." else "."
        if len(set(marks)) == 2 or (len(marks) == 1 and behind != 3):
            possible &= {last}
        elif len(marks) > 1:
            possible &= {other}  # 1,234,567
        else:
            doubtful = True
    if len(possible) == 1:
        return possible.pop()
    if possible and not doubtful:
        return "."
    raise BadInput(
        "decimal_mark_ambiguous",
        "The amounts of this file can be read in two ways. Please say what separates the cents.",
        details={"field": "decimal"},
    )


def read_amount(value: str, mark: str, currency: str) -> int:
    """Minor units of `currency`, exactly; '' is nothing. A minus before or behind, brackets or DR take away.

    BadInput (statement_amount_invalid).
    """
    text = re.sub(
        rf"^{currency}\s*|\s*{currency}$|^[\u20b9$\u20ac\u00a3]\s*|\s*[\u20b9$\u20ac\u00a3]$",
        "",
        value.strip(),
        flags=re.IGNORECASE,
    )
    if not text:
        return 0
    brackets = text.startswith("(") and text.endswith(")")
    found = _SIGNED.fullmatch(text.strip("()").strip())
    try:
        if found is None:
            raise ValueError
        amount = to_minor(Decimal(_digits(found["digits"], mark)), currency)
        if amount > MAX_MINOR:
            raise ValueError
    except ValueError:
        raise BadInput(
            "statement_amount_invalid", "An amount of this file cannot be read.", details={"value": value[:40]}
        ) from None
    after = (found["after"] or "").lower()
    minus = [brackets, found["sign"] in ("-", "\u2212"), after in ("-", "\u2212") or after.startswith("d")]
    return -amount if any(minus) else amount


def is_signed(value: str) -> bool:
    """Whether the amount itself says which way it went."""
    return bool(re.search(r"^\W*[+\-\u2212(]|[+\-\u2212)]\W*$|[CcDd][Rr]\.?$", value.strip()))


def _digits(text: str, mark: str) -> str:
    """'1.23.456,78' with ',' -> '123456.78'. ValueError for groups that are none."""
    whole, _, part = text.strip().partition(mark)
    groups = "[,' \u00a0\u202f]" if mark == "." else "[.' \u00a0\u202f]"
    if not re.fullmatch(rf"[0-9]+|{_GROUPED % (groups, groups)}", whole) or not re.fullmatch(r"[0-9]*", part):
        raise ValueError("not an amount")
    return f"{re.sub(groups, '', whole)}.{part or '0'}"
