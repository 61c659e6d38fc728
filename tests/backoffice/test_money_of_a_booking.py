"""Chitra and the money of one booking: she sends it back, takes cash, gives up for a customer, and changes the terms of a package."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from jklg import staff
from jklg.kit.ids import uuid7
from tests.backoffice.test_today import PASSWORD, Office, office, sell  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import TERMS


async def press(office: Office, path: str, **form: str) -> Any:
    return await office.browser.post(path, data=form)


async def test_she_sends_a_part_back_once_however_often_she_presses(office: Office) -> None:
    await office.sign_in("Manager")
    reference = await sell(office)
    page = (await office.browser.get(f"/staff/bookings/{reference}/money")).text
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once is not None
    for _ in range(2):
        answer = await press(
            office, f"/staff/bookings/{reference}/refund", once=once[1], amount="1,250.50", reason="a wet tent"
        )
        assert answer.headers["location"] == f"/staff/bookings/{reference}/money?said=completed"
    assert await office.street.one("SELECT sum(refund_amount) FROM transactions") == 125_050
    text = await office.read(f"/staff/bookings/{reference}/money")
    assert "a wet tent" in text and "1,250.50" in text


@pytest.mark.parametrize("amount", ["-1", "1e3", "0x10", "12.345", "1.5.2", "ten", "0", "99999999999999", "\u0661"])
async def test_an_amount_that_makes_no_sense_is_told_beside_the_form(office: Office, amount: str) -> None:
    await office.sign_in("Manager")
    reference = await sell(office)
    answer = await press(
        office, f"/staff/bookings/{reference}/refund", once=str(uuid7()), amount=amount, reason="why not"
    )
    assert answer.status_code == 422
    assert "why not" in answer.text, "what she typed is still there"
    assert await office.street.one("SELECT count(*) FROM refunds") == 0


async def test_devi_agrees_to_what_chitra_asked_and_chitra_cannot(office: Office) -> None:
    office.street.house.settings = replace(office.street.house.settings, refund_alone=(("INR", 100),))
    await office.sign_in("Manager")
    reference = await sell(office)
    path = f"/staff/bookings/{reference}/refund"
    answer = await press(office, path, once=str(uuid7()), amount="500", reason="goodwill")
    assert answer.headers["location"].endswith("said=waiting")
    asked = await office.street.one("SELECT id FROM refund_requests")
    assert "Agree, and send it back" not in await office.read(f"/staff/bookings/{reference}/money")
    assert (await press(office, f"/staff/refund-requests/{asked}/approve")).status_code == 403
    await staff.add(office.street.db, email="devi@example.org", name="Devi Iyer", role="Admin", password=PASSWORD)
    await office.browser.post("/staff/sign-out")
    await office.browser.post("/staff/sign-in", data={"email": "devi@example.org", "password": PASSWORD})
    assert "Agree, and send it back" in await office.read(f"/staff/bookings/{reference}/money")
    assert (
        (await press(office, f"/staff/refund-requests/{asked}/approve")).headers["location"].endswith("said=completed")
    )


async def test_cash_at_the_counter_confirms_a_booking(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    rupees = f"{held.total_price / 100:.2f}"
    form = {"once": str(uuid7()), "amount": rupees, "method": "cash", "note": "receipt 12"}
    answer = await press(office, f"/staff/bookings/{held.reference}/payment", **form)
    assert answer.headers["location"].endswith("said=recorded"), answer.text
    assert (await office.street.booking(held.id)).status == "confirmed"
    asked = await press(
        office, f"/staff/bookings/{held.reference}/refund", once=str(uuid7()), amount="10", reason="change"
    )
    assert asked.headers["location"].endswith("said=pending")
    refund = await office.street.one("SELECT id FROM refunds")
    assert (await press(office, f"/staff/refunds/{refund}/paid-out")).headers["location"].endswith("said=paid_out")


async def test_she_gives_up_a_booking_and_keeps_what_she_decides(office: Office) -> None:
    await office.sign_in("Manager")
    reference = await sell(office)
    shown = (await office.browser.get(f"/staff/bookings/{reference}/give-up?kept=1000")).text
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown))
    answer = await press(office, f"/staff/bookings/{reference}/give-up", reason="flood", **form)
    assert answer.headers["location"].endswith("said=completed")
    text = await office.read(f"/staff/bookings/{reference}/money")
    assert "Cancelled" in text and "flood" in text and "1,000" in text


@pytest.mark.parametrize("role", ["Guide", "Support"])
async def test_who_may_not_change_payments_does_not(office: Office, role: str) -> None:
    reference = await sell(office)
    await office.sign_in(role)
    assert (await office.browser.get(f"/staff/bookings/{reference}/money")).status_code == 403
    for what in ("refund", "payment", "give-up"):
        assert (await press(office, f"/staff/bookings/{reference}/{what}", once=str(uuid7()))).status_code == 403
    assert (await office.browser.get("/staff/terms")).status_code == 403


async def test_new_terms_count_from_now_on_and_senseless_ones_are_refused(office: Office) -> None:
    await office.sign_in("Manager")
    before = await office.street.asha_holds_under_terms(TERMS)
    slug = await office.street.one("SELECT slug FROM packages")
    assert "20 %" in await office.read("/staff/terms")
    wrong = await press(
        office, f"/staff/terms/{slug}", **{"days.0": "10", "percent.0": "50", "days.1": "20", "percent.1": "40"}
    )
    assert wrong.status_code == 422
    assert (await press(office, f"/staff/terms/{slug}", kind="percent", value="150")).status_code == 422
    kept = await press(
        office,
        f"/staff/terms/{slug}",
        kind="percent",
        value="30",
        balance_days="14",
        **{"days.0": "7", "percent.0": "80"},
    )
    assert kept.headers["location"] == f"/staff/terms/{slug}?said=kept", kept.text
    assert "30 %" in await office.read("/staff/terms")
    assert (await office.street.booking(before.id)).sold_terms["deposit"]["value"] == 20
    assert (await office.browser.get("/staff/terms/no-such-package")).status_code == 404
