"""docs/security.md names a proof for every requirement of ASVS 5.0 that applies, and every proof is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
REQUIRED = {
    "6.1": 3, "6.2": 11, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
}  # fmt: skip
"""Section -> how many of its requirements are of levels 1 and 2. They come first in each; 6.7 has none."""


def rows() -> dict[str, tuple[str, str]]:
    """Requirement -> how it is met, and the proof."""
    text = (ROOT / "docs/security.md").read_text("utf-8")
    found = re.findall(r"(?m)^\| (\d+\.\d+\.\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", text)
    assert len(found) == len({number for number, _, _ in found}), "a requirement stands here twice"
    return {number: (how.strip(), proof.strip()) for number, how, proof in found}


def test_every_requirement_stands_in_the_table() -> None:
    assert set(rows()) == {f"{section}.{n}" for section, many in REQUIRED.items() for n in range(1, many + 1)}


def test_every_proof_is_a_test_that_exists() -> None:
    for number, (how, proof) in rows().items():
        if proof == "—":
            assert how.startswith(("does not apply: ", "**not met")), f"{number} has neither a proof nor a reason"
            continue
        named = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", proof)
        assert named, f"{number}: {proof}"
        tree = ast.parse((ROOT / named[1]).read_text("utf-8"))
        tests = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        assert named[2] in tests, f"{number}: {proof} is not there"
