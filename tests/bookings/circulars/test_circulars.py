"""One message to many: each mailbox gets it once, whoever dies on the way; it pauses, goes on, and stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import app, mail
from jklg.app import House
from jklg.bookings import circulars
from jklg.bookings.circulars import Audience, Message, Progress
from jklg.bookings.circulars.rules import check_message
from jklg.kit import failpoints
from jklg.kit.db import Database, violated
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from jklg.mail import bounces
from jklg.mail.actions import latest
from jklg.settings import Settings
from tests.trade import add_departure, add_package, hold

CHITRA = "staff:019aa000-0000-7000-8000-000000000001"
WORDS = Message(subject="Warm clothes", words="Please bring a warm jacket.\n\nWe have <blankets>.")


@pytest.fixture
async def agency(settings: Settings, db: Database) -> House:
    return await app.build_house(replace(settings, circular_pace=1000), db, {})


async def travels(db: Database, departure_id: UUID, name: str, **changes: Any) -> UUID:
    """Somebody with a confirmed booking."""
    held = await hold(
        db, departure_id, party={"adult": 1}, name=name, **{"email": f"{name.lower()}@example.org", **changes}
    )
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE bookings SET status = 'confirmed', confirmed_at = house_now() WHERE id = $1", held.id
        )
    return held.id


async def party(db: Database, number: int) -> UUID:
    departure_id = await add_departure(db, seats=100)
    for each in range(number):
        await travels(db, departure_id, f"Traveller{each}")
    return departure_id


async def begin(db: Database, departure_id: UUID, expected: int, id_: UUID | None = None) -> UUID:
    id_ = id_ or uuid7()
    await circulars.begin(db, id_, Audience(departure_id=departure_id), WORDS, expected=expected, actor=CHITRA)
    return id_


async def until_done(house: House) -> None:
    while await circulars.send(house):
        pass


async def read_by(db: Database) -> Counter[str]:
    return Counter(each.to_address for each in await latest(db) if each.kind == "circular")


async def far(db: Database, id_: UUID) -> tuple[str, Progress]:
    async with db.transaction() as conn:
        found = await circulars.get(conn, id_)
        assert found is not None
        return found.status, (await circulars.progress(conn, [id_]))[id_]


async def test_everybody_on_a_departure_reads_it_once_with_their_own_name(agency: House) -> None:
    departure_id = await party(agency.db, 3)
    await travels(agency.db, departure_id, "Asha", email="Traveller1@example.org")  # a second booking of one mailbox
    await hold(agency.db, departure_id, email="only@holds.example")
    await travels(agency.db, await add_departure(agency.db), "Elsewhere")
    id_ = await begin(agency.db, departure_id, 3)
    await until_done(agency)
    found = [each for each in await latest(agency.db) if each.kind == "circular"]
    assert Counter(each.to_address.lower() for each in found) == Counter(
        f"traveller{number}@example.org" for number in range(3)
    )
    (hers,) = [each for each in found if each.to_name == "Asha"]
    assert "Dear Asha," in hers.text_body and "We have <blankets>." in hers.text_body and "/manage/" in hers.text_body
    assert "We have &lt;blankets&gt;." in hers.html_body and hers.subject.startswith("Warm clothes (")
    await mail.send_due(agency)
    assert await far(agency.db, id_) == ("done", Progress(total=3, waiting=0, underway=0, sent=3, left_out=0, failed=0))


async def test_everybody_with_a_package_whatever_the_departure(agency: House) -> None:
    package_id = await add_package(agency.db)
    for name in ("Asha", "Ben"):
        await travels(agency.db, await add_departure(agency.db, package_id=package_id), name)
    await circulars.begin(agency.db, uuid7(), Audience(package_id=package_id), WORDS, expected=2, actor=CHITRA)
    await until_done(agency)
    assert await read_by(agency.db) == Counter(["asha@example.org", "ben@example.org"])


async def test_pressed_three_times_it_is_begun_once(agency: House) -> None:
    departure_id, once = await party(agency.db, 2), uuid7()
    await asyncio.gather(*(begin(agency.db, departure_id, 2, once) for _ in range(3)))
    await until_done(agency)
    assert set((await read_by(agency.db)).values()) == {1}


async def test_workers_at_once_and_one_that_dies_write_nobody_twice(agency: House) -> None:
    departure_id = await party(agency.db, 25)
    id_ = await begin(agency.db, departure_id, 25)
    failpoints.arm("before_circular_commit:crash")
    try:
        with pytest.raises(failpoints.Crashed):
            await circulars.send(agency)
    finally:
        failpoints.arm("")
    assert await read_by(agency.db) == Counter()
    await asyncio.gather(*(until_done(agency) for _ in range(4)))
    assert set((await read_by(agency.db)).values()) == {1} and len(await read_by(agency.db)) == 25
    assert (await far(agency.db, id_))[0] == "done"


async def test_it_goes_at_the_pace_of_the_house_and_one_after_the_other(agency: House) -> None:
    slow = replace(agency, settings=replace(agency.settings, circular_pace=4))
    first = await begin(agency.db, await party(agency.db, 3), 3)
    second = await begin(agency.db, await party(agency.db, 3), 3)
    await asyncio.gather(*(until_done(slow) for _ in range(3)))
    assert [(await far(agency.db, each))[1].waiting for each in (first, second)] == [0, 2]
    async with agency.db.transaction() as conn:
        await conn.execute(
            "UPDATE circular_recipients SET written_at = written_at - interval '1 minute' WHERE state = 'written'"
        )
    await until_done(slow)
    assert (await far(agency.db, second))[0] == "done"


async def test_it_pauses_goes_on_and_stops_for_good(agency: House) -> None:
    id_ = await begin(agency.db, await party(agency.db, 12), 12)
    await circulars.send(agency)
    for _ in range(2):
        await circulars.turn(agency.db, id_, "paused", actor=CHITRA)
    assert await circulars.send(agency) == 0
    await circulars.turn(agency.db, id_, "sending", actor=CHITRA)
    assert await circulars.send(agency, limit=1) == 1
    await circulars.turn(agency.db, id_, "stopped", actor=CHITRA)
    assert await circulars.send(agency) == 0 and len(await read_by(agency.db)) == 11
    for to in ("sending", "paused"):
        with pytest.raises(Conflict, match="circular_over"):
            await circulars.turn(agency.db, id_, to, actor=CHITRA)
    with pytest.raises(NotFound, match="circular_not_found"):
        await circulars.turn(agency.db, uuid7(), "paused", actor=CHITRA)
    async with agency.db.transaction() as conn:
        story = [
            row[0] for row in await conn.fetch("SELECT action FROM history WHERE subject_id = $1 ORDER BY id", id_)
        ]
    assert story == ["circular.begun", "circular.paused", "circular.sending", "circular.stopped"]


async def test_whoever_was_not_counted_is_not_written_to(agency: House) -> None:
    departure_id = await party(agency.db, 2)
    with pytest.raises(Conflict, match="audience_changed"):
        await begin(agency.db, departure_id, 1)
    with pytest.raises(Conflict, match="nobody_to_write_to"):
        await begin(agency.db, await add_departure(agency.db), 0)
    assert await circulars.send(agency) == 0
    async with agency.db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM circulars") == 0


async def bounced(db: Database, address: str) -> None:
    async with db.transaction() as conn:
        letter = mail.Letter(
            kind="x", once_key=address, to_address=address, to_name="A", subject="s", text="t", html="h"
        )
        await mail.write(conn, [letter])
        mail_id = await conn.fetchval("SELECT id FROM mail_outbox WHERE once_key = $1", address)
        await bounces.refused(conn, mail_id, [(550, "5.1.1 no such user")])


async def test_whose_mail_comes_back_who_left_and_who_gave_up_are_left_out(agency: House) -> None:
    db, departure_id = agency.db, await party(agency.db, 1)
    gone, given_up, silent = [await travels(db, departure_id, name) for name in ("Gone", "Given", "Silent")]
    await bounced(db, "before@example.org")
    await travels(db, departure_id, "Before")
    id_ = await begin(db, departure_id, 4)
    await bounced(db, "silent@example.org")
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET status = 'cancelled', ended_at = house_now() WHERE id = $1", given_up)
        await conn.execute("UPDATE bookings SET email = 'moved@example.org' WHERE id = $1", gone)
    await until_done(agency)
    assert await read_by(db) == Counter(["traveller0@example.org"])
    async with db.transaction() as conn:
        told = dict(await conn.fetch("SELECT booking_id, reason FROM circular_recipients WHERE state = 'left_out'"))
    assert told == {gone: "gone", given_up: "not_travelling", silent: "bounced"}
    assert (await far(db, id_))[1].left_out == 3


async def test_who_is_forgotten_leaves_no_mailbox_and_no_letter(agency: House) -> None:
    db, departure_id = agency.db, await party(agency.db, 1)
    asha = await travels(db, departure_id, "Asha")
    await begin(db, departure_id, 2)
    await until_done(agency)
    async with db.transaction() as conn:
        await circulars.forget(conn, asha)
        assert await conn.fetchval("SELECT count(*) FROM circular_recipients WHERE mailbox LIKE 'asha%'") == 0
        assert await conn.fetchval("SELECT count(*) FROM mail_outbox WHERE mailbox LIKE 'asha%'") == 0
    waits = await begin(db, departure_id, 2)
    async with db.transaction() as conn:
        await circulars.forget(conn, asha)
    await until_done(agency)
    assert await read_by(db) == Counter({"traveller0@example.org": 2})
    assert (await far(db, waits))[1].left_out == 1


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"subject": " ", "words": "x"}, "subject_invalid"),
        ({"subject": "x" * 151, "words": "x"}, "subject_invalid"),
        ({"subject": "x\u202ey\x00", "words": "x"}, "subject_invalid"),
        ({"subject": "x", "words": " \n "}, "message_missing"),
        ({"subject": "x", "words": "x" * 5001}, "message_missing"),
    ],
)
def test_what_says_nothing_is_refused(form: dict[str, str], code: str) -> None:
    with pytest.raises(BadInput, match=code):
        check_message(form)


@pytest.mark.parametrize(
    ("promise", "sql"),
    [
        ("circular_recipients_once", "INSERT INTO circular_recipients (circular_id, booking_id, mailbox) SELECT circular_id, booking_id, mailbox FROM circular_recipients"),
        ("circular_recipients_say_why", "UPDATE circular_recipients SET state = 'left_out'"),
        ("circulars_go_to_one_audience", "UPDATE circulars SET departure_id = NULL"),
    ],
)  # fmt: skip
async def test_the_database_keeps_its_word(agency: House, promise: str, sql: str) -> None:
    await begin(agency.db, await party(agency.db, 1), 1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with agency.db.transaction() as conn:
            await conn.execute(sql)
    assert violated(refused.value) == promise
