"""What a benchmark says: figures, ratios against their limits, and one verdict."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


class Unable(Exception):
    """The benchmark cannot run here. The message says what is missing."""


class Report:
    """Collects verdicts while it prints them."""

    def __init__(self, title: str) -> None:
        self.missed: list[str] = []
        print(f"\n{title}\n{'=' * len(title)}", flush=True)

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def at_most(self, what: str, value: float, limit: float, unit: str = "") -> None:
        self._judge(what, value, limit, unit, met=value <= limit, sign="<=")

    def at_least(self, what: str, value: float, limit: float, unit: str = "") -> None:
        self._judge(what, value, limit, unit, met=value >= limit, sign=">=")

    def exactly(self, what: str, value: int, wanted: int) -> None:
        self._judge(what, value, wanted, "", met=value == wanted, sign="=")

    def beside(self, what: str, value: float, unit: str = "") -> None:
        """A figure without a limit of its own."""
        print(f"  ----    {what}: {_number(value)}{unit}", flush=True)

    def _judge(self, what: str, value: float, limit: float, unit: str, *, met: bool, sign: str) -> None:
        print(
            f"  {'ok    ' if met else 'MISSED'}  {what}: {_number(value)}{unit} (limit {sign} {_number(limit)}{unit})",
            flush=True,
        )
        if not met:
            self.missed.append(what)

    def close(self) -> int:
        """The exit status."""
        print(f"\n{'missed: ' + '; '.join(self.missed) if self.missed else 'all limits met'}", flush=True)
        return 1 if self.missed else 0


def median_and_spread(values: Sequence[float]) -> str:
    """'412 (398 to 431)'."""
    return f"{_number(statistics.median(values))} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if 0 < abs(value) < 0.1:
        return f"{value:.4f}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
