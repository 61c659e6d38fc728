"""A line is kept once, in whichever statements and in whichever order it is read: none is lost, and none comes twice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.kit.errors import Conflict
from jklg.reconciliation.statements.once import Kept, Known, once_keys
from jklg.reconciliation.statements.rules import Line, Statement

DAY = date(2026, 11, 24)


class Bank:
    """An account of one kind of words, from a balance of 1000, and what we keep of it."""

    def __init__(self, *amounts: int, days: Sequence[int] = ()) -> None:
        after = days or [0] * len(amounts)
        self.lines = [Line(booked_on=DAY + timedelta(days=day), amount=amount) for amount, day in zip(amounts, after, strict=True)]  # fmt: skip
        self.held: dict[str, Known] = {}
        self.kept: list[Kept] = []

    def imported(self, begin: int, end: int, ref: str = "", *, here: bool = False) -> int:
        """A statement from one line to before another. How many lines were new."""
        lines = self.lines[begin:end]
        opening = 1000 + sum(line.amount for line in self.lines[:begin])
        closing = opening + sum(line.amount for line in lines)
        statement = Statement(
            account="a", currency="INR", format="csv", from_on=lines[0].booked_on, to_on=lines[-1].booked_on,
            lines=lines[::-1], ref=ref, opening=opening, closing=closing,
        )  # fmt: skip
        keys = once_keys(statement, self.kept)
        known = [Known(key, line.booked_on, line.amount) for key, line in zip(keys, statement.lines, strict=True)]
        before = len(self.held)
        self.held.update((each.key, each) for each in known)
        self.kept.append(Kept(ref, here, opening, closing, known))
        return len(self.held) - before

    @property
    def all_there(self) -> bool:
        ours = Counter((each.booked_on, each.amount) for each in self.held.values())
        return ours == Counter((line.booked_on, line.amount) for line in self.lines)


@pytest.mark.parametrize(
    ("statements", "new"),
    [
        (["0-1", "1-2", "2-3"], [1, 1, 1]),  # one goes on where the other ends
        (["2-3", "0-1", "1-2"], [1, 1, 1]),  # in whichever order they come
        (["0-1", "1-2", "0-3"], [1, 1, 1]),  # then the whole day
        (["0-1", "0-2", "0-3"], [1, 1, 1]),  # the day so far
        (["0-3", "1-2", "0-1"], [3, 0, 0]),  # parts of what is there
        (["0-1", "1-2", "1-3"], [1, 1, 1]),  # the second part again, and more
        (["0-1", "1-2", "1-2", "0-1", "2-3", "1-2"], [1, 1, 0, 0, 1, 0]),  # each once more
    ],
)
def test_of_lines_that_say_the_same_the_balances_tell_which_are_new(statements: list[str], new: list[int]) -> None:
    bank = Bank(50, 50, 50)
    assert [bank.imported(int(each[0]), int(each[2])) for each in statements] == new
    assert bank.all_there


def test_a_line_that_another_statement_had_brought_still_belongs_to_a_statement() -> None:
    """The second has the first's line, and the third goes on where the second ends."""
    bank = Bank(50, 50, 20, 50)
    assert [bank.imported(0, 1), bank.imported(0, 2), bank.imported(2, 3), bank.imported(3, 4)] == [1, 1, 1, 1]
    assert bank.all_there


def test_two_lines_that_say_the_same_stay_two_and_are_known_again_without_balances() -> None:
    def keys(*words: str) -> list[str]:
        lines = [Line(booked_on=DAY, amount=5_000, description=each) for each in words]
        return once_keys(Statement(account="a", currency="INR", format="csv", from_on=DAY, to_on=DAY, lines=lines))

    twice = keys("COFFEE", "COFFEE", "TEA")
    assert len(set(twice)) == 3
    assert keys("COFFEE ") == twice[:1], "cut off after the first, and spaces do not count"


@given(
    st.lists(st.tuples(st.sampled_from([50, 20]), st.booleans()), min_size=1, max_size=9),
    st.lists(st.integers(0, 9), max_size=3),
    st.permutations(range(4)),
    st.sampled_from([1, -1]),
)
def test_parts_in_any_order_and_then_the_whole_are_each_line_once(
    lines: list[tuple[int, bool]], cuts: list[int], order: list[int], way: int
) -> None:
    days = [sum(later for _, later in lines[: place + 1]) for place in range(len(lines))]
    bank = Bank(*(way * amount for amount, _ in lines), days=days)
    parts = list(itertools.pairwise(sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})))
    parts = [parts[place] for place in order if place < len(parts)]
    for begin, end in [*parts, *parts, (0, len(lines))]:
        bank.imported(begin, end)
    assert bank.all_there and len(bank.held) == len(lines)


@pytest.mark.parametrize(
    ("amounts", "statements"),
    [
        ((50, -50, 50), ["0-2", "2-3"]),  # the third line, or the first once more
        ((50, -50, 50), ["0-1", "1-2", "2-3"]),
        ((50, 50, 50), ["0-2", "1-3"]),  # one of them is known, and not both
    ],
)
def test_what_may_be_new_or_known_is_refused(amounts: tuple[int, ...], statements: list[str]) -> None:
    bank = Bank(*amounts)
    *before, last = statements
    for each in before:
        bank.imported(int(each[0]), int(each[2]))
    with pytest.raises(Conflict, match="statement_overlap_unclear"):
        bank.imported(int(last[0]), int(last[2]))


def test_money_that_came_and_went_on_one_day_is_known_again_by_the_banks_id() -> None:
    bank = Bank(50, -50)
    assert bank.imported(0, 2, "24") == 2
    assert bank.imported(0, 2, "24") == 0
    with pytest.raises(Conflict, match="statement_overlap_unclear"):
        bank.imported(0, 2, "another")


def test_two_parts_of_one_file_are_never_one_statement() -> None:
    bank = Bank(50, -50, 50, -50)
    bank.imported(0, 2, "24", here=True)
    with pytest.raises(Conflict, match="statement_overlap_unclear"):
        bank.imported(2, 4, "24", here=True)


def test_a_longer_export_counts_the_days_that_it_has_from_their_beginning() -> None:
    """What was refused because money came and went comes with the day before."""
    bank = Bank(30, 50, -50, 50, days=[0, 1, 1, 1])
    bank.imported(1, 3)
    with pytest.raises(Conflict, match="statement_overlap_unclear"):
        bank.imported(3, 4)
    assert bank.imported(0, 4) == 2
    assert bank.all_there
