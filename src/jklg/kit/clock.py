"""The application's clock, for signatures and logs only.

Deadlines that decide about seats or money use the database's clock, `house_now()` in migration 0001, never this one.
"""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """The wall clock of this machine. The simulation hands in its own."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    def unix(self) -> int:
        """The present moment in whole Unix seconds."""
        return int(self.now().timestamp())
