"""/dev/mail/templates: every letter there is can be looked at before anybody gets one."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from jklg import departures
from jklg.bookings import circulars
from jklg.bookings.circulars import Audience, Message
from jklg.kit.ids import uuid7
from jklg.site import letters
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import TERMS


async def test_every_letter_of_the_house_is_shown(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/dev/mail/templates")).text
    assert len(letters.names()) > 15
    for name in letters.names():
        assert f'href="/dev/mail/templates/{name}"' in listed
        one = await client.get(f"/dev/mail/templates/{name}")
        assert one.status_code == 200 and f'src="/dev/mail/templates/{name}/html"' in one.text
        alone = await client.get(f"/dev/mail/templates/{name}/html")
        assert "sandbox" in alone.headers["content-security-policy"] and "JKLG" in alone.text


async def test_they_speak_of_the_newest_booking(street: Street) -> None:
    shown = {each.name: each for each in await letters.show(street.db, street.house.settings)}
    assert "Gurez by foot" in shown["booking_confirmed"].text
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    shown = {each.name: each for each in await letters.show(street.db, street.house.settings)}
    assert held.reference in shown["booking_confirmed"].text and "Kashmir Bliss" in shown["balance_due"].text
    assert "INR 9,999.60" in shown["payment_receipt"].subject
    assert [each.real for each in (shown["booking_confirmed"], shown["balance_due"], shown["refund_sent"])] == [
        True,
        True,
        False,
    ]


async def test_each_is_about_the_row_that_it_would_be_about_not_about_whatever_booking_is_newest(
    street: Street,
) -> None:
    """What was sent back, given up, moved, told to many: of the booking it happened to, though somebody else has booked since."""
    held = await street.asha_holds(party={"adult": 2})
    payment = await street.asha_pays(held.id)
    booking = await street.booking(held.id)
    await departures.move(
        street.db, booking.departure_id, move_id=uuid7(), before=(booking.starts_on, booking.ends_on),
        starts_on=booking.starts_on + timedelta(days=7), ends_on=booking.ends_on + timedelta(days=7), words="A landslide.", actor="staff:x",
    )  # fmt: skip
    audience = Audience(departure_id=booking.departure_id)
    await circulars.begin(
        street.db, uuid7(), audience, Message(subject="Boots", words="Bring boots."), expected=1, actor="staff:x"
    )
    async with street.db.transaction() as conn:
        await conn.execute(
            """
            INSERT INTO refunds (id, transaction_id, amount, currency, state, origin, request_key, source_account)
            VALUES (gen_random_uuid(), $1, 12345, 'INR', 'succeeded', 'staff', 'x', 'customer_deposits')
            """,
            payment,
        )
    await street.later(minutes=1)
    bens = await street.asha_holds(name="Ben Okoye", email="ben@example.org")
    shown = {each.name: each for each in await letters.show(street.db, street.house.settings)}
    for name, words in {
        "refund_sent": "INR 123.45",
        "departure_moved": "A landslide.",
        "circular": "Bring boots.",
        "payment_receipt": "Asha Rao",
    }.items():
        one = shown[name]
        assert one.real and words in one.text and held.reference in one.text and bens.reference not in one.text, (
            one.text
        )
    assert not shown["booking_given_up"].real and not shown["review_wanted"].real


async def test_whoever_is_forgotten_is_in_no_preview(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    async with street.db.transaction() as conn:
        await conn.execute("UPDATE bookings SET name = '', email = '', phone = '' WHERE id = $1", held.id)
    for each in await letters.show(street.db, street.house.settings):
        assert held.reference not in each.text and not each.real, each.name


@pytest.mark.parametrize("path", ["/dev/mail/templates/nothing", "/dev/mail/templates/nothing/html"])
async def test_what_is_no_letter_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_every_letter_stands_alone_as_text(street: Street) -> None:
    """The text part has no markup, no line a narrow screen would break badly, and every link that the HTML has."""
    for each in await letters.show(street.db, street.house.settings):
        assert "<" not in each.text and "&amp;" not in each.text, each.name
        assert max(len(line) for line in each.text.splitlines() if "http" not in line) <= 120, each.name
        for link in {part.partition('"')[0] for part in each.html.split('<a href="')[1:]}:
            assert link in each.text, (each.name, link)
