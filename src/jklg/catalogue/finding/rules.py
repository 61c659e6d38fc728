"""What a visitor may ask of the list of packages, and how that stands in an address. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

import msgspec

from jklg.catalogue.rules import PackageCard, read_key, read_limit
from jklg.kit.errors import BadInput
from jklg.kit.languages import N_
from jklg.kit.money import CURRENCIES, MAX_MINOR, decimals

SORTS = ("featured", "soonest", "price", "duration", "name")
LENGTHS = {"1-3": (1, 3), "4-6": (4, 6), "7-9": (7, 9), "10-": (10, 365)}
"""What `days` may say, and the days it means."""


class PackageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor looks for. `days` are the least and the most; `price` is (currency, the most in minor units).

    `after` is where the last page ended: (rank, name, id).
    """

    destination: str | None = None
    month: date | None = None
    q: str | None = None
    theme: str | None = None
    days: tuple[int, int] | None = None
    price: tuple[str, int] | None = None
    sort: str = "featured"
    limit: int = 100
    after: tuple[int, str, UUID] | None = None


def read_filter(words: Mapping[str, str | None]) -> PackageFilter:
    """The words of a query string as a filter; empty words are no wish.

    Raises BadInput: destination_invalid, month_invalid, q_invalid, theme_invalid, days_invalid, price_invalid, sort_invalid,
    limit_invalid, cursor_invalid.
    """
    destination, sort, days = words.get("destination"), words.get("sort"), words.get("days")
    if destination and not read_key(destination):
        raise _query("destination", N_("A destination is named by its slug or id."))
    month = _read_month(words.get("month"))
    q, theme = (" ".join((words.get(name) or "").split()) or None for name in ("q", "theme"))
    if not _is_plain(q):
        raise _query("q", N_("Please search for up to 100 characters of plain text."))
    if not _is_plain(theme):
        raise _query("theme", N_("Please search for up to 100 characters of plain text."))
    if days and days not in LENGTHS:
        raise _query("days", f"Lengths are {', '.join(LENGTHS)}.")
    price = _read_price(words.get("price"))
    if sort and sort not in SORTS:
        raise _query("sort", f"Packages can be sorted by {', '.join(SORTS)}.")
    return PackageFilter(
        destination=destination or None,
        month=month,
        q=q,
        theme=theme,
        days=LENGTHS[days] if days else None,
        price=price,
        sort=sort or "featured",
        limit=read_limit(words.get("limit"), default=100, most=100),
        after=_read_cursor(words.get("cursor")),
    )


def _read_month(text: str | None) -> date | None:
    if not text:
        return None
    if not re.fullmatch(r"2[01][0-9]{2}-(0[1-9]|1[0-2])", text):
        raise _query("month", N_("A month is written as in 2027-05."))
    return date.fromisoformat(f"{text}-01")


def _is_plain(text: str | None) -> bool:
    return text is None or (len(text) <= 100 and text.isprintable())


def _read_price(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"([A-Z]{3})-([0-9]{1,12})", text)
    if not found or found[1] not in CURRENCIES:
        raise _query("price", N_("The most to pay is written as in INR-25000."))
    most = int(found[2]) * 10 ** decimals(found[1])
    if most > MAX_MINOR:
        raise _query("price", N_("The most to pay is written as in INR-25000."))
    return found[1], most


def price_steps(prices: Iterable[tuple[str, int]]) -> list[tuple[str, str, int]]:
    """Bounds worth choosing among these (currency, minor units): (word of an address, currency, minor units), each leaving something
    out and something in."""
    by_currency: dict[str, list[int]] = {}
    for currency, minor in prices:
        by_currency.setdefault(currency, []).append(minor)
    found = []
    for currency, all_of_it in sorted(by_currency.items()):
        unit = 10 ** decimals(currency)
        most = max(all_of_it)
        seen = set()
        for minor in sorted(all_of_it):
            whole = _round_up(-(-minor // unit))
            inside = sum(each <= whole * unit for each in all_of_it)
            if whole * unit < most and inside not in seen:
                seen.add(inside)
                found.append((f"{currency}-{whole}", currency, whole * unit))
    return found[:8]


def _round_up(whole: int) -> int:
    """To two figures and a half: 18,999 is 20,000, 22,999 is 25,000."""
    step = int("5" + "0" * (len(str(whole)) - 2)) if whole > 9 else 1
    return -(-whole // step) * step


def cursor_after(card: PackageCard) -> str:
    """Where the next page begins, for `read_filter`."""
    packed = msgspec.json.encode((card.rank, card.name, card.id))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(text: str | None) -> tuple[int, str, UUID] | None:
    if not text:
        return None
    try:
        packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        rank, name, id_ = msgspec.json.decode(packed, type=tuple[int, str, UUID])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise _query("cursor", N_("This page of the list does not exist. Please start from the first.")) from None
    if not 0 <= rank <= MAX_MINOR or "\0" in name:
        raise _query("cursor", N_("This page of the list does not exist. Please start from the first."))
    return rank, name, id_


def _query(word: str, sentence: str) -> BadInput:
    return BadInput(f"{word}_invalid", sentence, details={"field": word})
