"""docs/failure-catalogue.md has every row of the list of failures, and every test it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = {
    "W": (1, 2, 3, 5, 6, 8, 9, 10, 12, 13, 15, 17, 19, 20, 22, 24, 27, 29, 31),
    "O": (1, 2, 3, 5, 7, 9, 11),
    "A": (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 19, 20, 21, 23, 25),
    "X": (1, 2, 4, 5, 7, 8, 9, 11, 12, 14, 17, 19),
    "R": (1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 14, 16, 18),
    "H": (1, 2, 3, 4, 6, 8, 10, 13, 14),
    "L": (1, 2, 4, 6, 7, 8, 11, 13),
}
"""The classes of failures that were thought of before a line of the money path was written. Rows are added here, never taken away."""


def rows() -> dict[str, tuple[str, list[str]]]:
    """Id -> what must happen, and the tests that show it."""
    text = (ROOT / "docs/failure-catalogue.md").read_text("utf-8")
    found = re.findall(r"(?m)^\| ([A-Z]\d\d) \| ([^|]+) \| ([^|]+) \|$", text)
    assert len(found) == len({each for each, _, _ in found}), "a row stands here twice"
    return {each: (what.strip(), re.findall(r"`([^`]+)`", tests)) for each, what, tests in found}


@cache
def defined_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_every_failure_stands_in_the_table() -> None:
    wanted = {f"{letter}{number:02}" for letter, numbers in ROWS.items() for number in numbers}
    assert set(rows()) == wanted


def test_every_failure_is_shown_by_tests_that_exist() -> None:
    for each, (what, tests) in rows().items():
        assert what and tests, f"{each} has no test"
        for test in tests:
            path, _, name = test.partition("::")
            assert (ROOT / path).is_file() and name in defined_in(path), f"{each}: {test} is not there"
