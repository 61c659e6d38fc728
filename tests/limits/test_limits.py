"""What may be tried ten times is tried ten times, by however many at once, and nobody's address lies in the table."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg import limits
from jklg.kit.db import Database, open_database
from jklg.limits import Limit

TEN = Limit("tests", 10, 600)
THREE = Limit("tests_of_all", 3, 600)


async def _take(db: Database, *wanted: tuple[Limit, str]) -> int:
    async with db.transaction() as conn:
        return await limits.take(conn, wanted)


async def test_a_limit_holds_for_all_processes_at_once(db: Database, db_url: str) -> None:
    other = await open_database(db_url, max_size=10)
    waits = await asyncio.gather(*(_take((db, other)[number % 2], (TEN, "asha")) for number in range(50)))
    await other.close()
    assert sum(wait == 0 for wait in waits) == TEN.times
    assert all(0 < wait <= 60 for wait in waits if wait)


async def test_the_last_one_is_not_given_to_two_who_ask_in_the_same_moment(db: Database) -> None:
    """The second waits for what becomes of the first. Without a lock both see that one is left."""
    for _ in range(TEN.times - 1):
        await _take(db, (TEN, "asha"))
    async with db.transaction() as conn:
        assert await limits.take(conn, [(TEN, "asha")]) == 0
        second = asyncio.create_task(_take(db, (TEN, "asha")))
        while not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            assert not second.done()
            await asyncio.sleep(0.01)
    assert 0 < await second <= 60


async def test_a_measure_refills_evenly(db_url: str) -> None:
    now = datetime.now(UTC)
    db = await open_database(db_url, clock=lambda: now)
    assert [bool(await _take(db, (TEN, "asha"))) for _ in range(11)] == [False] * 10 + [True]
    assert await _take(db, (TEN, "asha")) == 60
    now += timedelta(seconds=59)
    assert await _take(db, (TEN, "asha")) == 1
    now += timedelta(seconds=1)
    assert [await _take(db, (TEN, "asha")) for _ in range(2)] == [0, 60]
    now += timedelta(hours=5)
    assert [bool(await _take(db, (TEN, "asha"))) for _ in range(11)] == [False] * 10 + [True], "it holds ten, not more"
    await db.close()


async def test_nothing_is_taken_from_one_when_the_other_is_empty(db: Database) -> None:
    for _ in range(THREE.times):
        assert await _take(db, (THREE, "office")) == 0
    for _ in range(20):
        assert await _take(db, (TEN, "asha office"), (THREE, "office"))
    assert [bool(await _take(db, (TEN, "asha office"))) for _ in range(11)] == [False] * 10 + [True]


async def test_what_was_no_failure_is_given_back(db: Database) -> None:
    for _ in range(30):
        assert await _take(db, (TEN, "asha")) == 0
        async with db.transaction() as conn:
            await limits.give_back(conn, [(TEN, "asha")])


async def test_giving_back_never_makes_more_of_it(db: Database) -> None:
    async with db.transaction() as conn:
        for _ in range(5):
            await limits.give_back(conn, [(TEN, "asha")])
    await _take(db, (TEN, "asha"))
    async with db.transaction() as conn:
        for _ in range(50):
            await limits.give_back(conn, [(TEN, "asha")])
    assert [bool(await _take(db, (TEN, "asha"))) for _ in range(11)] == [False] * 10 + [True]


async def test_clearing_fills_all_measures_of_one_and_of_nobody_else(db: Database) -> None:
    for who in ("asha home", "asha office", "asha", "ben home"):
        for _ in range(10):
            await _take(db, (TEN, who))
    async with db.transaction() as conn:
        await limits.clear(conn, "asha")
    assert [bool(await _take(db, (TEN, who))) for who in ("asha home", "asha office", "asha", "ben home")] == [
        False, False, False, True,
    ]  # fmt: skip


async def test_two_who_want_the_same_in_opposite_order_both_get_an_answer(db: Database) -> None:
    """Without an order of locking, PostgreSQL ends one of them as the victim of a deadlock."""
    many = Limit("tests_many", 10_000, 600)
    subjects = [f"subject {number}" for number in range(60)]
    there, back = [(many, subject) for subject in subjects], [(many, subject) for subject in reversed(subjects)]
    waits = await asyncio.gather(*(_take(db, *(there, back)[number % 2]) for number in range(60)))
    assert waits == [0] * 60


async def test_no_address_lies_in_the_table_and_a_full_measure_leaves_no_row(db_url: str) -> None:
    now = datetime.now(UTC)
    db = await open_database(db_url, clock=lambda: now)
    await _take(db, (TEN, "asha@example.org 192.0.2.7/32"))
    async with db.transaction() as conn:
        rows = await conn.fetch("SELECT * FROM limits")
        assert len(rows) == 1
        assert not any(b"asha" in bytes(value) for row in rows for value in (row["subject"], row["whose"]))
    assert await limits.forget_full(db) == 0
    now += timedelta(minutes=2)
    assert await limits.forget_full(db) == 1
    await db.close()


@pytest.mark.parametrize(
    ("host", "network", "kept"),
    [
        ("10.1.2.3", "10.1.2.3/32", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3/32", "10.1.2.3"),
        ("2001:db8:1:1:2:3:4:5", "2001:db8:1:1::/64", "2001:db8:1:1:2:3:4:5"),
        ("fe80::1%eth0", "fe80::/64", "fe80::1"),
        ("", "", None),
        ("testclient", "", None),
    ],
)
def test_a_network_is_what_one_person_may_own(host: str, network: str, kept: str | None) -> None:
    assert (limits.network(host), limits.address(host)) == (network, kept)


@given(st.ip_addresses(v=4))
def test_an_old_address_dressed_as_a_new_one_is_the_old_one(old: object) -> None:
    assert limits.network(f"::ffff:{old}") == limits.network(str(old)) == f"{old}/32"


@given(st.text(max_size=50))
def test_whatever_says_no_address_is_one_network_and_no_accident(host: str) -> None:
    assert (limits.network(host) == "") == (limits.address(host) is None)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_addresses_of_one_connection_are_one_network(one: object, rest: int) -> None:
    from ipaddress import IPv6Address

    assert isinstance(one, IPv6Address)
    neighbour = IPv6Address((int(one) >> 64 << 64) | rest)
    if one.ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert limits.network(str(one)) == limits.network(str(neighbour))
