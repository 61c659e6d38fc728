"""Chitra gives up a booking, or some of its people, for a customer: what she saw is what happens, once."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from jklg import bookings
from jklg.bookings import Held
from jklg.kit.ids import uuid7
from tests.backoffice.test_concerns import press
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.consents.test_cards_by_consent import Counter, counter  # noqa: F401  (a fixture)
from tests.payments.test_letters import letters
from tests.trade import ADULT, CHILD, TERMS

TIERS = {"tiers": TERMS["tiers"]}
FAMILY: dict[str, Any] = {"party": {"adult": 2, "child": 1}}


async def sold(office: Office, terms: dict[str, Any], **changes: Any) -> Held:
    """Asha has paid all of it."""
    await office.sign_in("Manager")
    held = await office.street.asha_holds_under_terms(terms, **changes)
    await office.street.asha_pays(held.id, held.total_price)
    return held


async def preview(office: Office, held: Held, query: str = "") -> tuple[str, dict[str, str]]:
    """What the page says, and what its form would send."""
    answer = await office.browser.get(f"/staff/bookings/{held.reference}/give-up?{query}")
    assert answer.status_code == 200, answer.text
    form = answer.text.partition('method="post" action="/staff/bookings/')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).replace("\u202f", " ").split()), hidden


async def test_a_child_stays_at_home_and_what_was_shown_is_what_comes_back(office: Office) -> None:
    held = await sold(office, TIERS, in_days=45, **FAMILY)
    assert "Who does not travel" in await office.read(f"/staff/bookings/{held.reference}/money")
    text, form = await preview(office, held, "adult=0&child=1")
    assert "1 child" in text and "50 %" in text and "₹ 8,749.50 goes back" in text, text
    done = await press(office, f"/staff/bookings/{held.reference}/give-up", reason="ill", **form)
    assert done.headers["location"].endswith("said=completed"), done.text
    booking = await office.street.booking(held.id)
    assert (booking.status, booking.cancelled_party) == ("confirmed", {"child": 1})
    assert await office.street.one("SELECT sum(refund_amount) FROM transactions") == CHILD // 2
    told = await office.street.one(
        "SELECT row(kept, refund, percent, reason, cancelled_by LIKE 'staff:%')::text FROM booking_cancellations"
    )
    assert told == f"({CHILD // 2},{CHILD // 2},50,ill,t)"


async def test_without_tiers_the_price_of_those_who_leave_comes_back_unless_she_keeps_some(office: Office) -> None:
    """Such a booking could only be given up altogether, and the page said that nothing comes back 'by its terms'."""
    held = await sold(office, {}, **FAMILY)
    text, form = await preview(office, held, "child=1")
    assert "₹ 17,499 goes back" in text and "You decide" in text
    await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    assert await office.street.one("SELECT sum(refund_amount) FROM transactions") == CHILD
    text, form = await preview(office, held, "adult=1&kept=4,999")
    assert "₹ 20,000 goes back" in text
    await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    booking = await office.street.booking(held.id)
    assert booking.cancelled_party == {"child": 1, "adult": 1} and booking.price == ADULT + 499_900
    assert await office.street.one("SELECT array_agg(percent) FROM booking_cancellations") == [None, None]


async def test_above_the_limit_a_second_person_agrees_to_what_no_terms_have_promised(office: Office) -> None:
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 100),))
    held = await sold(office, {})
    _, form = await preview(office, held)
    done = await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    assert done.headers["location"].endswith("said=waiting")
    assert await office.street.one("SELECT count(*) FROM refunds") == 0
    promised = await office.street.asha_holds_under_terms(TIERS)
    await office.street.asha_pays(promised.id)
    _, form = await preview(office, promised)
    done = await press(office, f"/staff/bookings/{promised.reference}/give-up", **form)
    assert done.headers["location"].endswith("said=completed"), "her terms have promised it"


async def test_named_travellers_are_those_who_do_not_go(office: Office) -> None:
    held = await sold(office, TIERS)
    people = {
        name: await office.street.one(
            "INSERT INTO travellers (id, booking_id, position, name, category, is_lead) VALUES (gen_random_uuid(), $1, $2, $3, 'adult', false) RETURNING id",
            held.id, position, name,
        )
        for position, name in enumerate(("Asha Rao", "Ben Okoye"), 1)
    }  # fmt: skip
    text, form = await preview(office, held, "adult=1")
    assert "Ben Okoye" in text
    path = f"/staff/bookings/{held.reference}/give-up"
    nobody = await press(office, path, **form)
    assert nobody.status_code == 422 and "Please say which adults do not travel." in nobody.text
    assert (await office.street.booking(held.id)).cancelled_party == {}
    await press(office, path, **{**form, f"traveller.{people['Ben Okoye']}": "1"})
    gone = await office.street.one("SELECT array_agg(name) FROM travellers WHERE cancelled_at IS NOT NULL")
    assert gone == ["Ben Okoye"]


async def test_pressed_three_times_one_person_leaves(office: Office) -> None:
    held = await sold(office, TIERS, party={"adult": 4})
    _, form = await preview(office, held, "adult=1")
    path = f"/staff/bookings/{held.reference}/give-up"
    answers = await asyncio.gather(*(press(office, path, **form) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [303, 409, 409]
    assert (await office.street.booking(held.id)).cancelled_party == {"adult": 1}
    assert await office.street.one("SELECT sum(refund_amount) FROM transactions") == ADULT


@pytest.mark.parametrize("query", ["adult=3", "child=1", "adult=1&kept=99999", "kept=x", "kept=-5"])
async def test_what_cannot_be_is_told_before_anything_happens(office: Office, query: str) -> None:
    held = await sold(office, TIERS)
    answer = await office.browser.get(f"/staff/bookings/{held.reference}/give-up?{query}")
    assert answer.status_code == 422 and "Nothing was changed" in answer.text
    assert 'name="refund"' not in answer.text, "there is nothing to press but the question again"


async def test_nothing_is_given_up_that_was_not_shown(office: Office) -> None:
    held = await sold(office, TIERS)
    path = f"/staff/bookings/{held.reference}/give-up"
    _, form = await preview(office, held)
    for wrong in ({}, {**form, "refund": "1"}, {**form, "refund": "x"}, {**form, "before": "1"}):
        answer = await press(office, path, **wrong)
        assert answer.status_code in (409, 422), wrong
    assert (await office.street.booking(held.id)).status == "confirmed"
    assert (await press(office, path, **form)).status_code == 303
    assert (await office.street.booking(held.id)).status == "cancelled"
    assert (await office.browser.get(path)).headers["location"] == f"/staff/bookings/{held.reference}/money"


@pytest.mark.parametrize("role", ["Guide", "Support"])
async def test_who_may_not_change_payments_gives_nothing_up(office: Office, role: str) -> None:
    held = await office.street.asha_holds_under_terms(TIERS)
    await office.street.asha_pays(held.id)
    path = f"/staff/bookings/{held.reference}/give-up"
    assert (await office.browser.get(path)).headers["location"].startswith("/staff/sign-in")
    await office.sign_in(role)
    assert (await office.browser.get(path)).status_code == 403
    assert (await press(office, path, refund="0", before="0")).status_code == 403


async def test_who_moves_the_departure_makes_no_promise_that_she_may_keep_alone(office: Office) -> None:
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 100),))
    held = await sold(office, TIERS, in_days=5)
    departure, starts, ends = await office.street.one(
        "SELECT (d.id, d.starts_on, d.ends_on) FROM bookings b JOIN departures d ON d.id = departure_id WHERE b.id = $1", held.id
    )  # fmt: skip
    await preview(office, held)
    far = timedelta(days=90)
    days = {"old_starts_on": starts, "old_ends_on": ends, "starts_on": starts + far, "ends_on": ends + far}
    door = f"/staff/departures/{departure}/move"
    await press(office, door, once=str(uuid7()), sure="1", words="", **{name: str(day) for name, day in days.items()})
    _, form = await preview(office, held)
    done = await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    assert done.headers["location"].endswith("said=waiting")
    assert await office.street.one("SELECT sum(refund_amount)::bigint FROM transactions") == 0


async def test_chitra_stops_the_card_that_asha_let_us_charge(counter: Counter, office: Office) -> None:
    held = await counter.deposit()
    await office.sign_in("Manager")
    money = f"/staff/bookings/{held.reference}/money"
    assert "Visa ending 4242" in await office.read(money) and "Do not charge this card" in await office.read(money)
    for _ in range(2):
        answer = await press(office, f"/staff/bookings/{held.reference}/card/stop")
        assert answer.headers["location"] == f"{money}?said=card_stopped"
    assert (await counter.consent(held.id)).ended_why == "stopped"
    assert "Visa" not in await office.read(money)
    assert (
        await office.street.one("SELECT count(*) FROM history WHERE action = 'consent.ended' AND actor LIKE 'staff:%'")
        == 1
    )
    await counter.days(70)
    assert await counter.charges() == []


@pytest.mark.parametrize("role", ["Guide", "Support"])
async def test_who_may_not_change_payments_stops_no_card(counter: Counter, office: Office, role: str) -> None:
    held = await counter.deposit()
    await office.sign_in(role)
    assert (await press(office, f"/staff/bookings/{held.reference}/card/stop")).status_code == 403
    assert (await counter.consent(held.id)).ended_at is None


async def hers(office: Office, held: Held) -> str:
    """The page of her booking, as she sees it."""
    token = bookings.manage_token(office.street.house.settings.secret, held.id)
    page = await office.browser.get(f"/manage/{held.reference}/{token}", follow_redirects=True)
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


async def told(office: Office) -> str:
    found = await letters(office.street)
    return next(text for key, text in found.items() if key.startswith("booking_given_up:"))


async def test_she_is_not_told_that_she_gave_up_what_we_cancelled(office: Office) -> None:
    """Her page said 'You gave it up', and her mail 'as was asked for'."""
    held = await sold(office, TIERS)
    _, form = await preview(office, held)
    await press(office, f"/staff/bookings/{held.reference}/give-up", reason="She shouted at the guide", **form)
    page, letter = await hers(office, held), await told(office)
    assert "This booking was cancelled We cancelled it. We sent" in page and "gave it up" not in page
    assert "we have cancelled your booking of" in letter and "asked for" not in letter
    assert "shouted" not in page + letter, "why is between us"


async def test_by_its_terms_is_said_only_of_what_its_terms_decided(office: Office) -> None:
    held = await sold(office, TIERS)
    _, form = await preview(office, held, "kept=49,998")
    await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    assert "We cancelled it. Nothing came back." in await hers(office, held)
    late = await office.street.asha_holds_under_terms(TIERS, in_days=5)
    await office.street.asha_pays(late.id)
    _, form = await preview(office, late)
    await press(office, f"/staff/bookings/{late.reference}/give-up", **form)
    assert "We cancelled it. By its terms nothing came back." in await hers(office, late)


async def test_what_waits_for_a_second_person_is_not_said_to_stay_here(office: Office) -> None:
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 100),))
    held = await sold(office, {})
    _, form = await preview(office, held)
    await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    page = await hers(office, held)
    assert "comes back to you. We write when it is on its way." in page and "Nothing came back" not in page


async def test_whom_we_took_out_of_a_booking_is_told_so(office: Office) -> None:
    held = await sold(office, TIERS)
    _, form = await preview(office, held, "adult=1")
    await press(office, f"/staff/bookings/{held.reference}/give-up", **form)
    assert "we have taken one traveller out of your booking of" in await told(office)
