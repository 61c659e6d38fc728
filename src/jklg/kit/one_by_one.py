"""Many people, one after the other, none of whom waits for another's trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def one_by_one(found: Iterable[T], doing: Callable[[T], Awaitable[bool]]) -> int:
    """Do it for each of them; answers for how many it was done. What went wrong with some of them is raised, as a group, when everybody
    has had a turn: whoever goes round hears of it, and comes back later."""
    done, wrong = 0, []
    for each in found:
        try:
            done += await doing(each)
        except Exception as error:
            wrong.append(error)
    if wrong:
        raise ExceptionGroup("not for everybody", wrong)
    return done
