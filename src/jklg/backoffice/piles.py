"""Piles that staff work through, a state at a time: enquiries, questions, reviews. What waits comes first, and a page leads to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from jklg.backoffice.looking import Ask
from jklg.kit import cursors
from jklg.kit.cursors import Place
from jklg.kit.errors import BadInput
from jklg.kit.languages import gettext as _

SHOWN = 40
READ = SHOWN + 1
"""Rows to read for a page: one more than it shows, to know whether another follows."""

Row = TypeVar("Row")


class Wanted(NamedTuple):
    """Which pile, and after which row of it."""

    state: str
    after: Place | None


def wanted(request: Ask, states: Sequence[str]) -> Wanted:
    """`?state=` and `?cursor=`; without a state, the first. BadInput: filter_invalid, cursor_invalid, in that order."""
    state = str(request.query_params.get("state", states[0]))
    if state not in states:
        raise BadInput("filter_invalid", "We do not know this filter.", details={"field": "state"})
    return Wanted(state, cursors.read_if_given(str(request.query_params.get("cursor", ""))))


def cut(found: list[Row], state: str, address: str, place: Callable[[Row], Place]) -> tuple[list[Row], str]:
    """What is shown of `READ` rows, and where the rest is: '' when that is all."""
    if len(found) < READ:
        return found, ""
    shown = found[:SHOWN]
    return shown, f"{address}?{urlencode({'state': state, 'cursor': cursors.write(place(shown[-1]))})}"


def spoken(words: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The look and the name of each state, in the language of whoever reads."""
    return {state: (look, _(name)) for state, (look, name) in words.items()}


def said(request: Ask, sentences: Mapping[str, str]) -> str:
    """What was done a moment ago, `?said=`, as a sentence; '' for nothing that we know."""
    return _(sentences.get(str(request.query_params.get("said", "")), ""))
