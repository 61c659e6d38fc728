"""What the letters say, as text and as HTML: the amount, the reference, the day where the trip happens, the link."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html import unescape
from types import SimpleNamespace

import pytest

from jklg import app, bookings, jobs, payments
from jklg.mail import actions, render
from jklg.payments import balances
from jklg.payments import jobs as payment_jobs
from jklg.settings import Settings
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)


def as_text(html: str) -> str:
    body = html.partition("<body")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


async def test_a_sale_brings_a_confirmation_and_a_receipt_once_each(street: Street) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    for _ in range(2):
        await payments.settle(street.house, started.transaction.id, source="return")
        await jobs.drain(street.house, app.LISTENERS)
    settings = street.house.settings
    letters = {letter.kind: actions.opened(settings, letter) for letter in await actions.latest(street.db)}
    assert sorted(letters) == ["booking_confirmed", "payment_receipt"]
    link = bookings.manage_link(settings.public_url, held.reference, bookings.manage_token(settings.secret, held.id))
    for letter in letters.values():
        assert held.reference in letter.subject
        for side in (letter.text_body, as_text(letter.html_body)):
            assert "INR 49,998.00" in side and "Asha Rao" in side and "Kashmir Bliss" in side
        assert link in letter.text_body and f'href="{link}"' in letter.html_body
        assert letter.html_body.count('class="button"') == 1, "one button"
    assert str(started.transaction.id) in letters["payment_receipt"].text_body


def late(reason: str, name: str = "Asha Rao") -> tuple[str, str, str]:
    booking = SimpleNamespace(
        name=name,
        reference="K7M2QX",
        package_name="Gurez by foot",
        starts_on=datetime(2027, 5, 12, tzinfo=UTC).date(),
        time_zone="Asia/Kolkata",
    )
    context = {
        "booking": booking,
        "transaction": SimpleNamespace(currency="JPY"),
        "amount": 49_998,
        "reason": reason,
        "manage_url": "https://agency.example/manage/K7M2QX/x",
    }
    return render(payment_jobs.ROOM, "late_money_refunded", Settings(), context)


REASONS = {
    "seats_gone": "We are sorry: you are not booked on this departure.",
    "paid_twice": "was paid twice. It stays confirmed; you owe us nothing.",
    "overpaid": "than was still due. Your booking stays as it is",
    "booking_cancelled": "after it had been cancelled.",
}


@pytest.mark.parametrize("reason", REASONS)
def test_late_money_is_explained_and_returned_in_full(reason: str) -> None:
    subject, text, html = late(reason)
    assert subject == "Your money is on its way back: JPY 49,998 (K7M2QX)"
    for side in (" ".join(text.split()), as_text(html)):
        assert "We have sent the whole amount back, JPY 49,998" in side.replace(" ,", ",")
        assert [each for each, sentence in REASONS.items() if sentence in side] == [reason]


def test_a_name_is_text_in_the_html_and_itself_in_the_text() -> None:
    name = 'Asha <a href="https://evil.example">click</a> & {{ 7 * 7 }}'
    _, text, html = late("seats_gone", name)
    assert name in text and name in as_text(html)
    assert '<a href="https://evil.example"' not in html


def test_the_day_of_a_receipt_is_that_of_the_trips_place() -> None:
    """Twenty to midnight in London is tomorrow in Srinagar."""
    booking = SimpleNamespace(
        name="Asha",
        reference="K7M2QX",
        package_name="P",
        starts_on=datetime(2027, 5, 12, tzinfo=UTC).date(),
        time_zone="Asia/Kolkata",
    )
    transaction = SimpleNamespace(
        id="t",
        currency="INR",
        gateway="stripe",
        payment_method=None,
        completed_at=datetime(2026, 11, 22, 23, 40, tzinfo=UTC),
    )
    _, text, html = render(
        payment_jobs.ROOM,
        "payment_receipt",
        Settings(),
        {"booking": booking, "transaction": transaction, "amount": 1, "manage_url": "https://x"},
    )
    assert "Monday 23 November 2026" in text and "Monday 23 November 2026" in html


def test_a_letter_wears_the_agencys_colours() -> None:
    """By day behind white words, by night a shade that dark words are read on."""
    booking = SimpleNamespace(
        name="Asha", reference="K7M2QX", package_name="P", starts_on=date(2027, 5, 12), balance_due_on=date(2027, 4, 12), currency="INR"
    )  # fmt: skip
    context = {"booking": booking, "due": 1, "missed": False, "manage_url": "https://x"}
    _, _, usual = render(balances.actions.ROOM, "balance_due", Settings(), context)
    _, _, theirs = render(balances.actions.ROOM, "balance_due", Settings(accent="#8a1c5b"), context)
    assert "#1f5c4a" in usual and "#7cc8ad" in usual
    assert "#8a1c5b" in theirs and "#1f5c4a" not in theirs and "#7cc8ad" not in theirs
