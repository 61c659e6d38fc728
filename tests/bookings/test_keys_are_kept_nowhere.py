"""The key to a booking is derived: whoever steals a copy of the database finds it nowhere (docs/decisions/10)."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from jklg import app, bookings, jobs
from jklg.app import House
from jklg.bookings import circulars, reaching
from jklg.bookings.circulars import Audience
from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from jklg.kit.tokens import derived_token, sealed, unsealed
from jklg.mail import actions as mail
from jklg.migrations import migrate, present
from tests.bookings.circulars.test_circulars import CHITRA, WORDS
from tests.conftest import SECRET, Server
from tests.trade import add_departure
from tests.web.test_idempotency import KEY, wish


async def everywhere(conn: Any, word: str) -> set[str]:
    """The tables that hold a word, as text or as bytes."""
    names = await conn.fetch(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname NOT LIKE 'pg\\_%'"
    )
    found = set()
    for (name,) in names:
        holds = "position($1 IN r::text) > 0 OR position(encode($1::text::bytea, 'hex') IN r::text) > 0"
        if await conn.fetchval(f"SELECT EXISTS (SELECT FROM {name} r WHERE {holds})", word):
            found.add(name)
    return found


async def paid(db: Database, reference: str) -> bookings.Booking:
    async with db.transaction() as conn:
        known = await bookings.get_by_reference(conn, reference)
        assert known is not None
        booking = await bookings.lock(conn, known.id)
        await bookings.receive_money(
            conn, booking, fact=("transaction", "t"), amount=booking.price, currency="INR", from_account="gateway_clearing:sandbox"
        )  # fmt: skip
    return booking


async def test_after_a_booking_its_confirmation_and_a_circular_its_key_stands_in_no_table(
    house: House, db: Database, client: httpx.AsyncClient, server_admin: Any
) -> None:
    departure = await add_departure(db)
    made = await client.post("/api/bookings", json=wish(departure), headers=KEY)
    token, reference = made.json()["manage_token"], made.json()["booking"]["reference"]
    await paid(db, reference)
    await jobs.drain(house, app.LISTENERS)
    await circulars.begin(db, uuid7(), Audience(departure_id=departure), WORDS, expected=1, actor=CHITRA)
    while await circulars.send(house):
        pass
    await mail.send_due(house)
    letters = [mail.opened(house.settings, each) for each in await mail.latest(db)]
    assert {each.kind for each in letters} >= {"booking_confirmed", "circular"}
    for each in letters:
        assert f"{made.json()['manage_url']}\n" in each.text_body and f'"{made.json()["manage_url"]}"' in each.html_body
    assert await everywhere(server_admin, reference) >= {"bookings", "mail_outbox", "idempotency_keys"}
    assert await everywhere(server_admin, token) == set()
    again = await client.post("/api/bookings", json=wish(departure), headers=KEY)
    assert (again.status_code, again.content) == (201, made.content)


async def test_a_repeated_answer_carries_the_key_as_it_is_now(
    house: House, db: Database, client: httpx.AsyncClient
) -> None:
    """Chitra wrote down another address meanwhile, and the key of before opens nothing."""
    departure = await add_departure(db)
    made = (await client.post("/api/bookings", json=wish(departure), headers=KEY)).json()
    id_ = made["booking"]["id"]
    await reaching.change(house, UUID(id_), email="asha.rao@example.org", phone="+91 98765 43210", actor="x")
    again = (await client.post("/api/bookings", json=wish(departure), headers=KEY)).json()
    assert again["booking"] == made["booking"] and again["manage_url"].endswith(again["manage_token"])
    seen = [
        (await client.get(f"/api/bookings/{id_}", headers={"X-Booking-Token": each["manage_token"]})).status_code
        for each in (made, again)
    ]
    assert seen == [404, 200]


def test_a_sealed_word_may_name_one_of_several_tokens_of_one_id() -> None:
    id_ = uuid7()
    for subject in (str(id_), f"{id_}:1", f"{id_}:12"):
        word = sealed("token", SECRET, "booking", subject)
        assert unsealed(f"<{word}>", [SECRET]) == f"<{derived_token(SECRET, 'booking', subject)}>"
    strange = f"~sealed.token.booking.{id_}:x.00000000~"
    assert unsealed(strange, [SECRET]) == strange


async def test_letters_from_before_that_have_gone_out_lose_their_keys(server: Server) -> None:
    """0068."""
    name, files = f"jklg_before_{uuid7().hex[:12]}", present()
    await server.create(name)
    try:
        await migrate(server.owner_url(name), [file for file in files if file.name < "0068"])
        owner = await asyncpg.connect(server.owner_url(name))
        link = "https://agency.example/manage/K7M2QX/abcdefgh_-ABCDEFGH0123456789abcd"
        for state in ("sent", "queued", "dead"):
            await owner.execute(
                """
                INSERT INTO mail_outbox (id, kind, once_key, to_address, to_name, subject, text_body, html_body, message_id, state)
                VALUES ($1, 'booking_confirmed', $2, 'asha@example.org', 'Asha', 'Booked', $3, $4, $2, $2)
                """,
                uuid7(), state, f"Here:\n{link}\n{link}?to=documents\n", f'<a href="{link}">Here</a>',
            )  # fmt: skip
        await migrate(server.owner_url(name))
        rows = await owner.fetch("SELECT state, text_body || html_body FROM mail_outbox ORDER BY state")
        await owner.close()
        assert {state: len(re.findall(link, said)) for state, said in rows} == {"dead": 3, "queued": 3, "sent": 0}
        (gone,) = [said for state, said in rows if state == "sent"]
        assert "/manage/K7M2QX/(not kept)?to=documents\n" in gone
    finally:
        await server.drop(name)
