"""Questions that many ask, and what the agency says of itself: written by staff, read by everybody, and said to search engines as it stands."""

from __future__ import annotations

import json
import re
from typing import Any

import asyncpg
import httpx
import pytest

from jklg import demo
from jklg.catalogue import agency, faq
from jklg.catalogue.agency import Profile
from jklg.catalogue.faq import Wording
from jklg.kit.db import Database
from jklg.kit.errors import BadInput
from jklg.kit.ids import uuid7
from tests.enquiries.test_contact import sign_in

SAID = Wording(question="Is there a network?", answer="Hardly.", category="On the way", position=10, published=True)


def told(page: str) -> dict[str, Any]:
    """What the page tells search engines, by kind."""
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    return {each["@type"]: each for each in json.loads(found[1])["@graph"]} if found else {}


def typed(said: Wording, **changes: str) -> dict[str, str]:
    return {
        "question": said.question, "answer": said.answer, "category": said.category, "position": str(said.position), "published": "1",
        "id": str(uuid7()), **changes,
    }  # fmt: skip


async def questions(db: Database) -> list[faq.Question]:
    async with db.connection() as conn:
        return await faq.list_questions(conn, unpublished=True)


async def test_the_page_shows_its_groups_and_tells_search_engines_the_same(
    client: httpx.AsyncClient, db: Database
) -> None:
    await demo.load(db)
    page = (await client.get("/faq")).text
    there = await questions(db)
    assert re.findall(r'<h2 id="([^"]+)"', page) == [
        "about-booking-and-paying",
        "about-on-the-way",
        "about-when-plans-change",
    ]
    assert page.count('<details class="question"') == len(there) == len(told(page)["FAQPage"]["mainEntity"])
    for each in there:
        assert page.count(f'id="{each.anchor}"') == 1
    answers = [each["acceptedAnswer"]["text"] for each in told(page)["FAQPage"]["mainEntity"]]
    assert any("How booking works" in each for each in answers)
    assert not any("](" in each or "**" in each for each in answers)


async def test_before_anything_is_written_both_pages_say_so(client: httpx.AsyncClient) -> None:
    page = (await client.get("/faq")).text
    assert "Nothing is written here yet." in page and told(page) == {}
    page = (await client.get("/about")).text
    assert "has not written about itself yet" in page and "legalName" not in page
    assert (await client.get("/contact")).status_code == 200


async def test_chitra_writes_changes_and_removes_a_question(client: httpx.AsyncClient, db: Database) -> None:
    await sign_in(client, db, "Manager")
    form = typed(SAID)
    for _ in range(2):
        assert (await client.post("/staff/faq/new", data=form)).headers["location"] == "/staff/faq?said=kept"
    (kept,) = await questions(db)
    assert (kept.question, kept.answer, kept.position, kept.published) == ("Is there a network?", "Hardly.", 10, True)
    path = f"/staff/faq/{kept.id}"
    assert 'value="Is there a network?"' in (await client.get(path)).text
    hidden = {name: value for name, value in typed(SAID, answer="<b>No</b>").items() if name != "published"}
    await client.post(path, data=hidden)
    assert "Is there a network?" not in (await client.get("/faq")).text
    await client.post(path, data=typed(SAID, answer="<b>No</b>, **none**"))
    page = (await client.get("/faq")).text
    assert "&lt;b&gt;No&lt;/b&gt;, <strong>none</strong>" in page and "<b>No" not in page
    assert (await client.post(path, data={"remove": "1"})).headers["location"] == "/staff/faq?said=removed"
    assert await questions(db) == []
    assert (await client.get(path)).status_code == (await client.post(path, data=form)).status_code == 404


@pytest.mark.parametrize(
    ("field", "text"),
    [("question", ""), ("question", "x" * 201), ("answer", " "), ("answer", "x" * 5001), ("category", ""), ("category", "x" * 61), ("position", "x"),
     ("position", "-1")],
)  # fmt: skip
async def test_nothing_that_was_typed_is_lost_by_a_mistake(
    client: httpx.AsyncClient, db: Database, field: str, text: str
) -> None:
    await sign_in(client, db, "Manager")
    page = await client.post("/staff/faq/new", data=typed(SAID, **{field: text}))
    assert page.status_code == 422 and f'href="#f-{field}"' in page.text
    assert "Hardly." in page.text or field == "answer"
    assert await questions(db) == []


async def test_groups_stand_where_their_first_question_stands() -> None:
    kept = [
        faq.Question(id=uuid7(), question=f"{n}?", answer="!", category=name) for n, name in enumerate(["b", "a", "b", "रास्ते"])
    ]  # fmt: skip
    assert [(each.name, each.anchor, len(each.questions)) for each in faq.groups(kept)] == [
        ("b", "about-b", 2), ("a", "about-a", 1), ("रास्ते", "about-3", 1),
    ]  # fmt: skip


async def test_an_admin_says_who_the_agency_is_and_it_stands_on_three_pages(
    client: httpx.AsyncClient, db: Database
) -> None:
    await sign_in(client, db, "Admin")
    said = {
        "name": "High Valleys Pvt. Ltd.", "address": "14 Boulevard Road\nSrinagar", "licence": "No. 12/2026", "email": "us@example.org",
        "phone": "+91 194 2450 142", "about": "## Who we are\nNine **people**. <i>Really.</i>",
    }  # fmt: skip
    assert (await client.post("/staff/agency", data=said)).headers["location"] == "/staff/agency?said=kept"
    page = (await client.get("/about")).text
    for part in (
        "High Valleys Pvt. Ltd.",
        "14 Boulevard Road\nSrinagar",
        "No. 12/2026",
        'href="tel:+911942450142"',
        "<strong>people</strong>",
        "&lt;i&gt;Really",
    ):
        assert part in page, part
    agency_told = told(page)["TravelAgency"]
    assert (agency_told["legalName"], agency_told["telephone"]) == (said["name"], said["phone"])
    assert "14 Boulevard Road" in (await client.get("/contact")).text
    assert "No. 12/2026" in (await client.get("/staff/agency")).text
    wrong = await client.post("/staff/agency", data={**said, "email": "us@", "name": "Another"})
    assert wrong.status_code == 422 and 'value="Another"' in wrong.text and 'href="#f-email"' in wrong.text


@pytest.mark.parametrize("role", ["Guide", "Support", ""])
async def test_who_may_not_write_writes_nothing(client: httpx.AsyncClient, db: Database, role: str) -> None:
    await demo.load(db)
    before = await questions(db)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    if role:
        await sign_in(client, db, role)
        assert (await client.get("/staff/faq")).status_code == 200 and "/staff/faq/new" not in (
            await client.get("/staff/faq")
        ).text
    for path in ("/staff/faq/new", f"/staff/faq/{before[0].id}", "/staff/agency"):
        assert (await client.get(path)).status_code == (403 if role else 303), path
        answer = await client.post(path, data={**typed(SAID), "remove": "1", "name": "Mallory's"})
        assert answer.status_code == (403 if role else 401), path
    assert await questions(db) == before
    assert "Mallory" not in (await client.get("/about")).text


async def test_a_manager_may_not_say_who_the_agency_is(client: httpx.AsyncClient, db: Database) -> None:
    await sign_in(client, db, "Manager")
    assert (await client.get("/staff/agency")).status_code == 403


async def test_the_database_keeps_what_the_rooms_promise(db: Database) -> None:
    async with db.transaction() as conn:
        await agency.introduce(conn, Profile(name="One"))
        await agency.introduce(conn, Profile(name="Two"))
        assert (await agency.get(conn)).name == "One", "what is said stays"
    with pytest.raises(asyncpg.CheckViolationError, match="agency_profile_is_one"):
        async with db.transaction() as conn:
            await conn.execute("INSERT INTO agency_profile (lone) VALUES (false)")
    with pytest.raises(asyncpg.CheckViolationError, match="faqs_say_something"):
        async with db.transaction() as conn:
            await conn.execute(
                "INSERT INTO faqs (id, question, answer, category) VALUES (gen_random_uuid(), 'Is there?', '', 'x')"
            )
    for bad in (Profile(about="x" * 20_001), Profile(name="a\x1bb"), Profile(phone="no"), Profile(email="a@")):
        with pytest.raises(BadInput):
            await agency.keep(db, bad, actor="staff:x")
