"""What happened is written with the change, and never rewritten (that it is append-only: tests/payments/test_database_keeps_its_word.py)."""

from __future__ import annotations

from uuid import UUID

import pytest

from jklg import history
from jklg.kit.db import Database


async def test_the_story_of_a_booking_is_told_in_order(db: Database) -> None:
    booking = UUID(int=1)
    async with db.transaction() as conn:
        await history.record(conn, "guest", "booking.held", "booking", booking, {"seats": 2})
        await history.record(conn, "system", "booking.confirmed", "booking", booking)
        await history.record(conn, "system", "booking.held", "booking", UUID(int=2))
        story = await history.of(conn, booking)
    assert [(event.actor, event.action, event.detail) for event in story] == [
        ("guest", "booking.held", {"seats": 2}),
        ("system", "booking.confirmed", {}),
    ]


async def test_what_was_rolled_back_did_not_happen(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.transaction() as conn:
            await history.record(conn, "guest", "booking.held", "booking", UUID(int=1))
            raise RuntimeError
    async with db.transaction() as conn:
        assert await history.of(conn, UUID(int=1)) == []
