"""What a planted bug is, and how one is planted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.simulation.climates import Climate

Patch = pytest.MonkeyPatch


class Mutation(NamedTuple):
    """`sql` runs on the test's database as a superuser, for good; `patch` on the house, until it is undone. `found_as`: of what the
    finding must speak, in one of these ways. `climate`: where it bites, so that a few worlds are enough whatever the dice say."""

    name: str
    found_as: tuple[str, ...]
    climate: Climate
    patch: Callable[[Patch], None] | None = None
    sql: str = ""


def same_but(function: Callable[..., Any], **changes: Callable[[Any], Any]) -> Callable[..., Any]:
    """The same function, but what it returns has some fields changed, each by a function of the answer."""

    def changed(*args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs)
        return msgspec.structs.replace(answer, **{field: change(answer) for field, change in changes.items()})

    return changed


def rewritten(patch: Patch, module: Any, name: str, old: str, new: str) -> None:
    """A function with one piece of its text replaced: a line deleted, a condition turned round."""
    source = inspect.getsource(getattr(module, name))
    assert old in source, f"{name} does not say {old!r} any more: plant this bug another way"
    scope = dict(vars(module))
    exec(compile(source.replace(old, new), module.__file__, "exec", flags=_annotations()), scope)
    patch.setattr(module, name, scope[name])


def _annotations() -> int:
    import __future__

    return __future__.annotations.compiler_flag


async def nothing(*_: Any, **__: Any) -> None:
    """In place of something that ought to be done."""


async def asleep(house: Any, *_: Any, **__: Any) -> int:
    """In place of a round of the worker."""
    return 0
