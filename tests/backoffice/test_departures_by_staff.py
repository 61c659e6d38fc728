"""Chitra moves a departure: she sees whom it concerns before she does it, and they all read of it, once, each in their language."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import app, departures, jobs, payments
from jklg.bookings import reminding
from jklg.kit.ids import uuid7
from jklg.mail import actions as mails
from tests.backoffice.test_concerns import press
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_letters import money_that_is_not_the_bookings
from tests.trade import TERMS, add_departure, hold


async def days_of(office: Office, departure_id: UUID) -> tuple[date, date]:
    async with office.street.db.connection() as conn:
        return tuple(await conn.fetchrow("SELECT starts_on, ends_on FROM departures WHERE id = $1", departure_id))


async def ask(office: Office, departure_id: UUID, days: int, **more: str) -> httpx.Response:
    """The form as it is sent for the preview: so many days later."""
    first, last = await days_of(office, departure_id)
    shift = timedelta(days=days)
    form = {"starts_on": f"{first + shift}", "ends_on": f"{last + shift}", **more}
    return await press(office, f"/staff/departures/{departure_id}/move", **form)


def hidden_of(preview: httpx.Response) -> dict[str, str]:
    """What the form of the button below a preview would send."""
    form = preview.text.partition('id="sure"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


async def sure(office: Office, departure_id: UUID, preview: httpx.Response) -> httpx.Response:
    """The button below the preview."""
    return await press(office, f"/staff/departures/{departure_id}/move", **hidden_of(preview))


async def letters(office: Office, kind: str = "departure_moved") -> list[Any]:
    await jobs.drain(office.street.house, app.LISTENERS)
    found = [each for each in await mails.latest(office.street.db) if each.kind == kind]
    return sorted(found, key=lambda each: each.to_name)


async def test_whoever_has_seats_is_counted_then_written_to_once_in_their_language(office: Office) -> None:
    await office.sign_in("Manager")
    departure_id = await add_departure(office.street.db, seats=20)
    asha = await hold(office.street.db, departure_id)
    await office.street.asha_pays(asha.id)
    await hold(office.street.db, departure_id, name="Leila", email="leila@example.org", locale="ar")
    gone = await hold(office.street.db, departure_id, name="Mallory", email="mallory@example.org")
    async with office.street.db.transaction() as conn:
        await conn.execute("UPDATE bookings SET status = 'cancelled', ended_at = house_now() WHERE id = $1", gone.id)
    preview = await ask(office, departure_id, 7, words="The road is closed.\nAsk us <anything>.")
    assert preview.status_code == 200 and "2 bookings are concerned" in preview.text, preview.text
    assert asha.reference in preview.text and gone.reference not in preview.text
    assert "&lt;anything&gt;" in preview.text
    before = await days_of(office, departure_id)
    done = await sure(office, departure_id, preview)
    assert done.headers["location"].endswith("?said=moved"), done.text
    assert (await days_of(office, departure_id))[0] == before[0] + timedelta(days=7)
    assert (await sure(office, departure_id, preview)).status_code == 303, "pressed again"
    hers, leilas = await letters(office)
    assert (hers.to_address, leilas.to_address) == ("asha@example.org", "leila@example.org")
    assert asha.reference in hers.subject and "Ask us <anything>." in hers.text_body
    assert "Ask us &lt;anything&gt;." in hers.html_body and 'dir="rtl"' in leilas.html_body
    assert str(before[0].year) in hers.text_body and f"{before[0].day} {before[0]:%B}" in hers.text_body
    text = await office.read(f"/staff/departures/{departure_id}?said=moved")
    assert "Moved. Everybody with seats on it is written to." in text and "by Chitra Nair" in text


async def test_whose_letter_cannot_be_written_holds_up_nobody_elses(street: Street) -> None:
    departure_id = await add_departure(street.db, seats=20)
    hers = [await hold(street.db, departure_id) for _ in range(3)]
    spoilt = sorted(hers, key=lambda held: held.id)[0]
    await street.one(
        f"ALTER TABLE mail_outbox ADD CONSTRAINT spoilt CHECK (once_key NOT LIKE '%:{spoilt.id}:%') NOT VALID"
    )
    async with street.db.connection() as conn:
        first, last = await conn.fetchrow("SELECT starts_on, ends_on FROM departures WHERE id = $1", departure_id)
    week, move_id = timedelta(days=7), uuid7()
    await departures.move(
        street.db, departure_id, move_id=move_id, before=(first, last), starts_on=first + week, ends_on=last + week, words="",
        actor=f"staff:{uuid7()}",
    )  # fmt: skip
    with pytest.raises(ExceptionGroup) as told:
        await jobs.drain(street.house, app.LISTENERS)
    assert [type(error) for error in told.value.exceptions] == [asyncpg.CheckViolationError], "it is tried again"
    written = await street.one("SELECT array_agg(once_key) FROM mail_outbox WHERE kind = 'departure_moved'")
    assert set(written) == {f"departure_moved:{held.id}:{move_id}" for held in hers if held is not spoilt}


async def test_whoever_books_afterwards_is_told_nothing(office: Office) -> None:
    await office.sign_in("Manager")
    departure_id = await add_departure(office.street.db)
    await sure(office, departure_id, await ask(office, departure_id, 7))
    await office.street.later(seconds=5)
    await hold(office.street.db, departure_id)
    assert await letters(office) == []


async def test_what_changed_between_the_preview_and_the_button_is_told_and_nothing_is_done(office: Office) -> None:
    await office.sign_in("Manager")
    departure_id = await add_departure(office.street.db)
    hers, his = await ask(office, departure_id, 7), await ask(office, departure_id, 14)
    await sure(office, departure_id, hers)
    answer = await sure(office, departure_id, his)
    assert answer.status_code == 409 and "Somebody has moved this departure meanwhile." in answer.text


async def test_balances_that_would_be_due_on_the_way_are_named(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds_under_terms(TERMS)
    await office.street.asha_pays(held.id, held.total_price // 5 + 1)
    departure_id = (await office.street.booking(held.id)).departure_id
    assert "Balances would be due" not in (await ask(office, departure_id, -20)).text
    answer = await ask(office, departure_id, -60)
    assert "Balances would be due when the journey has begun" in answer.text and held.reference in answer.text


async def test_whose_balance_is_open_is_named_though_money_that_is_not_the_bookings_says_paid(office: Office) -> None:
    street = office.street
    held = await street.asha_holds_under_terms(TERMS)
    full = (await street.start(held.id, held.total_price)).transaction
    await payments.cancel_attempt(street.house, full.id, actor="guest")
    await street.asha_pays(held.id, held.deposit_amount)
    await money_that_is_not_the_bookings(street, held, full)
    await office.sign_in("Manager")
    answer = await ask(office, (await street.booking(held.id)).departure_id, -60)
    assert "Balances would be due when the journey has begun" in answer.text and held.reference in answer.text


async def test_only_leaders_move_and_everybody_sees(office: Office) -> None:
    await office.sign_in("Guide")
    departure_id = await add_departure(office.street.db)
    assert "Move it to other days" not in await office.read(f"/staff/departures/{departure_id}")
    answer = await ask(office, departure_id, 7, sure="1")
    assert answer.status_code == 403, answer.text


async def test_wrong_days_are_told_beside_their_field(office: Office) -> None:
    await office.sign_in("Manager")
    departure_id = await add_departure(office.street.db)
    for form, says in (
        ({"starts_on": "2027-02-30"}, "Please give a day such as 2027-05-14."),
        ({"starts_on": "2020-01-01"}, "Please give a first day that is still to come"),
        ({"ends_on": "2020-01-01"}, "Please give a last day that is not before the first"),
        ({"words": "x" * 1001}, "Please write up to 1,000 characters."),
    ):
        answer = await ask(office, departure_id, 7, **form)
        assert answer.status_code == 422 and says in answer.text and 'id="sure"' not in answer.text, says


async def test_the_list_has_what_is_still_to_come_by_package(office: Office) -> None:
    await office.sign_in("Support")
    booked, empty = await add_departure(office.street.db), await add_departure(office.street.db)
    held = await hold(office.street.db, booked)
    async with office.street.db.connection() as conn:
        slug = await conn.fetchval(
            "SELECT p.slug FROM packages p JOIN departures d ON d.package_id = p.id WHERE d.id = $1", empty
        )
    all_of_them = (await office.browser.get("/staff/departures")).text
    assert str(booked) in all_of_them and str(empty) in all_of_them
    only = (await office.browser.get("/staff/departures?booked=1")).text
    assert str(booked) in only and str(empty) not in only
    hers = (await office.browser.get(f"/staff/departures?package={slug}")).text
    assert str(empty) in hers and str(booked) not in hers
    assert f"/staff/departures/{booked}" in (await office.browser.get(f"/staff/bookings/{held.reference}")).text
    assert (await office.browser.get("/staff/departures/019aa000-0000-7000-8000-000000000001")).status_code == 404


async def test_a_journey_that_was_moved_is_reminded_of_again_and_its_calendar_entry_grows(office: Office) -> None:
    """The reminder went out for days that are no more; a calendar keeps an entry whose SEQUENCE has not grown."""
    departure_id = await add_departure(
        office.street.db, starts_on=(office.street.clock.now() + timedelta(days=6)).date()
    )
    held = await hold(office.street.db, departure_id)
    await office.street.asha_pays(held.id)
    await office.street.later(days=2)
    await office.sign_in("Manager")
    assert await reminding.remind_of_departures(office.street.house) == 1
    before = await office.browser.get(f"/staff/bookings/{held.reference}/documents/journey.ics")
    await sure(office, departure_id, await ask(office, departure_id, 60))
    assert await reminding.remind_of_departures(office.street.house) == 0
    after = await office.browser.get(f"/staff/bookings/{held.reference}/documents/journey.ics")
    grown = [int(re.findall(r"SEQUENCE:(\d+)", each.text)[0]) for each in (before, after)]
    assert grown[0] < grown[1]
    await office.street.later(days=58)
    assert await reminding.remind_of_departures(office.street.house) == 1
    assert await reminding.remind_of_departures(office.street.house) == 0
    assert len(await letters(office, "departure_near")) == 2
