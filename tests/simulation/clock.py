"""The only clock of a world."""

from __future__ import annotations

from datetime import UTC, datetime

from jklg.kit.clock import Clock

BEGINS = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


class SimulatedClock(Clock):
    """Time passes when the world says so. The house, its database and every bank look at the same clock."""

    def __init__(self) -> None:
        self.moment = BEGINS

    def now(self) -> datetime:
        return self.moment
