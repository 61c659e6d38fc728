"""Which lines of a statement came with another one before. Pure.

Two lines may say the same: two travellers send one sum on one day, in the same words. They are told apart by counting, and the count is of the day.
A statement that has the day from its beginning counts as every other does, so that an export that overlaps adds only what is new. One that begins
or ends within the day (parts of a statement, "since the last time") does not: its first such line may be the day's second. Then the balances say
whether it can share lines with what is kept, and where they do not say it, it is refused: a line too few is money that nobody looks for.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from jklg.kit.errors import Conflict
from jklg.reconciliation.statements.rules import Line, Statement

_MOST_SUMS = 10_000


class Known(NamedTuple):
    """A line that is kept: what it is known by, its day, its amount."""

    key: str
    booked_on: date
    amount: int

    @property
    def said(self) -> str:
        """What it shares with every line that says the same."""
        return self.key.partition(":")[0]


class Kept(NamedTuple):
    """A statement that is kept, with every line it has, also those that another had brought before. `here`: it is in the file that is imported now."""

    ref: str
    here: bool
    opening: int
    closing: int
    lines: Sequence[Known]

    @property
    def first(self) -> date:
        return min(line.booked_on for line in self.lines)

    @property
    def last(self) -> date:
        return max(line.booked_on for line in self.lines)

    @property
    def said(self) -> Counter[tuple[str, int]]:
        return _counted(self.lines)


def once_keys(statement: Statement, kept: Sequence[Kept] = ()) -> list[str]:
    """What each line is known by in every statement that it is read in. `kept`: the statements of the account that have days of this one, and balances.

    Conflict (statement_overlap_unclear) when the lines may be new or known, and the balances allow both.
    """
    lines = [Known(_said(line, statement.currency), line.booked_on, line.amount) for line in statement.lines]
    taken = set[str]()
    if lines and statement.opening is not None and statement.closing is not None:
        this = Kept(statement.ref, True, statement.opening, statement.closing, lines)
        for other in kept:
            if _same(this, other):
                return _as_in(other, lines)
        taken = {line.key for other in _apart(this, kept) for line in other.lines}
    seen: Counter[str] = Counter()
    keys = []
    for line in lines:
        seen[line.said] += 1
        while f"{line.said}:{seen[line.said]}" in taken:
            seen[line.said] += 1
        keys.append(f"{line.said}:{seen[line.said]}")
    return keys


def _said(line: Line, currency: str) -> str:
    said = (line.booked_on.isoformat(), str(line.amount), currency, line.counterparty, line.description, line.reference)
    return hashlib.sha256("\x1f".join(" ".join(part.split()) for part in said).encode()).hexdigest()


def _same(this: Kept, other: Kept) -> bool:
    """The bank gives it the same id and the same lines, in another file: it is this statement once more. Within a file it is another part of it."""
    alike = (this.ref, this.opening, this.closing) == (other.ref, other.opening, other.closing)
    return bool(this.ref) and not other.here and alike and this.said == other.said


def _as_in(other: Kept, lines: Sequence[Known]) -> list[str]:
    keys: dict[str, list[str]] = {}
    for line in other.lines:
        keys.setdefault(line.said, []).append(line.key)
    return [keys[line.said].pop() for line in lines]


def _apart(this: Kept, kept: Sequence[Kept]) -> list[Kept]:
    """The statements that have lines like ours, and cannot have ours."""
    # What does not lead from its opening to its closing balance was kept before all its lines were written down with it, and proves nothing.
    whole = [
        each for each in kept if each.lines and sum(line.amount for line in each.lines) == each.closing - each.opening
    ]
    # Where they share more than the day on which one ends and the other begins, they overlap, and have that day from where the later one begins.
    meeting = [each for each in whole if each.last <= this.first or this.last <= each.first]
    beside = [
        *_chain(this.opening, [each for each in meeting if each.last <= this.first], lambda each: (each.closing, each.opening)),
        *_chain(this.closing, [each for each in meeting if this.last <= each.first], lambda each: (each.opening, each.closing)),
    ]  # fmt: skip
    apart = []
    for other in meeting:
        shared = _amounts(this.said & other.said)
        if not shared:
            continue
        all_of_them, some = _may_share(this, other, shared)
        if not all_of_them and not some:
            apart.append(other)
        elif not all_of_them or any(each is other for each in beside):
            raise Conflict(
                "statement_overlap_unclear",
                "Lines of this statement may be new, or may have been imported before: its balances allow both. Nothing was imported. Please export one that begins a day earlier.",
                details={"opening": other.opening, "closing": other.closing},
            )
    return apart


def _chain(balance: int, kept: Sequence[Kept], ends: Callable[[Kept], tuple[int, int]]) -> list[Kept]:
    """The statements that lead, one after the other, to this balance. `ends`: the near and the far balance of each."""
    found: list[Kept] = []
    reached, left = {balance}, list(kept)
    while nearer := [each for each in left if ends(each)[0] in reached]:
        found += nearer
        left = [each for each in left if ends(each)[0] not in reached]
        reached |= {ends(each)[1] for each in nearer}
    return found


def _may_share(this: Kept, other: Kept, shared: Sequence[int]) -> tuple[bool, bool]:
    """Whether the balances allow that both have all the lines that are alike, and that they have some of them: what two statements share is what
    leads from the later opening to the earlier closing balance."""
    between = set()
    if other.first <= this.first and other.last <= this.last:
        between.add(other.closing - this.opening)
    if this.first <= other.first and this.last <= other.last:
        between.add(this.closing - other.opening)
    all_of_them = sum(shared) in between or _lies_in(this, other) or _lies_in(other, this)
    return all_of_them, any(_makes(shared, each) for each in between)


def _lies_in(inner: Kept, outer: Kept) -> bool:
    """Whether one may be a piece of the other: it has all its lines, and others lead from the outer to the inner opening balance."""
    if not inner.said <= outer.said:
        return False
    day = inner.first
    before = sum(line.amount for line in outer.lines if line.booked_on < day)
    others = _amounts(_counted(line for line in outer.lines if line.booked_on == day) - inner.said)
    missing = inner.opening - outer.opening - before
    return missing == 0 or _makes(others, missing)


def _makes(amounts: Sequence[int], total: int) -> bool:
    """Whether some of the amounts make the total. Where there are too many ways to try them all, they may."""
    sums = set[int]()
    for amount in amounts:
        sums |= {amount, *(each + amount for each in sums)}
        if len(sums) > _MOST_SUMS:
            return True
    return total in sums


def _counted(lines: Iterable[Known]) -> Counter[tuple[str, int]]:
    return Counter((line.said, line.amount) for line in lines)


def _amounts(counted: Counter[tuple[str, int]]) -> list[int]:
    return [amount for _, amount in counted.elements()]
