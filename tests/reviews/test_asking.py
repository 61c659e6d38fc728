"""Asha has been home for three days: she is asked once how it was, and one press leads to the form, or stops such letters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from jklg import bookings, mail, reviews
from jklg.app import LISTENERS, House
from jklg.kit.db import Database
from jklg.mail import actions, bounces
from jklg.mail.queries import Mail
from jklg.reviews import asking
from tests.reviews.test_reviews import SAID, travelled
from tests.trade import hold


async def home(db: Database, days: int = 3, **changes: Any) -> bookings.Booking:
    """Her booking; the last day was so many days ago."""
    booking = await travelled(db, **changes)
    async with db.transaction() as conn:
        today: date = await conn.fetchval("SELECT (house_now() AT TIME ZONE 'Asia/Kolkata')::date")
        last = today - timedelta(days=days)
        await conn.execute(
            "UPDATE departures SET starts_on = $2, ends_on = $3 WHERE id = $1",
            booking.departure_id,
            last - timedelta(days=5),
            last,
        )
        found = await bookings.get(conn, booking.id)
    assert found is not None
    return found


async def letters(db: Database) -> list[Mail]:
    return [each for each in await actions.latest(db) if each.kind == "review_wanted"]


async def test_she_is_asked_once_and_the_link_leads_to_the_form(
    house: House, db: Database, client: httpx.AsyncClient
) -> None:
    booking = await home(db)
    assert [await asking.ask(house) for _ in range(3)] == [1, 0, 0]
    (letter,) = await letters(db)
    assert letter.to_address == "asha@example.org" and "Kashmir Bliss" in letter.subject
    link = re.findall(r"(\S+)\?to=review", actions.opened(house.settings, letter).text_body)[0]
    assert link == bookings.manage_link(
        house.settings.public_url, booking.reference, bookings.manage_token(house.settings.secret, booking.id)
    )
    answer = await client.get(f"{link.removeprefix(house.settings.public_url)}?to=review")
    assert answer.headers["location"] == f"/bookings/{booking.reference}/review"


async def test_who_was_asked_does_not_stand_before_who_was_not(house: House, db: Database) -> None:
    for _ in range(2):
        await home(db)
    assert [await asking.ask(house, limit=1) for _ in range(3)] == [1, 1, 0]


@pytest.mark.parametrize(("days", "asked"), [(2, 0), (3, 1), (29, 1), (30, 0)])
async def test_not_on_the_day_she_comes_home_and_not_a_season_later(
    house: House, db: Database, days: int, asked: int
) -> None:
    await home(db, days)
    assert await asking.ask(house) == asked


async def speaks(db: Database, booking: bookings.Booking) -> None:
    await reviews.write(db, booking, SAID, actor="guest")


async def moves_out(db: Database, booking: bookings.Booking) -> None:
    async with db.transaction() as conn:
        letter = mail.Letter(
            kind="x", once_key="x", to_address=booking.email, to_name="A", subject="s", text="t", html="h"
        )
        await mail.write(conn, [letter])
        await bounces.refused(conn, await conn.fetchval("SELECT id FROM mail_outbox"), [(550, "5.1.1 no such user")])


async def gets_it_all_back(db: Database, booking: bookings.Booking) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET payment_status = 'Refunded' WHERE id = $1", booking.id)


async def leaves(db: Database, booking: bookings.Booking) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET email = '' WHERE id = $1", booking.id)


@pytest.mark.parametrize("what_happens", [speaks, moves_out, gets_it_all_back, leaves])
async def test_whoever_has_spoken_or_cannot_be_asked_is_not(
    house: House, db: Database, what_happens: Callable[..., Any]
) -> None:
    await what_happens(db, await home(db))
    assert await asking.ask(house) == 0


async def test_whoever_did_not_travel_is_not_asked(house: House, db: Database) -> None:
    booking = await home(db, status="confirmed")
    await hold(db, booking.departure_id)
    assert await asking.ask(house) == 0
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET status = 'cancelled', ended_at = house_now() WHERE id = $1", booking.id)
    assert await asking.ask(house) == 0


async def test_she_stops_such_letters_and_still_hears_of_her_journeys(
    house: House, db: Database, client: httpx.AsyncClient
) -> None:
    await home(db)
    await asking.ask(house)
    (letter,) = await letters(db)
    link = re.findall(r"https?://\S+/mail/stop/\S+", letter.text_body)[0].removeprefix(house.settings.public_url)
    assert link in letter.html_body
    opened = await client.get(link)
    assert opened.status_code == 200 and f'action="{link}"' in opened.text
    later = await home(db)
    assert await asking.ask(house) == 1, "opening the link is not pressing: mail scanners open links"
    for _ in range(2):
        assert (await client.post(link, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    await home(db)
    assert await asking.ask(house) == 0
    async with db.transaction() as conn:
        assert await bookings.write_letter(
            conn, house.settings, bookings.jobs.ROOM, "booking_confirmed", later.id, later, {"travellers": [], "paid": 0, "due": 0}
        )  # fmt: skip


@pytest.mark.parametrize(
    "spoil", [lambda link: link[:-3] + "abc", lambda link: re.sub("stop/........", "stop/00000000", link)]
)
async def test_mallory_stops_nobody_elses(
    house: House, db: Database, client: httpx.AsyncClient, spoil: Callable[[str], str]
) -> None:
    await home(db)
    await asking.ask(house)
    link = re.findall(r"https?://\S+/mail/stop/\S+", (await letters(db))[0].text_body)[0].removeprefix(
        house.settings.public_url
    )
    for ask in (client.get, client.post):
        assert (await ask(spoil(link))).status_code == 404
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM mail_stops") == 0


async def test_mail_programs_find_the_way_to_stop_in_the_head(house: House, db: Database) -> None:
    await home(db)
    await asking.ask(house)
    (letter,) = await letters(db)
    message = actions.compose(house.settings, letter, house.clock)
    assert (
        re.fullmatch(r"<http\S+/mail/stop/\S+>", message["List-Unsubscribe"])
        and message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    )
    async with db.transaction() as conn:
        letter = mail.Letter(
            kind="x", once_key="x", to_address="a@example.org", to_name="A", subject="s", text="t", html="h"
        )
        await mail.write(conn, [letter])
    (other,) = [each for each in await actions.latest(db) if each.kind == "x"]
    assert "List-Unsubscribe" not in actions.compose(house.settings, other, house.clock)


async def test_the_letter_goes_with_her_booking_and_her_wish_with_her_mailbox(house: House, db: Database) -> None:
    booking = await home(db)
    await asking.ask(house)
    async with db.transaction() as conn:
        await conn.execute("INSERT INTO mail_stops (mailbox) VALUES ('asha@example.org')")
    for listener in LISTENERS["booking.erased"]:
        await listener(house, {"booking_id": str(booking.id)})
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT to_address FROM mail_outbox WHERE kind = 'review_wanted'") == ""
        await mail.forget_address(conn, "Asha@example.org")
        assert await conn.fetchval("SELECT count(*) FROM mail_stops") == 0
