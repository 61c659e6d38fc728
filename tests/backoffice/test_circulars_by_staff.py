"""Chitra writes to everybody on a departure: she sees what they get and how many they are, then how far it is."""

from __future__ import annotations

import httpx

from jklg.bookings import circulars
from tests.backoffice.test_concerns import press
from tests.backoffice.test_departures_by_staff import hidden_of
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.bookings.circulars.test_circulars import bounced, party, travels, until_done
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

FORM = {"subject": "Warm clothes", "words": "Bring a <jacket>.\nWe have blankets."}


async def send(office: Office, preview: httpx.Response) -> httpx.Response:
    return await press(office, "/staff/circulars", **hidden_of(preview))


async def test_what_is_shown_is_sent_once_and_its_progress_is_told(office: Office) -> None:
    await office.sign_in("Manager")
    db = office.street.db
    departure_id = await party(db, 3)
    await bounced(db, "back@example.org")
    await travels(db, departure_id, "Back")
    assert "Write to everybody on it" in await office.read(f"/staff/departures/{departure_id}")
    text = await office.read(f"/staff/circulars/new?departure={departure_id}")
    assert "3 mailboxes with confirmed bookings" in text and "Mail to some of them comes back" in text
    preview = await press(office, "/staff/circulars", departure=str(departure_id), **FORM)
    assert (
        preview.status_code == 200
        and "Bring a &lt;jacket&gt;." in preview.text
        and "Send it to 3 mailboxes" in preview.text
    )
    answers = [await send(office, preview) for _ in range(2)]
    assert {each.headers["location"] for each in answers} == {answers[0].headers["location"]}
    path = answers[0].headers["location"]
    assert "0 of 3 letters sent" in await office.read(path)
    assert (await press(office, f"{path}/pause")).headers["location"] == path
    await until_done(office.street.house)
    assert "Paused" in await office.read(path)
    await press(office, f"{path}/resume")
    await until_done(office.street.house)
    text = await office.read(path)
    assert "Done" in text and "by" in text.lower() and "Chitra Nair" in text
    assert (await press(office, f"{path}/stop")).status_code == 409
    assert "Warm clothes" in await office.read("/staff/circulars")
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM mail_outbox WHERE kind = 'circular'") == 3


async def test_somebody_books_between_the_preview_and_the_button(office: Office) -> None:
    await office.sign_in("Admin")
    departure_id = await party(office.street.db, 1)
    preview = await press(office, "/staff/circulars", departure=str(departure_id), **FORM)
    await travels(office.street.db, departure_id, "Ben")
    answer = await send(office, preview)
    assert (
        answer.status_code == 409
        and "Somebody has booked or left meanwhile." in answer.text
        and "2 mailboxes" in answer.text
    )
    assert await circulars.send(office.street.house) == 0


async def test_a_package_without_travellers_and_words_that_are_missing(office: Office) -> None:
    await office.sign_in("Manager")
    db = office.street.db
    departure_id = await party(db, 1)
    async with db.connection() as conn:
        slug = await conn.fetchval(
            "SELECT p.slug FROM packages p JOIN departures d ON d.package_id = p.id WHERE d.id = $1", departure_id
        )
    answer = await press(office, "/staff/circulars", package=slug, subject="", words="x")
    assert answer.status_code == 422 and "Please give a subject" in answer.text
    answer = await press(office, "/staff/circulars", package=slug, sure="1", once=departure_id.hex, **FORM)
    assert answer.status_code == 422 and "Please look at whom it goes to first" in answer.text
    for nowhere in ("departure=x", "package=atlantis", "departure=019aa000-0000-7000-8000-000000000001", ""):
        assert (await office.browser.get(f"/staff/circulars/new?{nowhere}")).status_code == 404
    assert (await office.browser.get("/staff/circulars/019aa000-0000-7000-8000-000000000001")).status_code == 404


async def test_support_and_guides_do_not_write_to_many(office: Office) -> None:
    await office.sign_in("Support")
    for path in ("/staff/circulars", "/staff/circulars/new?package=x"):
        assert (await office.browser.get(path)).status_code == 403
    assert (await press(office, "/staff/circulars", **FORM)).status_code == 403
