"""Chitra decides about money that lies: each button says what it does, does that, and cannot be pressed twice by accident."""

from __future__ import annotations

import re

import pytest

from jklg.payments import cancellations
from tests.backoffice.test_concerns import press
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.payments.cancellations.test_leaving_one_by_one import bank_decides, bank_takes
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.desk.test_refunds_by_staff import sound
from tests.payments.desk.test_what_is_owed import owed_to_asha
from tests.payments.suspense.test_strangers import somebody_pays
from tests.payments.suspense.test_suspense import OPEN, another_amount

LEFT_BEHIND = "SELECT id FROM anomalies WHERE kind = 'money_left_behind' AND resolved_at IS NULL"
CONCERN = "SELECT id FROM anomalies WHERE resolved_at IS NULL ORDER BY opened_at LIMIT 1"


async def opened(office: Office) -> tuple[str, str, str]:
    """The page of the one concern, its words, and the id that its forms carry."""
    path = f"/staff/concerns/payments/{await office.street.one(CONCERN)}"
    once = re.search(r'name="once" value="([^"]+)"', (await office.browser.get(path)).text)
    return path, await office.read(path), once.group(1) if once else ""


async def test_money_in_suspense_is_applied_after_a_sentence_that_says_what_that_does(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    await another_amount(office.street, held.total_price + 500, held)
    path, text, once = await opened(office)
    for sentence in (
        "₹ 50,003 in suspense",
        "₹ 49,998 for the booking, which is confirmed by it",
        "₹ 5 stays in suspense",
    ):
        assert sentence in text, sentence
    refused = await press(office, f"{path}/settle", note="fine")
    assert refused.status_code == 409 and "still in suspense. Apply it to the booking or send it back" in refused.text
    assert (await press(office, f"{path}/apply")).headers["location"] == f"{path}?said=applied"
    assert (await office.street.booking(held.id)).status == "confirmed"
    again = await press(office, f"{path}/apply")
    assert again.status_code == 409 and "Nothing more is due: send the money back" in again.text
    _, text, once = await opened(office)
    assert "₹ 5 in suspense" in text and "Nothing more is due: send the money back" in text
    sent = await press(office, f"{path}/send-back", once=once, account="suspense:unapplied")
    assert sent.headers["location"] == f"{path}?said=back_completed"
    assert "It was sent back" in await office.read(f"{path}?said=back_completed")
    assert await office.street.one(OPEN) == ""
    await sound(office.street)


async def test_what_is_owed_is_sent_again_once_however_often_the_button_is_pressed(office: Office) -> None:
    await owed_to_asha(office.street)
    await office.sign_in("Manager")
    path, text, once = await opened(office)
    assert "₹ 400 owed to the customer" in text
    for _ in range(2):
        sent = await press(office, f"{path}/send-back", once=once, account="refunds_owed")
        assert sent.headers["location"] == f"{path}?said=back_completed"
    assert await office.street.balance("refunds_owed") == 0
    await sound(office.street)


async def test_what_is_owed_is_written_down_as_paid_another_way(office: Office) -> None:
    await owed_to_asha(office.street)
    await office.sign_in("Manager")
    path, _, once = await opened(office)
    empty = await press(office, f"{path}/paid", once=once, method="cash", note="")
    assert empty.status_code == 422 and "Please write what helps to find it" in empty.text
    much = await press(office, f"{path}/paid", once=once, method="cash", note="receipt 17", amount="400.01")
    assert much.status_code == 422 and "more than is owed" in much.text and 'value="receipt 17"' in much.text
    paid = await press(office, f"{path}/paid", once=once, method="bank_transfer", note="receipt 17", amount="400")
    assert paid.headers["location"] == f"{path}?said=paid_completed"
    assert await office.street.balance("gateway_clearing:manual") == -40_000
    assert await office.street.one(OPEN) == ""
    await sound(office.street)


async def test_a_strangers_payment_is_given_to_a_booking(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    await somebody_pays(office.street, held.total_price)
    path, text, _ = await opened(office)
    assert "₹ 49,998 in suspense" in text
    wrong = await press(office, f"{path}/attach", reference="XXXXXX")
    assert wrong.status_code == 404 and "We cannot find this booking" in wrong.text and 'value="XXXXXX"' in wrong.text
    assert (await press(office, f"{path}/attach", reference=held.reference)).headers[
        "location"
    ] == f"{path}?said=attached"
    assert (await office.street.booking(held.id)).status == "confirmed"


async def test_a_strangers_payment_is_the_agencys_own(office: Office) -> None:
    await office.sign_in("Manager")
    await somebody_pays(office.street)
    path, _, _ = await opened(office)
    empty = await press(office, f"{path}/keep", what=" ")
    assert empty.status_code == 422 and "Please say what it was" in empty.text
    assert (await press(office, f"{path}/keep", what="Rent of the bus")).headers["location"] == f"{path}?said=adopted"
    assert "Rent of the bus" in await office.read(path)


@pytest.mark.parametrize("role", ["Support", "Guide"])
async def test_who_may_not_change_payments_presses_none_of_it(office: Office, role: str) -> None:
    await another_amount(office.street, 600)
    path = f"/staff/concerns/payments/{await office.street.one(CONCERN)}"
    for verb in ("apply", "send-back", "paid", "attach", "keep"):
        assert (await press(office, f"{path}/{verb}")).status_code == 401, "a stranger signs in first"
    await office.sign_in(role)
    for verb in ("apply", "send-back", "paid", "attach", "keep"):
        assert (await press(office, f"{path}/{verb}")).status_code == 403
    assert await office.street.one(OPEN) == "amount_mismatch"


async def test_what_no_form_of_ours_sends_is_refused(office: Office) -> None:
    await office.sign_in("Manager")
    await another_amount(office.street, 600)
    path, _, once = await opened(office)
    for form in ({}, {"once": "x", "account": "suspense:unapplied"}, {"once": once, "account": "travel_revenue"},
                 {"once": once, "account": "customer_deposits", "units": "many"}):  # fmt: skip
        assert (await press(office, f"{path}/send-back", **form)).status_code == 422
    nobody = "/staff/concerns/payments/00000000-0000-7000-8000-000000000000"
    for verb in ("apply", "send-back", "paid", "attach", "keep"):
        assert (await press(office, f"{nobody}/{verb}", what="x", reference="K7MQ4Z")).status_code == 404


async def test_what_the_payer_has_from_her_bank_is_booked_against_the_loss(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds_under_terms({"tiers": [{"days_before": 0, "percent": 100}]})
    paid = await office.street.asha_pays(held.id)
    await bank_takes(office.street, paid, won=None)
    await cancellations.cancel(office.street.house, held.id, actor="guest")
    path = f"/staff/concerns/payments/{await office.street.one(LEFT_BEHIND)}"
    assert "to the payer" not in await office.read(path), "it has not decided"
    early = await press(office, f"{path}/meet-loss")
    assert early.status_code == 409
    await bank_decides(office.street, won=False)
    assert "Her bank has given ₹ 49,998 of it to the payer" in await office.read(path)
    assert (await press(office, f"{path}/meet-loss")).headers["location"] == f"{path}?said=loss_met"
    assert "Nobody owes it any more" in await office.read(f"{path}?said=loss_met")
    assert await office.street.one(OPEN) == ""
    await sound(office.street)
