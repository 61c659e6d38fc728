"""Asha finds her papers, can read them in any script and take them along; strangers find nothing."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pypdf
import pytest
from icalendar import Calendar

from jklg import bookings
from jklg.bookings.holds import TravellerRequest
from jklg.kit.paper import drawing
from jklg.kit.tokens import unsealed
from jklg.payments import cancellations
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.front import front_of
from tests.invoices.test_writing_papers import news
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import TERMS

SCRIPTS = ("आशा राव", "عائشة راو", "王小明", "김철수", "田中さくら", "Łódź Nguyễn", "Ελένη", "Михаил")
MARKUP = '#panic("x") *Asha* $x$ @me #sys.inputs <b>'


@pytest.fixture
async def asha(street: Street) -> AsyncIterator[httpx.AsyncClient]:
    application = front_of(street.house)
    transport = httpx.ASGITransport(app=application)
    origin = street.house.settings.public_url
    async with (
        application.lifespan(),
        httpx.AsyncClient(transport=transport, base_url=origin, headers={"Origin": origin}) as browser,
    ):
        yield browser


async def sold(street: Street, terms: dict[str, Any] | None = None, **changes: Any) -> bookings.Held:
    """Paid, confirmed, and every piece of news heard."""
    held = await street.asha_holds_under_terms(terms or {"tiers": TERMS["tiers"]}, **changes)
    await street.asha_pays(held.id)
    await news(street)
    return held


def link(street: Street, held: bookings.Held, rest: str = "") -> str:
    return f"/manage/{held.reference}/{bookings.manage_token(street.house.settings.secret, held.id)}{rest}"


def pdf(answer: httpx.Response) -> pypdf.PdfReader:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return pypdf.PdfReader(io.BytesIO(answer.content))


def words(reader: pypdf.PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).replace("\u202f", " ").split())


def main(answer: httpx.Response) -> str:
    """What it says, but for the number of the request."""
    return re.sub(r"<code>[0-9a-f]+</code>", "", answer.text.partition("<main")[2].partition("</main>")[0])


def is_accessible(reader: pypdf.PdfReader, language: str = "en") -> None:
    """What PDF/UA-1 (ISO 14289-1) asks of a file as a whole: tagged, named, in a language, and saying so."""
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith(language)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/StructTreeRoot"]["/K"], "no structure to read by"
    assert reader.metadata is not None and reader.metadata.title
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata or 'pdfuaid:part="1"' in metadata
    kinds = set(structure(root["/StructTreeRoot"]["/K"]))
    assert {"/H1"} <= kinds or {"/Title"} <= kinds, kinds


def structure(node: Any) -> list[str]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [kind for each in node for kind in structure(each)]
    if not isinstance(node, dict):
        return []
    return [str(node.get("/S")), *structure(node.get("/K", []))]


async def names(browser: httpx.AsyncClient, held: bookings.Held) -> list[str]:
    page = (await browser.get(f"/bookings/{held.reference}/documents")).text
    parts = page.split(f'href="/bookings/{held.reference}/documents/')[1:]
    return [part.partition('"')[0] for part in parts]


async def test_she_finds_her_papers_from_the_mail_and_from_the_booking(street: Street, asha: httpx.AsyncClient) -> None:
    held = await sold(street)
    opened = await asha.get(link(street, held, "?to=documents"))
    assert (opened.status_code, opened.headers["location"]) == (303, f"/bookings/{held.reference}/documents")
    assert f'href="/bookings/{held.reference}/documents"' in (await asha.get(f"/bookings/{held.reference}")).text
    found = await names(asha, held)
    assert found[:3] == ["voucher.pdf", "itinerary.pdf", "journey.ics"]
    assert found[3].startswith("INV-") and found[4].startswith("receipt-")
    mailed = await street.one("SELECT text_body FROM mail_outbox WHERE once_key LIKE 'booking_confirmed:%'")
    settings = street.house.settings
    assert f"{settings.public_url}{link(street, held)}?to=documents" in unsealed(mailed, settings.secrets)


async def test_every_paper_is_tagged_named_and_kept_by_nobody(street: Street, asha: httpx.AsyncClient) -> None:
    held = await sold(street)
    await asha.get(link(street, held))
    for name in await names(asha, held):
        answer = await asha.get(f"/bookings/{held.reference}/documents/{name}")
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        saved = answer.headers["content-disposition"]
        assert held.reference in saved or "INV-" in saved
        if name.endswith(".pdf"):
            assert saved.startswith("inline;")
            is_accessible(pdf(answer))
        else:
            assert saved.startswith("attachment;")


async def test_names_in_any_script_are_read_and_never_as_markup(street: Street, asha: httpx.AsyncClient) -> None:
    held = await street.asha_holds_under_terms(
        {}, name=MARKUP, special_requests=f'{" ".join(SCRIPTS)} #import "x"', party={"adult": 8},
        travellers=[TravellerRequest(name=name, category="adult") for name in SCRIPTS],
    )  # fmt: skip
    await street.asha_pays(held.id)
    await news(street)
    await asha.get(link(street, held))
    reader = pdf(await asha.get(f"/bookings/{held.reference}/documents/voucher.pdf"))
    is_accessible(reader)
    said = words(reader)
    for name in ("王小明", "김철수", "田中さくら", "Łódź Nguyễn", "Ελένη", "Михаил", '#import "x"'):
        assert name in said, said
    assert any("DEVANAGARI" in name or "\u0900" <= letter <= "\u097f" for name in said for letter in name)
    assert any("\u0600" <= letter <= "\u06ff" or "\ufb50" <= letter <= "\ufeff" for letter in said)
    invoice = next(name for name in await names(asha, held) if name.startswith("INV-"))
    assert MARKUP in words(pdf(await asha.get(f"/bookings/{held.reference}/documents/{invoice}")))


@pytest.mark.parametrize("language", ["hi", "ar"])
async def test_papers_speak_the_language_it_was_booked_in_whoever_opens_them(
    street: Street, asha: httpx.AsyncClient, language: str
) -> None:
    held = await sold(street, locale=language)
    await asha.get(link(street, held))
    said = ""
    for name in await names(asha, held):
        if name.endswith(".pdf"):
            reader = pdf(await asha.get(f"/en/bookings/{held.reference}/documents/{name}"))
            is_accessible(reader, language)
            said += words(reader)
    assert not re.search("Travellers|Received from|Meeting point|Booking reference|Invoice|Amount|Total", said), said


async def test_an_itinerary_tells_the_days_that_there_are_and_heads_nothing_else(
    street: Street, asha: httpx.AsyncClient
) -> None:
    held = await sold(street)
    await asha.get(link(street, held))
    address = f"/bookings/{held.reference}/documents/itinerary.pdf"
    assert "Day by day" not in words(pdf(await asha.get(address)))
    async with street.db.transaction() as conn:
        await conn.execute(
            "INSERT INTO itinerary_days (package_id, day, title, description) SELECT id, 1, 'Srinagar', 'A boat takes you across.' FROM packages"
        )
    said = words(pdf(await asha.get(address)))
    assert "Day by day Day 1: Srinagar" in said and "A boat takes you across." in said


async def test_what_was_given_up_has_a_credit_note_and_no_voucher(street: Street, asha: httpx.AsyncClient) -> None:
    held = await sold(street, in_days=45)
    await cancellations.cancel(street.house, held.id, actor="guest")
    await news(street)
    await asha.get(link(street, held))
    calendar, invoice, note, receipt = await names(asha, held)
    assert (calendar, invoice[:4], note[:3], receipt[:8]) == ("journey.ics", "INV-", "CN-", "receipt-")
    said = words(pdf(await asha.get(f"/bookings/{held.reference}/documents/{note}")))
    assert invoice.removesuffix(".pdf") in said and "−₹" in said.replace(" ", ""), said
    reader = pdf(await asha.get(f"/bookings/{held.reference}/documents/{receipt}"))
    assert "Sent back since" in words(reader)
    assert (await asha.get(f"/bookings/{held.reference}/documents/voucher.pdf")).status_code == 404


async def test_a_stranger_is_told_the_same_as_by_the_booking(street: Street, asha: httpx.AsyncClient) -> None:
    held, other = await sold(street), await sold(street)
    mallory = asha
    await mallory.get(link(street, other))
    theirs = await mallory.get(f"/bookings/{held.reference}")
    invoice = await street.one("SELECT number FROM invoices WHERE booking_id = $1", held.id)
    for rest in ("documents", "documents/voucher.pdf", f"documents/{invoice}.pdf"):
        answer = await mallory.get(f"/bookings/{held.reference}/{rest}")
        assert answer.status_code == theirs.status_code == 404
        assert main(answer) == main(theirs)
    crossed = await mallory.get(f"/bookings/{other.reference}/documents/{invoice}.pdf")
    assert crossed.status_code == 404, "an invoice is found under its own booking only"
    assert (await mallory.get("/account/documents")).headers["location"].startswith("/login")


async def test_a_guide_sees_no_money_and_no_key(office: Office) -> None:
    held = await sold(office.street)
    await office.sign_in("Guide")
    page = (await office.browser.get(f"/staff/bookings/{held.reference}/documents")).text
    assert "voucher.pdf" in page and "INV-" not in page and "receipt-" not in page
    token = bookings.manage_token(office.street.house.settings.secret, held.id)
    answer = await office.browser.get(f"/staff/bookings/{held.reference}/documents/voucher.pdf")
    assert token not in links(pdf(answer))
    invoice = await office.street.one("SELECT number FROM invoices")
    refused = await office.browser.get(f"/staff/bookings/{held.reference}/documents/{invoice}.pdf")
    assert refused.status_code == 404
    await office.sign_in("Manager")
    answer = await office.browser.get(f"/staff/bookings/{held.reference}/documents/voucher.pdf")
    assert token in links(pdf(answer))
    pdf(await office.browser.get(f"/staff/bookings/{held.reference}/documents/{invoice}.pdf"))


def links(reader: pypdf.PdfReader) -> str:
    found = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    return " ".join(str(note["/A"]["/URI"]) for note in found if "/A" in note)


async def test_the_calendar_says_the_same_days_everywhere_and_follows_changes(
    street: Street, asha: httpx.AsyncClient
) -> None:
    held = await sold(street, TERMS, name="Asha Rao")
    await asha.get(link(street, held))
    booking = await street.booking(held.id)
    first = await asha.get(f"/bookings/{held.reference}/documents/journey.ics")
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in first.content.split(b"\r\n")), "lines are folded"
    journey, pay = Calendar.from_ical(first.content).walk("VEVENT")
    assert journey.decoded("dtstart") == booking.starts_on
    assert (journey.decoded("dtend") - booking.ends_on).days == 1
    assert b"DTSTART;VALUE=DATE:" in first.content
    assert (journey["status"], pay.decoded("dtstart")) == ("CONFIRMED", booking.balance_due_on)
    assert link(street, held) in journey["description"]
    await street.later(seconds=5)
    await cancellations.cancel(street.house, held.id, actor="guest")
    again = await asha.get(f"/bookings/{held.reference}/documents/journey.ics")
    given_up = Calendar.from_ical(again.content).walk("VEVENT")[0]
    assert given_up["uid"] == journey["uid"]
    assert given_up["sequence"] > journey["sequence"]
    assert given_up["status"] == "CANCELLED"


async def test_a_script_that_no_typeface_has_costs_boxes_and_no_paper(
    street: Street, asha: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = drawing.typst.Fonts(include_system_fonts=False, font_paths=[str(drawing.FOLDER / "fonts")])
    monkeypatch.setattr(drawing, "_fonts", lambda: bare)
    held = await sold(street, name="எழுத்து \U00013000")
    await asha.get(link(street, held))
    assert pdf(await asha.get(f"/bookings/{held.reference}/documents/voucher.pdf")).pages


async def test_whoever_comes_when_too_many_wait_is_asked_to_come_again(
    street: Street, asha: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await sold(street)
    await asha.get(link(street, held))
    monkeypatch.setattr(drawing, "MOST_WAITING", 0)
    answer = await asha.get(f"/bookings/{held.reference}/documents/voucher.pdf")
    assert answer.status_code == 503 and "try again" in answer.text


async def test_a_calendar_that_is_taken_again_no_longer_asks_for_what_is_paid(
    street: Street, asha: httpx.AsyncClient
) -> None:
    """The event was left out, and what a file does not name stays in the calendar."""
    held = await sold(street, TERMS)
    await asha.get(link(street, held))

    async def balance() -> Any:
        answer = await asha.get(f"/bookings/{held.reference}/documents/journey.ics")
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        return next(each for each in events if "balance" in each["uid"])

    asked = await balance()
    await street.later(seconds=5)
    await street.asha_pays(held.id)
    paid = await balance()
    assert (asked["status"], paid["status"]) == ("CONFIRMED", "CANCELLED")
    assert (paid["uid"], paid["summary"]) == (asked["uid"], asked["summary"])
    assert paid["sequence"] > asked["sequence"]
