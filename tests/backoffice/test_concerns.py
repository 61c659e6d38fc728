"""Chitra deals with what the house could not heal: she sees what would happen, and nothing else happens."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from jklg import app, jobs, ledger, payments
from jklg.payments.books import CHECKS
from jklg.payments.jobs import settle_due
from jklg.sandbox.things import Intent
from tests.backoffice.test_today import Office, office, sell  # noqa: F401  (a fixture)
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_stumbling import mend, spoil

CONCERN = "SELECT id FROM anomalies WHERE resolved_at IS NULL ORDER BY opened_at LIMIT 1"


async def disputed(office: Office) -> str:
    """Asha's bank asks for the money. The page of the concern."""
    await sell(office)
    async with office.street.bank.bank.work() as work:
        work.dispute(work.all(Intent)[0])
    await office.street.deliver()
    await office.street.work()
    return f"/staff/concerns/payments/{await office.street.one(CONCERN)}"


async def press(office: Office, path: str, **form: str) -> Any:
    return await office.browser.post(path, data=form)


async def test_a_dispute_leads_from_today_to_the_deadline_and_the_evidence(office: Office) -> None:
    await office.sign_in("Manager")
    path = await disputed(office)
    assert f'href="{path}"' in (await office.browser.get("/staff")).text
    text = await office.read(path)
    assert "The payer's bank asks for the money" in text
    assert "Evidence until" in text and "Needs a response" in text
    dispute = await office.street.one("SELECT id FROM disputes")
    await jobs.drain(office.street.house, app.LISTENERS)
    papers = await office.read(f"/staff/disputes/{dispute}/evidence")
    for fact in (
        "Asha Rao",
        "The terms it was sold under",
        "booking confirmed",
        "in_000001",
        "because: fraudulent",
        "your seats are yours",
    ):
        assert fact in papers, fact
    assert "/manage/" not in papers, "the customer's own key is nobody else's"


async def test_chitra_takes_it_on_and_everybody_sees_whose_it_is(office: Office) -> None:
    await office.sign_in("Manager")
    path = await disputed(office)
    assert "nobody's yet" in await office.read()
    assert (await press(office, f"{path}/take")).headers["location"] == f"{path}?said=taken"
    assert "Chitra Nair" in await office.read(path)
    assert "nobody's yet" not in await office.read()


async def untold(office: Office) -> tuple[str, Any]:
    """Asha has paid, nobody told us, and something stands before a person. The page, and her booking."""
    street = office.street
    street.faults.lose_webhooks = 100
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await payments.report_difference(street.house, started.transaction.id, "capture_unknown", {})
    return f"/staff/concerns/payments/{await street.one(CONCERN)}", held


async def test_what_is_foreseen_is_what_happens_and_foreseeing_changes_nothing(office: Office) -> None:
    await office.sign_in("Manager")
    path, held = await untold(office)
    street = office.street
    for _ in range(3):
        text = await office.read(path)
        assert "requires payment method becomes succeeded" in text
        assert "held becomes confirmed" in text and "customer_deposits" in text
    assert (await street.booking(held.id)).status == "held"
    assert await street.one("SELECT count(*) FROM ledger_transactions") == 0
    assert await street.one("SELECT count(*) FROM pgqueuer WHERE entrypoint LIKE '%confirmed%'") == 0
    for _ in range(2):
        assert (await press(office, f"{path}/look")).headers["location"] == f"{path}?said=looked"
    assert (await street.booking(held.id)).status == "confirmed"
    assert "Nothing. What the gateway says is what we have." in await office.read(path)
    assert (await ledger.verify(street.db, CHECKS, keys=[SECRET])).ok


async def test_a_silent_gateway_is_told_as_silence(office: Office) -> None:
    await office.sign_in("Manager")
    path, _ = await untold(office)
    office.street.faults.error_before = 3
    assert "The gateway does not answer just now" in await office.read(path)
    assert (await press(office, f"{path}/look")).headers["location"] == f"{path}?said=silent"


async def test_a_concern_is_settled_once_with_words(office: Office) -> None:
    await office.sign_in("Manager")
    path, _ = await untold(office)
    empty = await press(office, f"{path}/settle", note="  ")
    assert (empty.status_code, "Please say how it was settled." in empty.text) == (422, True)
    note = "The bank has confirmed it by telephone. <b>Chitra</b>"
    assert (await press(office, f"{path}/settle", note=note)).headers["location"] == f"{path}?said=settled"
    assert note in await office.read(path)
    again = await press(office, f"{path}/settle", note="once more")
    assert again.status_code == 409
    assert (await press(office, f"{path}/take")).status_code == 409
    assert "Nothing. Every payment is booked" in await office.read()


@pytest.mark.parametrize(("role", "looks", "acts"), [("Manager", 200, 303), ("Support", 200, 403), ("Guide", 403, 403)])
async def test_who_may_look_and_who_may_act(office: Office, role: str, looks: int, acts: int) -> None:
    path, _ = await untold(office)
    assert (await office.browser.get(path)).headers["location"].startswith("/staff/sign-in"), (
        "a stranger signs in first"
    )
    assert (await press(office, f"{path}/take")).status_code == 401
    await office.sign_in(role)
    assert (await office.browser.get(path)).status_code == looks
    assert (await press(office, f"{path}/take")).status_code == acts
    assert (await press(office, f"{path}/look")).status_code == acts


async def test_what_is_not_there_is_not_found(office: Office) -> None:
    await office.sign_in("Manager")
    nobody = "00000000-0000-7000-8000-000000000000"
    for path in (f"/staff/concerns/payments/{nobody}", "/staff/concerns/payments/x", f"/staff/disputes/{nobody}/evidence", "/staff/disputes/x/evidence"):  # fmt: skip
        assert (await office.browser.get(path)).status_code == 404, path
    for path in (f"/staff/concerns/payments/{nobody}/take", f"/staff/concerns/payments/{nobody}/look", "/staff/concerns/payments/x/settle",
                 f"/staff/concerns/payments/{nobody}/again"):  # fmt: skip
        assert (await press(office, path, note="x")).status_code == 404, path


async def test_nobody_settles_anonymously(office: Office) -> None:
    await untold(office)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await office.street.one("UPDATE anomalies SET resolved_at = house_now() RETURNING true")
    assert getattr(refused.value, "constraint_name", None) == "anomalies_settled_by_somebody"


async def test_what_cannot_be_booked_can_be_opened_and_asked_about_again(office: Office) -> None:
    street = office.street
    street.faults.lose_webhooks = 10_000
    ashas = (await street.start((await street.asha_holds()).id)).transaction
    await street.pays(ashas.ref or "")
    await spoil(street, ashas.id)
    for _ in range(12):
        await street.later(hours=8)
        await settle_due(street.house)
    door = f"/staff/concerns/payments/{await street.one('SELECT id FROM anomalies WHERE resolved_at IS NULL')}"
    await office.sign_in("Manager")
    assert "its answer cannot be booked" in await office.read(door)
    assert (await press(office, f"{door}/look")).headers["location"].endswith("said=stumbled")
    await mend(street)
    assert (await press(office, f"{door}/look")).headers["location"].endswith("said=looked")
    assert await street.one("SELECT count(*) FROM anomalies WHERE resolved_at IS NULL") == 0


async def test_chitra_closes_a_payment_whose_gateway_is_not_ours_any_more(office: Office) -> None:
    street = office.street
    held = await street.asha_holds()
    await street.start(held.id)
    gateways, street.house.gateways = street.house.gateways, {}
    await street.later(hours=2)
    await street.work()
    await office.sign_in("Manager")
    path = f"/staff/concerns/payments/{await street.one(CONCERN)}"
    text = await office.read(path)
    assert "The gateway will not tell us about a payment" in text and "How you know that nothing was taken" in text
    assert "how you know" in (await press(office, f"{path}/close", words=" ")).text
    street.house.gateways = gateways
    street.faults.error_before = 9
    refused = await press(office, f"{path}/close", words="I looked")
    assert refused.status_code == 409 and "closed there, not here" in refused.text
    street.house.gateways, street.faults.error_before = {}, 0
    await press(office, f"{path}/settle", note="I shall look tomorrow")  # that closes nothing
    for _ in range(2):
        pressed = await press(office, f"{path}/close", words="Not in the account that we had there.")
        assert pressed.headers["location"].startswith(path)
    story = await street.one("SELECT detail->>'note' FROM history WHERE action = 'payment.closed_by_hand'")
    assert story == "Not in the account that we had there."
    assert "How you know" not in await office.read(path) and await street.one(CONCERN) is None
    await street.work()
    assert (await street.booking(held.id)).status == "expired"


async def test_a_guide_closes_no_payment(office: Office) -> None:
    street = office.street
    held = await street.asha_holds()
    await street.start(held.id)
    street.house.gateways = {}
    await street.later(hours=2)
    await street.work()
    await office.sign_in("Guide")
    path = f"/staff/concerns/payments/{await street.one(CONCERN)}"
    assert (await press(office, f"{path}/close", words="x")).status_code in (403, 404)
    assert (await street.booking(held.id)).payment_open
