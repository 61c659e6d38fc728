"""Asha writes to the agency, and Chitra answers. Mallory learns nothing, floods nothing, and has nobody written to."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncpg
import httpx
import pytest

from jklg import enquiries, staff
from jklg.enquiries import rules
from jklg.kit.db import Database
from jklg.kit.errors import BadInput, NotFound, TooMany
from jklg.kit.ids import uuid7
from jklg.mail import actions as mail
from tests.trade import add_departure, hold

PASSWORD = "a long walk in the hills"
QUESTION = {
    "name": "Asha Rao", "email": "asha@example.org", "subject": "The road to Gurez", "reference": "",
    "message": "Is it open in May?\n\nWe are four.", "website": "",
}  # fmt: skip


async def tickets(db: Database, state: str = "open") -> list[enquiries.Ticket]:
    async with db.transaction() as conn:
        return await enquiries.list_tickets(conn, state, None, 100)


async def thread(db: Database, ticket: enquiries.Ticket) -> list[tuple[str, str]]:
    async with db.transaction() as conn:
        return [(each.from_type, each.message) for each in await enquiries.list_messages(conn, ticket.id)]


async def sign_in(browser: httpx.AsyncClient, db: Database, role: str) -> None:
    browser.headers["Sec-Fetch-Site"] = "same-origin"
    await staff.add(db, email=f"{role}@example.org", name="Chitra Nair", role=role, password=PASSWORD)
    answer = await browser.post("/staff/sign-in", data={"email": f"{role}@example.org", "password": PASSWORD})
    assert answer.headers["location"] == "/staff"


async def asked(db: Database, **changes: str) -> enquiries.Ticket:
    await enquiries.ask(db, rules.read({**QUESTION, **changes}), network="192.0.2.1")
    return (await tickets(db))[-1]


def key_in(page: str) -> str:
    found = re.search(r'name="message_id" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_asha_asks_and_staff_see_it_and_nobody_gets_a_mail(client: httpx.AsyncClient, db: Database) -> None:
    sent = await client.post("/contact", data=QUESTION)
    assert (sent.status_code, sent.headers["location"]) == (303, "/contact?sent=1")
    assert "We have your message" in (await client.get("/contact?sent=1")).text
    (ticket,) = await tickets(db)
    assert (ticket.customer, ticket.email, ticket.number) == ("Asha Rao", "asha@example.org", 1001)
    assert await thread(db, ticket) == [("customer", QUESTION["message"])]
    assert await mail.latest(db) == [], "an address that nobody has proven is not written to on a stranger's word"


async def test_pressed_twice_it_is_one_enquiry_and_said_again_after_its_end_it_is_open_again(db: Database) -> None:
    ticket = await asked(db)
    await asked(db)
    assert len(await tickets(db)) == 1
    await enquiries.move(db, ticket.id, status="closed", actor="staff:x")
    await asked(db)
    assert [each.id for each in await tickets(db)] == [ticket.id]
    assert len(await thread(db, ticket)) == 1


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [("name", " ", "Please tell us your name."), ("email", "asha@", "does not look like an e-mail address"), ("email", "a@b.de\nBcc: c@d.de", "does not look like"),
     ("subject", "", "in a few words"), ("subject", "x" * 151, "in a few words"), ("message", " \n ", "Please write your message"),
     ("message", "x" * 5001, "Please write your message"), ("reference", "x" * 41, "six letters and figures")],
)  # fmt: skip
async def test_nothing_that_was_typed_is_lost_by_a_mistake(
    client: httpx.AsyncClient, db: Database, field: str, typed: str, sentence: str
) -> None:
    page = await client.post("/contact", data={**QUESTION, field: typed})
    assert page.status_code == 422
    assert f'href="#f-{field}"' in page.text and sentence in page.text
    for name in {"name", "subject", "message"} - {field}:
        assert QUESTION[name].partition("\n")[0] in page.text, name
    assert await tickets(db) == []


async def test_all_mistakes_are_told_at_once(client: httpx.AsyncClient) -> None:
    page = (await client.post("/contact", data={})).text
    assert [name for name in QUESTION if f'href="#f-{name}"' in page] == ["name", "email", "subject", "message"]


async def test_a_program_that_fills_in_everything_is_told_so_and_a_person_presses_once_more(
    client: httpx.AsyncClient, db: Database
) -> None:
    page = await client.post("/contact", data={**QUESTION, "website": "https://spam.example"})
    assert page.status_code == 422 and "as programs do" in page.text
    assert "spam.example" not in page.text and "The road to Gurez" in page.text
    assert await tickets(db) == []
    assert (await client.post("/contact", data=QUESTION)).status_code == 303


async def test_one_network_writes_five_times_an_hour_and_loses_nothing_of_the_sixth(
    client: httpx.AsyncClient, db: Database
) -> None:
    for number in range(rules.PACE.times):
        await client.post("/contact", data={**QUESTION, "subject": f"Question {number}"})
    page = await client.post("/contact", data={**QUESTION, "subject": "The sixth"})
    assert page.status_code == 429 and int(page.headers["retry-after"]) > 60
    assert "The sixth" in page.text and "Please wait" in page.text
    assert len(await tickets(db)) == rules.PACE.times
    with pytest.raises(TooMany):
        await enquiries.ask(db, rules.read(QUESTION), network="127.0.0.1")
    await enquiries.ask(db, rules.read(QUESTION), network="192.0.2.7")


async def test_nobody_learns_whether_a_booking_exists(client: httpx.AsyncClient, db: Database) -> None:
    held = await hold(db, await add_departure(db))
    answers = set()
    for number, reference in enumerate((held.reference, "ZZZZZ9", "no such thing")):
        sent = await client.post("/contact", data={**QUESTION, "subject": str(number), "reference": reference})
        answers.add((sent.status_code, sent.headers["location"], sent.text))
    assert len(answers) == 1
    told = (await client.get(f"/contact?reference={held.reference}")).text
    told = re.sub(r'<nav class="languages".*?</nav>', "", told, flags=re.S)  # each leads to this very address
    assert held.name not in told and told.count(held.reference) == 1, "what the link said, and nothing more"


async def test_chitra_answers_and_it_is_mailed_once(client: httpx.AsyncClient, db: Database) -> None:
    await sign_in(client, db, "Support")
    ticket = await asked(db, reference="K7M2QX")
    listed = (await client.get("/staff/enquiries")).text
    assert "The road to Gurez" in listed and "1 person waits for an answer" in (await client.get("/staff")).text
    page = (await client.get(f"/staff/enquiries/{ticket.id}")).text
    assert "which we do not have" in page and "We are four." in page
    form = {"message_id": key_in(page), "answer": "From the middle of May.\n<b>We tell you.</b>"}
    for _ in range(2):
        done = await client.post(f"/staff/enquiries/{ticket.id}/answer", data=form)
        assert done.headers["location"] == f"/staff/enquiries/{ticket.id}?said=answered"
    (letter,) = await mail.latest(db)
    assert (letter.to_address, letter.subject) == ("asha@example.org", "Your enquiry 1001: The road to Gurez")
    assert "From the middle of May." in letter.text_body and "> Is it open in May?" in letter.text_body
    assert "&lt;b&gt;We tell you.&lt;/b&gt;" in letter.html_body and "Chitra Nair" in letter.html_body
    assert await tickets(db) == [] and len(await tickets(db, "answered")) == 1
    assert [kind for kind, _ in await thread(db, ticket)] == ["customer", "agent"]


async def test_what_asha_says_on_the_telephone_opens_it_again(client: httpx.AsyncClient, db: Database) -> None:
    await sign_in(client, db, "Manager")
    ticket = await asked(db)
    path = f"/staff/enquiries/{ticket.id}"
    assert (await client.post(f"{path}/move", data={"to": "closed"})).headers["location"] == f"{path}?said=closed"
    assert [each.status for each in await tickets(db, "closed")] == ["closed"]
    form = {"message_id": key_in((await client.get(path)).text), "note": "She called: six, not four."}
    await client.post(f"{path}/note", data=form)
    await client.post(f"{path}/note", data=form)
    assert await thread(db, ticket) == [("customer", QUESTION["message"]), ("customer", form["note"])]
    assert len(await tickets(db)) == 1 and await mail.latest(db) == []
    empty = await client.post(
        f"{path}/answer", data={"message_id": key_in((await client.get(path)).text), "answer": " "}
    )
    assert empty.status_code == 422 and "Please write your message" in empty.text
    outdated = await client.post(f"{path}/answer", data={"answer": "Yes."})
    assert outdated.status_code == 422 and "Yes." in outdated.text


async def test_a_booking_of_somebody_else_is_marked(client: httpx.AsyncClient, db: Database) -> None:
    await sign_in(client, db, "Support")
    held = await hold(db, await add_departure(db))
    hers = await asked(db, reference=held.reference.lower())
    page = (await client.get(f"/staff/enquiries/{hers.id}")).text
    assert f'href="/staff/bookings/{held.reference}"' in page and "another e-mail address" not in page
    mallorys = await asked(db, reference=held.reference, email="mallory@example.org")
    assert "another e-mail address" in (await client.get(f"/staff/enquiries/{mallorys.id}")).text


async def test_only_an_admin_erases_and_then_nothing_is_left(client: httpx.AsyncClient, db: Database) -> None:
    ticket = await asked(db)
    await sign_in(client, db, "Support")
    path = f"/staff/enquiries/{ticket.id}"
    await client.post(f"{path}/answer", data={"message_id": str(uuid7()), "answer": "Yes, the Zilpzalp sings."})
    assert (await client.post(f"{path}/erase", data={"sure": "1"})).status_code == 403
    await sign_in(client, db, "Admin")
    assert (await client.post(f"{path}/erase", data={})).status_code == 422
    assert (await client.post(f"{path}/erase", data={"sure": "1"})).status_code == 303
    assert (await client.get(path)).status_code == 404
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM ticket_messages") == 0
        assert await conn.fetchval("SELECT count(*) FROM mail_outbox WHERE text_body LIKE '%Zilpzalp%'") == 0


@pytest.mark.parametrize("role", ["Guide", ""])
async def test_whoever_has_no_business_with_enquiries_sees_none(
    client: httpx.AsyncClient, db: Database, role: str
) -> None:
    ticket = await asked(db)
    if role:
        await sign_in(client, db, role)
        assert "waits for an answer" not in (await client.get("/staff")).text
    client.headers["Sec-Fetch-Site"] = "same-origin"
    path = f"/staff/enquiries/{ticket.id}"
    for answer in [await client.get("/staff/enquiries"), await client.get(path)]:
        assert answer.status_code == (403 if role else 303) and "Gurez" not in answer.text
    for verb in ("answer", "note", "move", "erase"):
        refused = await client.post(f"{path}/{verb}", data={"answer": "No.", "sure": "1"})
        assert refused.status_code == (403 if role else 401), verb
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM support_tickets") == 0, "nobody sees them without a right"
        assert await conn.fetchval("SELECT count(*) FROM ticket_messages") == 0


async def test_who_waits_longest_is_first_and_the_list_goes_on(client: httpx.AsyncClient, db: Database) -> None:
    await sign_in(client, db, "Support")
    async with db.transaction() as conn:
        for number in range(45):
            said = rules.read({**QUESTION, "subject": f"Question {number:02}"})
            await enquiries.queries.keep(conn, uuid7(), said, "en", rules.digest(said))
    seen: list[str] = []
    path: Any = "/staff/enquiries"
    while path:
        page = (await client.get(path)).text
        seen += re.findall(r">(Question \d\d)<", page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else None
    assert seen == [f"Question {number:02}" for number in range(45)]
    for wrong in ("state=x", "cursor=x", "cursor=%00"):
        assert (await client.get(f"/staff/enquiries?{wrong}")).status_code == 422


async def test_the_database_keeps_what_the_room_promises(db: Database) -> None:
    ticket = await asked(db)
    copy = "INSERT INTO support_tickets (id, subject, customer, email, digest) SELECT gen_random_uuid(), subject, customer, email, {} FROM support_tickets"
    with pytest.raises(asyncpg.UniqueViolationError, match="support_tickets_said_once"):
        async with db.transaction() as conn:
            await conn.execute(copy.format("digest"))
    with pytest.raises(asyncpg.UniqueViolationError, match="support_tickets_number_once"):
        async with db.transaction() as conn:
            await conn.execute(
                copy.format("'x'::bytea").replace("(id,", "(id, number,").replace("uuid(),", "uuid(), number,").replace("digest)", "digest) OVERRIDING SYSTEM VALUE")
            )  # fmt: skip
    with pytest.raises(asyncpg.CheckViolationError, match="ticket_messages_say_something"):
        async with db.transaction() as conn:
            await enquiries.queries.insert_message(conn, uuid7(), ticket.id, "agent", "Chitra", "")


def test_a_message_keeps_its_lines_and_no_control_characters() -> None:
    assert rules.check_message(" a \r\n\n b\t ") == "a\n\n b"
    for hostile in ("a\x00b", "a\x1bb", "\ud800"):
        with pytest.raises(BadInput, match="message_missing"):
            rules.check_message(hostile)


async def test_answered_while_an_admin_erases_it_there_is_nothing_to_answer(db: Database) -> None:
    ticket = await asked(db)
    async with db.transaction() as conn:
        await enquiries.queries.get(conn, ticket.id, lock=True)
        noting = asyncio.create_task(
            enquiries.note(db, ticket.id, message_id=uuid7(), text="She called.", actor="staff:y")
        )
        await asyncio.sleep(0.1)
        await enquiries.queries.delete(conn, ticket.id)
    with pytest.raises(NotFound, match="enquiry_not_found"):
        await noting
