"""The derivation of a price in the reader's language.

A line is kept in English as it was sold, with its arithmetic; here it is read again and said in the language of this moment. What is not
understood (a line of an older kind) is said as it was kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from jklg.kit.languages import ENGLISH, N_, spoken
from jklg.kit.languages import gettext as _
from jklg.kit.languages.figures import day

if TYPE_CHECKING:
    from jklg.departures import Price

WORDS = (
    N_("Adult"), N_("Child"), N_("Infant"), N_("Single supplement"), N_("Rounding"),
    N_("adult"), N_("child"), N_("infant"),
)  # fmt: skip
"""Labels of lines, and categories of people, as they are kept."""
MANY = {"adult": N_("Adults"), "child": N_("Children"), "infant": N_("Infants")}

NOT_OFFERED = {
    "adult": N_("This departure is not offered for adults."),
    "child": N_("This departure is not offered for children."),
    "infant": N_("This departure is not offered for infants."),
}
NAMED_MORE = {
    "adult": N_("You named more adults than the party has."),
    "child": N_("You named more children than the party has."),
    "infant": N_("You named more infants than the party has."),
}
OTHER_AGE = {
    "adult": N_("On {day} this traveller is {age}: adults are {ages}."),
    "child": N_("On {day} this traveller is {age}: children are {ages}."),
    "infant": N_("On {day} this traveller is {age}: infants are {ages}."),
}

_AGES = r"age \d+ and over|any age|under \d+|age \d+(?: to \d+)?"
_PEOPLE = re.compile(rf"\w+: (\d+) × ([\d.,]+) (\w{{3}}) each, ({_AGES}) on (\d+ \w+ \d{{4}})(, without a seat)?")
_SUPPLEMENT = re.compile(r"single supplement: ([\d.,]+) (\w{3}) once, because one adult has a room alone")
_EXTRA = re.compile(r"extra: (\d+) × ([\d.,]+) (\w{3}) each")
_ROUNDING = re.compile(r"rounding: card payments in (\w{3}) end in a zero, so we round down in your favour")


def rule(kept: str) -> str:
    """The rule of a line. Pure but for the language of this moment; any text will do."""
    if spoken().code == ENGLISH:
        return kept
    for pattern, say in _RULES:
        if found := pattern.fullmatch(kept):
            return say(*found.groups())
    return kept


def _people(number: str, amount: str, currency: str, aged: str, on: str, without_seat: str | None) -> str:
    words = _("{n} × {amount} each, {ages} on {day}").format(
        n=number, amount=_isolated(amount, currency), ages=_ages(aged), day=day(datetime.strptime(on, "%d %B %Y").date())  # noqa: DTZ007
    )  # fmt: skip
    return _("{rule}, without a seat").format(rule=words) if without_seat else words


def _supplement(amount: str, currency: str) -> str:
    return _("{amount} once, because one adult has a room alone").format(amount=_isolated(amount, currency))


def _extra(number: str, amount: str, currency: str) -> str:
    return _("{n} × {amount} each").format(n=number, amount=_isolated(amount, currency))


def _rounding(currency: str) -> str:
    return _("Card payments in {currency} end in a zero, so we round down in your favour").format(currency=currency)


_RULES: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (_PEOPLE, _people), (_SUPPLEMENT, _supplement), (_EXTRA, _extra), (_ROUNDING, _rounding)
)  # fmt: skip


def _isolated(amount: str, currency: str) -> str:
    """An amount keeps its direction inside a sentence that runs the other way."""
    text = f"{amount}\N{NO-BREAK SPACE}{currency}"
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if spoken().direction == "rtl" else text


def ages(of: Price) -> str:
    """'age 12 and over', 'age 3 to 11', 'under 3', 'any age'."""
    if of.max_age >= 120:
        return _("age {age} and over").format(age=of.min_age) if of.min_age else _("any age")
    if of.min_age == 0:
        return _("under {age}").format(age=of.max_age + 1)
    if of.min_age == of.max_age:
        return _("age {age}").format(age=of.min_age)
    return _("age {least} to {most}").format(least=of.min_age, most=of.max_age)


def _ages(kept: str) -> str:
    """The same, read from what a line kept."""
    numbers = re.findall(r"\d+", kept)
    if kept.endswith("and over"):
        return _("age {age} and over").format(age=numbers[0])
    if kept.startswith("under"):
        return _("under {age}").format(age=numbers[0])
    if len(numbers) == 2:
        return _("age {least} to {most}").format(least=numbers[0], most=numbers[1])
    return _("age {age}").format(age=numbers[0]) if numbers else _("any age")
