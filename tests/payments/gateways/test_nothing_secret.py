"""A20: a whole sale at each gateway, with everything logged; afterwards no key, secret or card number lies anywhere it should not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from jklg import staff
from jklg.kit.db import SYSTEM
from jklg.payments import silences
from jklg.sandbox.things import Intent
from tests.conftest import SECRET as HOUSE_SECRET
from tests.payments.conftest import Street
from tests.payments.gateways.counters import COUNTERS, OLD_SECRET, SECRET, PayPalCounter
from tests.payments.gateways.stall import CREATE, Stall, open_stall
from tests.trade import add_departure

CARD, PASSWORD = "4242424242424242", "a long walk in the hills"
KEYS = {"sandbox": "sandbox_key_peer", "stripe": "sk_test_peer", "paypal": "secret_peer", "razorpay": "secret_peer"}


@pytest.fixture(params=COUNTERS)
async def stall(request: pytest.FixtureRequest, street: Street) -> AsyncIterator[Stall]:
    async with open_stall(street, request.param) as opened:
        yield opened


async def kept(street: Street) -> dict[str, str]:
    """'table.column' -> all that lies there, as text."""
    conn = await asyncpg.connect(street.owner_url)
    try:
        await conn.execute(f"SET request.jwt.claims = '{SYSTEM}'")
        columns = await conn.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        found = {}
        for table, column, kind in columns:
            text = f"encode({column}, 'escape')" if kind == "bytea" else f'"{column}"::text'
            found[f"{table}.{column}"] = str(
                await conn.fetchval(f"SELECT coalesce(string_agg({text}, E'\\n'), '') FROM \"{table}\"")
            )
        return found
    finally:
        await conn.close()


async def test_a_whole_sale_leaves_nothing_secret_behind(stall: Stall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    street, answers = stall.street, []

    async def note(response: httpx.Response) -> None:
        await response.aread()
        answers.append((response.request.url.path, response.text + str(response.headers)))

    stall.web.event_hooks["response"].append(note)
    stall.web.headers["Sec-Fetch-Site"] = "same-origin"
    made = await stall.web.post(
        "/api/bookings",
        json={"departure_id": str(await add_departure(street.db)), "party": {"adult": 2}, "customer_name": "Asha Rao",
              "customer_email": "asha@example.org", "customer_phone": "+91 98765 43210"},
    )  # fmt: skip
    booking, token = made.json()["booking"], made.json()["manage_token"]
    guest = {"X-Booking-Token": token}
    wanted, key = {"bookingId": booking["id"]}, {"Idempotency-Key": "asha-pays-once"}
    stall.counter.faults.truncate = 1
    await stall.web.post(CREATE, json=wanted, headers={**guest, **key})
    started = await stall.web.post(CREATE, json=wanted, headers={**guest, **key})
    assert started.status_code == 200, started.text
    secret = started.json()["clientSecret"]
    await stall.web.post(CREATE, json=wanted, headers={**guest, **key})
    await stall.web.get(made.json()["manage_url"])
    assert (await stall.web.get(f"/bookings/{booking['reference']}/pay")).status_code == 200
    while_open = await kept(street)
    await pays(stall, started.json()["paymentIntentId"])
    await stall.hears()
    door = f"/api/payments/{started.json()['transactionId']}"
    assert (await stall.web.get(door, headers=guest)).json()["bookingStatus"] == "confirmed"
    await stall.rings(b"{}", {"x-signature": "forged"})
    await stall.web.post(CREATE, json=wanted, headers=guest)
    await stall.web.get("/api/payments/booking/" + booking["id"], headers=guest)
    await staff.add(street.db, email="chitra@example.org", name="Chitra", role="Manager", password=PASSWORD)
    entered = await stall.web.post("/staff/sign-in", data={"email": "chitra@example.org", "password": PASSWORD})
    assert entered.status_code == 303
    back = await stall.web.post(
        "/api/payments/refund", json={"bookingId": booking["id"], "amount": 700, "reason": "goodwill"}
    )
    assert back.json()["status"] in ("completed", "pending"), back.text
    stall.counter.faults.error_before = 3
    await stall.web.post("/api/payments/refund", json={"bookingId": booking["id"], "amount": 500, "reason": "more"})
    for page in (
        "/api/payments/transactions", f"/api/payments/transactions/{started.json()['transactionId']}", "/staff", "/staff/payments",
        f"/staff/payments/{started.json()['transactionId']}", "/api/health",
    ):  # fmt: skip
        assert (await stall.web.get(page)).status_code == 200, page
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(silences, "list_long", lambda *_: 1 // 0)
        accident = await stall.web.get("/api/health")
    assert accident.status_code == 500 and "Traceback" not in accident.text
    afterwards = await kept(street)

    never = {
        "the gateway's key": KEYS[stall.name], "the house's key": HOUSE_SECRET, "a card number": CARD, "the same": "4242 4242",
        "a password": PASSWORD,
    }  # fmt: skip
    if isinstance(stall.counter, PayPalCounter):
        never["the access token"] = stall.counter.gateway._calls._token  # type: ignore[attr-defined]
    else:
        never |= {"the webhook's secret": SECRET, "the old one": OLD_SECRET}
    # Lines of the test's own browser are not the house's.
    log = "\n".join(line for line in caplog.text.splitlines() if "http://localhost:3000" not in line)
    assert "jklg." in log and len(log) > 1000, "there was something to read"
    for what, text in never.items():
        assert text
        assert text not in log, f"{what} is in the log"
        for place, lying in (*while_open.items(), *afterwards.items()):
            assert text not in lying, f"{what} lies in {place}"
        for path, told in answers:
            assert text not in told, f"{what} is told at {path}"
    assert token not in log, "the key to her booking is in the log"
    if stall.name in ("stripe", "sandbox"):  # the others' windows open with the order's id, which is no secret
        assert secret not in log
        assert {place for place, lying in while_open.items() if secret in lying} <= {
            "transactions.client_secret",
            "webhook_inbox.body",
        }
        assert {place for place, lying in afterwards.items() if secret in lying} <= {"webhook_inbox.body"}
        told_at = {path for path, told in answers if secret in told}
        assert told_at <= {CREATE, f"/bookings/{booking['reference']}/pay", door}, told_at


async def pays(stall: Stall, ref: str) -> None:
    """Asha pays in the gateway's window, which is none of our house's business and of its log."""
    if stall.name == "sandbox":
        async with stall.counter.bank.work() as work:
            work.pay(work.get(Intent, ref), "play_card")
    else:
        await stall.counter.act(await stall.counter.gateway.fetch(ref), "pay")
