"""axe-core, from npm, in the browser of a test: what a page puts in the way of people."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

FOLDER = Path(__file__).parent
SCRIPT = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def script() -> str:
    """Fetched once, by the lock file beside this. In CI it must be had; elsewhere a test without it is skipped."""
    if not SCRIPT.exists():
        npm = shutil.which("npm")
        done = npm and subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, capture_output=True, check=False
        )
        if not SCRIPT.exists():
            why = done.stderr.decode()[-500:] if done else "no npm on the PATH"
            if os.environ.get("CI") == "true":
                pytest.fail(f"axe-core cannot be had: {why}")
            pytest.skip(f"axe-core cannot be had: {why}")
    return SCRIPT.read_text("utf-8")


COLOURS = "color-contrast"
"""The rule that takes the longest."""


async def complaints(page: Page, *, colours_only: bool = False, no_colours: bool = False) -> list[str]:
    """What is wrong with the page that is open, one line for each place. In the dark nothing differs but colours, from right to left all but they."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(script())  # past the page's own policy, which lets in no script of ours either
    found: dict[str, Any] = await page.evaluate(
        "([runOnly, rules]) => axe.run(document, {runOnly, rules, resultTypes: ['violations'], preload: false, iframes: false, selectors: false})",
        [
            {"type": "rule", "values": [COLOURS]} if colours_only else {"type": "tag", "values": RULES},
            {COLOURS: {"enabled": not no_colours}},
        ],
    )
    return [
        f"{each['id']}: {node['html'][:160]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
