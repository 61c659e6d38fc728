"""News is told if, and only if, the fact is committed; and acted on at least once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jklg import jobs
from jklg.app import House

Heard = list[dict[str, Any]]


def listener(heard: Heard) -> Any:
    async def listen(_: House, payload: dict[str, Any]) -> None:
        heard.append(payload)

    return listen


async def test_news_is_acted_on_in_the_order_it_was_told(house: House) -> None:
    heard: Heard = []
    async with house.db.transaction() as conn:
        await jobs.announce(conn, "seat.sold", {"n": 1})
        await jobs.announce(conn, "seat.sold", {"n": 2})
    assert await jobs.drain(house, {"seat.sold": [listener(heard)]}) == 2
    assert heard == [{"n": 1}, {"n": 2}]
    assert await jobs.drain(house, {"seat.sold": [listener(heard)]}) == 0


async def test_news_of_a_fact_that_was_rolled_back_is_never_told(house: House) -> None:
    heard: Heard = []
    with pytest.raises(RuntimeError):
        async with house.db.transaction() as conn:
            await jobs.announce(conn, "seat.sold", {"n": 1})
            raise RuntimeError("the fact did not happen")
    assert await jobs.drain(house, {"seat.sold": [listener(heard)]}) == 0
    assert heard == []


async def until(condition: Any, seconds: float = 15) -> None:
    for _ in range(int(seconds * 20)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


async def test_the_worker_listens_goes_round_and_stops_when_told(house: House) -> None:
    heard: Heard = []
    rounds: list[str] = []
    stop = asyncio.Event()

    async def sweep(_: House) -> int:
        rounds.append("swept")
        return 0

    worker = asyncio.create_task(jobs.run(house, {"seat.sold": [listener(heard)]}, {"sweep": sweep}, stop))
    async with house.db.transaction() as conn:
        await jobs.announce(conn, "seat.sold", {"n": 1})
    await until(lambda: heard and rounds)
    stop.set()
    await asyncio.wait_for(worker, 20)
    assert heard == [{"n": 1}]


async def test_a_listener_that_fails_is_asked_again(house: House) -> None:
    heard: Heard = []
    stop = asyncio.Event()

    async def clumsy(_: House, payload: dict[str, Any]) -> None:
        heard.append(payload)
        if len(heard) == 1:
            raise RuntimeError("dropped it")

    async with house.db.transaction() as conn:
        await jobs.announce(conn, "seat.sold", {"n": 1})
    worker = asyncio.create_task(jobs.run(house, {"seat.sold": [clumsy]}, {}, stop))
    await until(lambda: len(heard) == 2)
    stop.set()
    await asyncio.wait_for(worker, 20)
    assert heard == [{"n": 1}, {"n": 1}]


async def test_one_round_that_fails_does_not_stop_the_others(house: House) -> None:
    rounds: list[str] = []
    stop = asyncio.Event()

    async def broken(_: House) -> int:
        rounds.append("broken")
        raise RuntimeError("always")

    async def sound(_: House) -> int:
        rounds.append("sound")
        return 0

    worker = asyncio.create_task(jobs.run(house, {}, {"broken": broken, "sound": sound}, stop))
    await until(lambda: rounds.count("sound") >= 3)
    stop.set()
    await asyncio.wait_for(worker, 20)
    assert 1 <= rounds.count("broken") < rounds.count("sound")
