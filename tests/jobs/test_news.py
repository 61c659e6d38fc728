"""News is told if, and only if, the fact is committed; and acted on at least once."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from jklg import jobs
from jklg.app import House
from jklg.jobs import worker
from jklg.kit import failpoints

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


async def test_news_that_nobody_could_act_on_is_kept_for_a_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 1)
    heard: Heard = []
    stop = asyncio.Event()

    async def broken(_: House, payload: dict[str, Any]) -> None:
        heard.append(payload)
        raise RuntimeError("always")

    async with house.db.transaction() as conn:
        await jobs.announce(conn, "seat.sold", {"n": 1})
    work = asyncio.create_task(jobs.run(house, {"seat.sold": [broken]}, {}, stop))
    kept: list[Any] = []
    for _ in range(300):
        async with house.db.connection() as conn:
            kept = await conn.fetch("SELECT entrypoint, payload FROM pgqueuer WHERE status = 'failed'")
        if kept:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(work, 20)
    assert [tuple(row) for row in kept] == [("seat.sold", b'{"n": 1}')]
    assert len(heard) == 2
    assert await jobs.drain(house, {"seat.sold": [broken]}) == 0


async def test_what_became_of_news_is_forgotten_after_a_month_unless_it_is_held(house: House, db_url: str) -> None:
    """It grew for ever, with the traceback of every try. What staff read of news that is held stays."""
    async with house.db.transaction() as conn:
        for news in ("seat.sold", "seat.lost"):
            await jobs.announce(conn, news, {"n": 1})
    assert await jobs.drain(house, {"seat.sold": [listener([])]}) == 1
    owner = await asyncpg.connect(db_url)
    try:
        await owner.execute("UPDATE pgqueuer SET status = 'failed'")
        await owner.execute("UPDATE pgqueuer_log SET created = now() - interval '29 days'")
        before = await owner.fetchval("SELECT count(*) FROM pgqueuer_log")
        assert await jobs.forget_told(house.db) == 0
        await owner.execute("UPDATE pgqueuer_log SET created = now() - interval '31 days'")
        assert await jobs.forget_told(house.db) > 0
        left = await owner.fetch("SELECT DISTINCT entrypoint FROM pgqueuer_log")
        assert [row["entrypoint"] for row in left] == ["seat.lost"]
        assert 0 < await owner.fetchval("SELECT count(*) FROM pgqueuer_log") < before
        assert await jobs.forget_told(house.db) == 0
    finally:
        await owner.close()


async def test_news_that_a_worker_took_to_its_grave_is_told_again(house: House) -> None:
    heard: Heard = []

    async def dies(_: House, payload: dict[str, Any]) -> None:
        heard.append(payload)
        raise failpoints.Crashed

    async with house.db.transaction() as conn:
        await jobs.announce(conn, "seat.sold", {"n": 1})
    with pytest.raises(failpoints.Crashed):
        await jobs.drain(house, {"seat.sold": [dies]})
    assert await jobs.drain(house, {"seat.sold": [listener(heard)]}) == 0
    async with house.db.connection() as conn:
        await conn.execute("UPDATE pgqueuer SET heartbeat = heartbeat - $1::interval", worker.LEASE * 2)
    assert await jobs.drain(house, {"seat.sold": [listener(heard)]}) == 1
    assert heard == [{"n": 1}, {"n": 1}]


async def test_two_workers_share_the_news(house: House) -> None:
    heard: Heard = []
    stop = asyncio.Event()
    workers = [asyncio.create_task(jobs.run(house, {"seat.sold": [listener(heard)]}, {}, stop)) for _ in range(2)]
    for number in range(40):
        async with house.db.transaction() as conn:
            await jobs.announce(conn, "seat.sold", {"n": number})
    await until(lambda: len(heard) >= 40)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*workers), 20)
    assert sorted(news["n"] for news in heard) == list(range(40))


async def test_a_worker_finishes_what_it_has_in_hand(house: House) -> None:
    """SIGTERM sets `stop`; a mail half sent or a payment half settled is finished first."""
    done: list[str] = []
    begun = asyncio.Event()
    stop = asyncio.Event()

    async def slow_sweep(_: House) -> int:
        begun.set()
        await asyncio.sleep(0.5)
        done.append("sweep")
        return 0

    async def slow_listener(_: House, payload: dict[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        done.append("news")

    async with house.db.transaction() as conn:
        await jobs.announce(conn, "seat.sold", {"n": 1})
    for listeners, sweeps, what in (({"seat.sold": [slow_listener]}, {}, "news"), ({}, {"slow": slow_sweep}, "sweep")):
        stop.clear()
        begun.clear()
        work = asyncio.create_task(jobs.run(house, listeners, sweeps, stop))
        await asyncio.wait_for(begun.wait(), 15)
        stop.set()
        await asyncio.wait_for(work, 20)
        assert done[-1] == what


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
