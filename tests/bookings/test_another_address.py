"""The address that Asha gave was wrong: Chitra writes down the right one, and whoever reads the wrong mailbox is out."""

from __future__ import annotations

import re

import httpx
import pytest

from jklg import app, bookings, jobs, mail
from jklg.bookings import letters as written
from jklg.bookings import reaching
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from jklg.kit.tokens import unsealed
from jklg.mail import bounces
from tests.backoffice.test_concerns import press
from tests.backoffice.test_put_aside import post, post_office  # noqa: F401  (fixtures)
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.mail.test_bounces import report
from tests.mail.test_mail import PostOffice
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)


async def letters(street: Street, kind: str) -> list[tuple[str, str]]:
    """To whom this letter was written, and what it says when it arrives."""
    async with street.db.transaction() as conn:
        rows = await conn.fetch(
            "SELECT to_address, text_body FROM mail_outbox WHERE kind = $1 ORDER BY created_at, id", kind
        )
    return [(row[0], unsealed(row[1], street.house.settings.secrets)) for row in rows]


def link(text: str) -> str:
    """Where a letter leads to."""
    found = re.search(r"https?://[^/\s]+(/manage/\S+)", text)
    assert found is not None
    return found[1]


async def test_the_right_mailbox_gets_a_link_and_the_wrong_ones_opens_nothing(office: Office) -> None:
    street = office.street
    await office.sign_in("Support")
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    await jobs.drain(street.house, app.LISTENERS)
    [(_, confirmation)] = await letters(street, "booking_confirmed")
    old = link(confirmation)
    page = f"/staff/bookings/{held.reference}"
    for _ in range(2):
        answer = await press(office, f"{page}/contact", email="asha.rao@example.org", phone="+91 98765 00000")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?said=contact")
    told = await office.read(page)
    assert "asha.rao@example.org" in told and "+91 98765 00000" in told and "contact changed, by Chitra Nair" in told
    [(to, text)] = await letters(street, "address_changed")
    assert to == "asha.rao@example.org" and held.reference in text
    [(left, words)] = await letters(street, "address_left")
    assert left == "asha@example.org" and "/manage/" not in words and "Asha" not in words
    async with httpx.AsyncClient(transport=office.browser._transport, base_url=office.browser.base_url) as somebody:
        assert (await somebody.get(old)).status_code == 404
        assert (await somebody.get(link(text))).status_code == 303
        assert (await somebody.get(f"/bookings/{held.reference}")).status_code == 200


async def test_a_key_that_lies_in_a_browser_or_a_program_ends_with_its_address(
    street: Street,
) -> None:
    held = await street.asha_holds()
    secrets = street.house.settings.secrets
    before = bookings.manage_token(secrets[0], held.id)
    assert await reaching.change(
        street.house, held.id, email="asha.rao@example.org", phone="+91 98765 43210", actor="x"
    )
    async with street.db.transaction() as conn:
        with pytest.raises(NotFound):
            await bookings.guest_claims(conn, secrets, held.id, before)
        now = bookings.manage_token(secrets[0], held.id, 1)
        assert await bookings.guest_claims(conn, secrets, held.id, now)


async def test_another_number_or_another_way_to_write_it_turns_no_key(street: Street) -> None:
    held = await street.asha_holds()
    for email, phone in (("asha@example.org", "+91 11111 22222"), ("Asha@example.org", "+91 11111 22222")):
        assert await reaching.change(street.house, held.id, email=email, phone=phone, actor="x")
    assert await street.one("SELECT key_turn FROM bookings WHERE id = $1", held.id) == 0
    assert await letters(street, "address_changed") == []


async def test_to_a_mailbox_that_does_not_exist_no_farewell_is_written(office: Office, post: PostOffice) -> None:
    street = office.street
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    await jobs.drain(street.house, app.LISTENERS)
    await mail.send_due(street.house)
    assert await bounces.file_report(street.db, report(str(post.received[0]["Message-ID"]))) == "recorded"
    await office.sign_in("Manager")
    page = f"/staff/bookings/{held.reference}"
    assert "Another address or number" in await office.read(page)
    await press(office, f"{page}/contact", email="asha.rao@example.org", phone="+91 98765 43210")
    assert await letters(street, "address_left") == []
    assert len(await letters(street, "address_changed")) == 1
    assert "comes back" not in await office.read(page)


async def test_what_cannot_be_an_address_is_shown_again_and_changes_nothing(office: Office) -> None:
    street = office.street
    held = await street.asha_holds()
    await office.sign_in("Manager")
    page = f"/staff/bookings/{held.reference}"
    answer = await press(office, f"{page}/contact", email="asha at home", phone="+91 98765 43210")
    assert (
        answer.status_code == 422
        and "does not look like an e-mail address" in answer.text
        and "asha at home" in answer.text
    )
    assert await street.one("SELECT email FROM bookings WHERE id = $1", held.id) == "asha@example.org"
    assert (await press(office, "/staff/bookings/AAAAAA/contact")).status_code == 404
    with pytest.raises(BadInput, match="phone_invalid"):
        await reaching.change(street.house, held.id, email="asha@example.org", phone="none", actor="x")
    with pytest.raises(NotFound):
        await reaching.change(street.house, uuid7(), email="asha@example.org", phone="+91 98765 43210", actor="x")


async def test_a_guide_reads_the_address_and_changes_none(office: Office) -> None:
    await office.sign_in("Guide")
    held = await office.street.asha_holds()
    assert "Another address" not in await office.read(f"/staff/bookings/{held.reference}")
    assert (await press(office, f"/staff/bookings/{held.reference}/contact")).status_code == 403


async def test_the_database_turns_the_key_whoever_writes_the_address(street: Street) -> None:
    held = await street.asha_holds()
    await street.one("UPDATE bookings SET email = 'mallory@example.org', key_turn = 0 WHERE id = $1", held.id)
    assert await street.one("SELECT key_turn FROM bookings WHERE id = $1", held.id) == 1
    await street.one("UPDATE bookings SET key_turn = 0 WHERE id = $1", held.id)
    assert await street.one("SELECT key_turn FROM bookings WHERE id = $1", held.id) == 1, "it is never turned back"


async def test_who_was_forgotten_is_reached_nowhere_and_their_letters_are_empty(street: Street) -> None:
    held = await street.asha_holds()
    await reaching.change(street.house, held.id, email="asha.rao@example.org", phone="+91 98765 43210", actor="x")
    async with street.db.transaction() as conn:
        await written.forget(conn, held.id)
    assert [text for kind in ("address_changed", "address_left") for _, text in await letters(street, kind)] == ["", ""]
    await street.one("UPDATE bookings SET email = '', name = '' WHERE id = $1", held.id)
    with pytest.raises(Conflict, match="person_forgotten"):
        await reaching.change(street.house, held.id, email="asha@example.org", phone="+91 98765 43210", actor="x")
