"""Asha asks about a journey before she books it. Chitra answers, and others read it without knowing who asked."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import questions
from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from jklg.mail import actions as mail
from jklg.questions import rules
from jklg.settings import Settings
from tests.enquiries.test_contact import sign_in
from tests.trade import add_package

QUESTION = {
    "name": "Asha Rao", "email": "asha@example.org", "question": "Is the road open in May?\nMy knee asks.", "website": "",
}  # fmt: skip
ANSWER = {"answer": "From the middle of May.\n<b>Come.</b>", "question": QUESTION["question"], "publish": "1"}


async def path_of(db: Database, package_id: UUID) -> str:
    async with db.connection() as conn:
        return f"/packages/{await conn.fetchval('SELECT slug FROM packages WHERE id = $1', package_id)}"


async def waiting(db: Database, state: str = "open") -> list[questions.Asked]:
    async with db.transaction() as conn:
        return await questions.list_by_status(conn, state, None, 100)


async def asked(db: Database, package_id: UUID, **changes: str) -> questions.Asked:
    await questions.ask(db, package_id, rules.read({**QUESTION, **changes}), network="192.0.2.1")
    return (await waiting(db))[-1]


async def test_asha_asks_chitra_answers_and_everybody_reads_it_without_her_surname(
    client: httpx.AsyncClient, db: Database
) -> None:
    path = await path_of(db, await add_package(db))
    assert f'href="{path}/questions#ask"' in (await client.get(path)).text
    sent = await client.post(f"{path}/questions", data=QUESTION)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}/questions?sent=1")
    assert "We have your question" in (await client.get(f"{path}/questions?sent=1")).text
    assert await mail.latest(db) == [], "an address that nobody has proven is not written to on a stranger's word"
    for public in (path, f"{path}/questions"):
        assert "My knee" not in (await client.get(public)).text, "nothing is shown before staff have answered"
    (one,) = await waiting(db)
    await sign_in(client, db, "Support")
    assert "1 person waits for an answer" in (await client.get("/staff")).text
    assert "1 waits for an answer" in (await client.get("/staff/enquiries")).text
    assert "Is the road open" in (await client.get("/staff/questions")).text
    assert "asha@example.org" in (await client.get(f"/staff/questions/{one.id}")).text
    for expected in ("answered", "saved"):
        done = await client.post(f"/staff/questions/{one.id}/answer", data=ANSWER)
        assert done.headers["location"] == f"/staff/questions/{one.id}?said={expected}"
    (letter,) = await mail.latest(db)
    assert (letter.to_address, letter.subject) == ("asha@example.org", "Your question about Kashmir Bliss")
    assert "> Is the road open in May?" in letter.text_body and "Chitra Nair" in letter.text_body
    assert "&lt;b&gt;Come.&lt;/b&gt;" in letter.html_body
    client.cookies.clear()
    for public in (path, f"{path}/questions"):
        told = (await client.get(public)).text
        assert "My knee asks." in told and "&lt;b&gt;Come.&lt;/b&gt;" in told and ">Asha<" in told
        assert "Rao" not in told and "asha@example.org" not in told
    assert await waiting(db) == [] and len(await waiting(db, "published")) == 1


async def test_a_question_is_dated_on_the_agencys_calendar(client: httpx.AsyncClient, db: Database) -> None:
    """Asked half an hour after midnight on 1 June: in Greenwich it is still May."""
    package_id = await add_package(db)
    one = await asked(db, package_id)
    async with db.transaction() as conn:
        await conn.execute(
            """UPDATE package_questions SET answer = 'Yes.', status = 'published', answered_at = '2027-06-02T09:00Z',
                      created_at = '2027-05-31T19:00Z' WHERE id = $1""",
            one.id,
        )
    assert "1 Jun 2027" in (await client.get(f"{await path_of(db, package_id)}/questions")).text


async def test_what_staff_word_anew_stands_there_without_a_name_and_she_reads_her_own_words(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    package_id = await add_package(db)
    path = await path_of(db, package_id)
    one = await asked(db, package_id)
    say: dict[str, Any] = {"shown": "Is the road open in May?", "publish": True, "name": "Chitra", "actor": "staff:x"}
    assert await questions.answer(db, settings, one.id, text="Yes.", **say)
    told = (await client.get(path)).text
    assert "My knee" not in told and "A traveller" in told and ">Asha<" not in told
    assert "> My knee asks." in (await mail.latest(db))[0].text_body
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM package_questions") == 1, "what is published is everybody's"
        assert await conn.fetchval("SELECT count(*) FROM question_askers") == 0, "who asked is not"


@pytest.mark.parametrize("after", ["answered", "closed"])
async def test_an_answer_that_is_not_shown_or_shown_no_more_is_only_in_her_mail(
    client: httpx.AsyncClient, db: Database, settings: Settings, after: str
) -> None:
    package_id = await add_package(db)
    one = await asked(db, package_id)
    say: dict[str, Any] = {"shown": one.question, "name": "Chitra", "actor": "staff:x"}
    await questions.answer(db, settings, one.id, text="The Zilpzalp sings.", publish=after == "closed", **say)
    if after == "closed":
        await questions.move(db, one.id, status="closed", actor="staff:x")
    assert len(await waiting(db, after)) == 1 and len(await mail.latest(db)) == 1
    path = await path_of(db, package_id)
    for public in (path, f"{path}/questions"):
        assert "Zilpzalp" not in (await client.get(public)).text
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM package_questions") == 0, "row-level security says so, too"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [("question", " \n", "Please write your question"), ("question", "x" * 1001, "up to 1,000"), ("name", "", "tell us your name"), ("email", "asha@", "does not look like an e-mail")],
)  # fmt: skip
async def test_nothing_that_was_typed_is_lost_by_a_mistake(
    client: httpx.AsyncClient, db: Database, field: str, typed: str, sentence: str
) -> None:
    path = await path_of(db, await add_package(db))
    page = await client.post(f"{path}/questions", data={**QUESTION, field: typed})
    assert page.status_code == 422 and f'href="#f-{field}"' in page.text and sentence in page.text
    for name in {"name", "question"} - {field}:
        assert QUESTION[name].partition("\n")[0] in page.text, name
    assert await waiting(db) == []


async def test_programs_and_floods_are_kept_out_and_pressed_twice_it_is_one_question(
    client: httpx.AsyncClient, db: Database
) -> None:
    path = await path_of(db, await add_package(db))
    trapped = await client.post(f"{path}/questions", data={**QUESTION, "website": "https://spam.example"})
    assert trapped.status_code == 422 and "as programs do" in trapped.text and "spam.example" not in trapped.text
    for _ in range(2):
        assert (await client.post(f"{path}/questions", data=QUESTION)).status_code == 303
    assert len(await waiting(db)) == 1
    for number in range(rules.PACE.times - 2):
        await client.post(f"{path}/questions", data={**QUESTION, "question": f"Question {number}"})
    sixth = await client.post(f"{path}/questions", data={**QUESTION, "question": "The sixth"})
    assert sixth.status_code == 429 and int(sixth.headers["retry-after"]) > 60
    assert "The sixth" in sixth.text and "Please wait" in sixth.text
    assert (await client.get("/packages/atlantis/questions")).status_code == 404


async def test_two_clicks_in_one_moment_are_one_question(db: Database) -> None:
    package_id = await add_package(db)
    said = rules.read(QUESTION)
    await asyncio.gather(*(questions.ask(db, package_id, said, network="192.0.2.1") for _ in range(4)))
    assert len(await waiting(db)) == 1


async def test_only_an_admin_erases_and_then_nothing_is_left(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    one = await asked(db, await add_package(db))
    path = f"/staff/questions/{one.id}"
    await sign_in(client, db, "Support")
    empty = await client.post(f"{path}/answer", data={**ANSWER, "answer": " "})
    assert empty.status_code == 422 and "Please write an answer" in empty.text and await mail.latest(db) == []
    assert (await client.post(f"{path}/answer", data={**ANSWER, "answer": "The Zilpzalp sings."})).status_code == 303
    assert (await client.post(f"{path}/erase", data={"sure": "1"})).status_code == 403
    await sign_in(client, db, "Admin")
    assert (await client.post(f"{path}/erase", data={})).status_code == 422
    assert (await client.post(f"{path}/erase", data={"sure": "1"})).status_code == 303
    assert (await client.get(path)).status_code == 404
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM question_askers") == 0
        assert await conn.fetchval("SELECT count(*) FROM mail_outbox WHERE text_body LIKE '%Zilpzalp%'") == 0


@pytest.mark.parametrize("role", ["Guide", ""])
async def test_whoever_has_no_business_with_questions_sees_none(
    client: httpx.AsyncClient, db: Database, role: str
) -> None:
    one = await asked(db, await add_package(db))
    if role:
        await sign_in(client, db, role)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    for address in ("/staff/questions", f"/staff/questions/{one.id}"):
        answer = await client.get(address)
        assert answer.status_code == (403 if role else 303) and "knee" not in answer.text
    for verb in ("answer", "move", "erase"):
        refused = await client.post(f"/staff/questions/{one.id}/{verb}", data={**ANSWER, "sure": "1"})
        assert refused.status_code == (403 if role else 401), verb


async def test_many_questions_are_read_page_by_page(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    package_id = await add_package(db)
    path = await path_of(db, package_id)
    for number in range(22):
        one = await asked(db, package_id, question=f"Question {number:02}") if number < 5 else None
        if one is None:
            async with db.transaction() as conn:
                said = rules.read({**QUESTION, "question": f"Question {number:02}"})
                digest = rules.digest(package_id, said)
                await questions.queries.keep(conn, uuid7(), package_id, said, "Asha", "en", digest)
            one = (await waiting(db))[-1]
        await questions.answer(
            db, settings, one.id, text="Yes.", shown=one.question, publish=True, name="Chitra", actor="staff:x"
        )
    front = (await client.get(path)).text
    assert "All 22 questions" in front and front.count("Question ") == 4
    first = (await client.get(f"{path}/questions")).text
    assert "Question 21" in first and "Question 01" not in first and 'rel="next"' in first
    following = first.partition('href="?cursor=')[2].partition('"')[0]
    assert "Question 01" in (await client.get(f"{path}/questions?cursor={following}")).text
    assert (await client.get(f"{path}/questions?cursor=x")).status_code == 422


async def test_the_database_keeps_what_the_room_promises(db: Database) -> None:
    one = await asked(db, await add_package(db))
    with pytest.raises(asyncpg.CheckViolationError, match="package_questions_published_with_an_answer"):
        async with db.transaction() as conn:
            await conn.execute("UPDATE package_questions SET status = 'published' WHERE id = $1", one.id)
    with pytest.raises(asyncpg.CheckViolationError, match="package_questions_say_something"):
        async with db.transaction() as conn:
            await conn.execute("UPDATE package_questions SET question = '' WHERE id = $1", one.id)
    with pytest.raises(asyncpg.UniqueViolationError, match="question_askers_said_once"):
        async with db.transaction() as conn:
            other = await conn.fetchval(
                "INSERT INTO package_questions (id, package_id, question) SELECT gen_random_uuid(), package_id, 'x' FROM package_questions RETURNING id"
            )
            await conn.execute(
                "INSERT INTO question_askers (question_id, name, email, words, digest) SELECT $1, name, email, words, digest FROM question_askers",
                other,
            )
