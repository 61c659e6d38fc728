"""Customers who ask in one moment are asked for in one statement. Each is let in alone and sees what is theirs alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from jklg.app import House
from jklg.customers.profile import queries
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database
from jklg.kit.ids import uuid7
from tests import trade
from tests.customers import signed_in
from tests.customers.signed_in import bearing

PEOPLE = ["Asha", "Ben", "Chitra", "Devi", "Esha"]


async def _move_in(conn: Connection, name: str, status: str = "active") -> Visitor:
    who = Visitor(uuid7(), uuid7())
    await signed_in.move_in(conn, who, name, status)
    return who


@pytest.fixture
async def people(db: Database) -> dict[str, Visitor]:
    async with db.transaction() as conn:
        return {name: await _move_in(conn, name) for name in PEOPLE}


async def _end(db: Database, who: Visitor) -> None:
    async with db.transaction() as conn:
        await signed_in.end_session(conn, who)


def _names(told: Any) -> dict[UUID, str]:
    return {
        who.customer_id: json.loads(each.answer)["customer"]["name"] for who, each in told.items() if not each.refused
    }


async def test_each_of_many_sees_their_own_account(db: Database, people: dict[str, Visitor]) -> None:
    async with db.connection() as conn:
        told = await queries.me(conn, list(people.values()))
    assert _names(told) == {who.customer_id: name for name, who in people.items()}


async def test_whose_session_has_ended_is_refused_and_nobody_else(db: Database, people: dict[str, Visitor]) -> None:
    await _end(db, people["Chitra"])
    stranger = Visitor(people["Asha"].customer_id, people["Ben"].session_id)  # no token of ours says this
    async with db.connection() as conn:
        told = await queries.me(conn, [*people.values(), stranger])
    assert {who for who, each in told.items() if each.refused} == {people["Chitra"], stranger}
    assert {each.refused for each in told.values()} == {None, "JK401"}
    assert all(told[one].answer == "" for one in (people["Chitra"], stranger))


async def test_row_level_security_holds_for_each_in_the_shared_statement(
    db: Database, db_url: str, people: dict[str, Visitor], server_admin: Any
) -> None:
    """With the WHERE of customer_me taken away: still nobody sees more than one row, their own."""
    source = await server_admin.fetchval("SELECT pg_get_functiondef('customer_me'::regproc)")
    assert " WHERE c.id = p_customer" in source
    await server_admin.execute(source.replace(" WHERE c.id = p_customer", ""))
    await server_admin.execute("ALTER FUNCTION customer_me OWNER TO jklg_owner")
    async with db.connection() as conn:
        told = await queries.me(conn, list(people.values()))
        assert await conn.fetchval("SELECT count(*) FROM customers") == 0  # nobody's claims are left behind
    assert _names(told) == {who.customer_id: name for name, who in people.items()}


async def test_a_visit_is_noted_every_five_minutes_and_waits_for_nobody(
    db: Database, people: dict[str, Visitor]
) -> None:
    asha, ben = people["Asha"], people["Ben"]
    async with db.transaction() as conn:
        await conn.execute("UPDATE customer_sessions SET last_seen_at = house_now() - interval '6 minutes'")
    async with db.transaction() as other:
        await other.execute("SELECT FROM customer_sessions WHERE id = $1 FOR UPDATE", asha.session_id)
        async with asyncio.timeout(3), db.connection() as conn:
            told = await queries.me(conn, [asha, ben])
    assert not told[asha].refused
    async with db.transaction() as conn:
        recent = await conn.fetch(
            "SELECT id FROM customer_sessions WHERE last_seen_at > house_now() - interval '1 minute'"
        )
    assert {row[0] for row in recent} == {ben.session_id}


async def test_a_crowd_at_the_door_is_answered_each_with_their_own(
    client: httpx.AsyncClient, house: House, people: dict[str, Visitor]
) -> None:
    async with house.db.transaction() as conn:
        pending = await _move_in(conn, "Farah", "pending")
    departure = await trade.add_departure(house.db)
    async with house.db.transaction() as conn:
        for who in people.values():
            await conn.execute(
                """
                INSERT INTO bookings (id, reference, departure_id, customer_id, party, seats, currency, total_price, lines, name, email, phone,
                                      hold_expires_at)
                VALUES ($1, $2, $3, $4, '{"adult": 1}', 1, 'INR', 100, '[]', 'A', 'a@example.com', '1', house_now() + interval '1 hour')
                """,
                uuid7(),
                "".join("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[b % 32] for b in who.customer_id.bytes[-6:]),
                departure,
                who.customer_id,
            )
    await _end(house.db, people["Devi"])

    async def ask(who: Visitor, path: str) -> httpx.Response:
        return await client.get(f"/api/customers/{path}", headers=bearing(who))

    everybody = [*people.values(), pending] * 4
    mes = await asyncio.gather(*(ask(who, "me") for who in everybody))
    trips = await asyncio.gather(*(ask(who, f"{who.customer_id}/bookings") for who in everybody))
    for who, me, own in zip(everybody, mes, trips, strict=True):
        if who == people["Devi"]:
            assert (
                (me.status_code, me.json()["code"]) == (own.status_code, own.json()["code"]) == (401, "not_signed_in")
            )
        elif who == pending:
            assert me.json()["customer"]["id"] == str(who.customer_id)
            assert (own.status_code, own.json()["code"]) == (403, "email_not_verified")
        else:
            assert me.json()["customer"]["id"] == str(who.customer_id)
            assert len(own.json()["bookings"]) == 1


async def test_a_session_that_was_ended_fails_on_its_next_request_in_the_middle_of_a_crowd(
    client: httpx.AsyncClient, house: House, people: dict[str, Visitor]
) -> None:
    asha = people["Asha"]
    stop = asyncio.Event()

    async def crowd(who: Visitor) -> None:
        while not stop.is_set():
            assert (await client.get("/api/customers/me", headers=bearing(who))).status_code == 200

    others = [asyncio.create_task(crowd(who)) for name, who in people.items() if name != "Asha"]
    try:
        for _ in range(10):
            assert (await client.get("/api/customers/me", headers=bearing(asha))).status_code == 200
        await _end(house.db, asha)
        for _ in range(10):
            assert (await client.get("/api/customers/me", headers=bearing(asha))).status_code == 401
    finally:
        stop.set()
        await asyncio.gather(*others)
