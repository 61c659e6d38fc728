"""What comes to the webhook door of each gateway: W12, W15, W17, W19, W20, W31 (payments.md 4.1)."""

from __future__ import annotations

import gzip
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from jklg import app, payments
from jklg.kit.db import open_database
from jklg.payments import webhooks
from tests.payments.conftest import Street
from tests.payments.gateways.counters import COUNTERS
from tests.payments.gateways.stall import Stall, open_stall
from tests.payments.gateways.test_nothing_secret import pays
from tests.trade import add_departure, hold

INBOX = "SELECT coalesce(string_agg(state || ' ' || coalesce(reason, '-'), ', ' ORDER BY id), '') FROM webhook_inbox"


@pytest.fixture(params=COUNTERS)
async def stall(request: pytest.FixtureRequest, street: Street) -> AsyncIterator[Stall]:
    async with open_stall(street, request.param) as opened:
        yield opened


def news(stall: Stall, **changes: object) -> tuple[bytes, dict[str, str]]:
    """A notice as this gateway would write and sign it."""
    body = stall.counter.notice_body(**changes)
    return body, stall.counter.signed(body)


async def test_what_we_did_not_ask_for_is_kept_and_ignored(stall: Stall) -> None:
    """W12: nobody is asked about it, and the gateway need not come again."""
    body, headers = news(stall, type="customer.created", data={"object": {"id": "cus_1", "object": "customer"}})
    for _ in range(2):
        answer = await stall.rings(body, headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert await stall.street.one(INBOX) == "ignored not_about_a_payment"
    before = stall.asked
    await stall.street.work()
    assert await stall.street.one(INBOX) == "ignored not_about_a_payment"
    assert stall.asked == before
    assert await stall.street.one("SELECT count(*) FROM anomalies") == 0


async def test_a_notice_of_the_other_mode_is_kept_apart_and_said_aloud(
    stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    """W15. PayPal and Razorpay do not say which mode a notice is of: their keys do."""
    if stall.name not in ("stripe", "sandbox"):
        assert b"livemode" not in stall.counter.notice_body()
        return
    held = await stall.street.asha_holds()
    started = await stall.starts(held)
    await stall.counter.act(await stall.snapshot(held), "pay")
    body, headers = news(
        stall, livemode=True, data={"object": {"id": started["paymentIntentId"], "object": "payment_intent"}}
    )
    with caplog.at_level(logging.ERROR):
        assert (await stall.rings(body, headers)).status_code == 200
    assert "of the other mode" in caplog.text
    before = stall.asked
    await stall.street.work(rounds=1)
    assert await stall.street.one(INBOX) == "ignored other_mode"
    assert stall.asked == before
    assert (await stall.street.booking(held.id)).status == "held"


ELSEWHERE = "SELECT array_agg((resolved_at IS NULL)::text || ' ' || (detail ->> 'why') ORDER BY opened_at, id) FROM anomalies WHERE kind = 'webhook_elsewhere'"


@pytest.mark.parametrize(
    ("name", "why"), [("sandbox", "other mode"), ("stripe", "other mode"), ("stripe", "other account")]
)
async def test_notices_that_belong_elsewhere_are_one_concern_however_many_come(
    street: Street, name: str, why: str
) -> None:
    """W15. Settled, it comes again when another one comes."""
    changes: dict[str, object] = {"livemode": True} if why == "other mode" else {"account": "acct_of_another"}

    async def comes(number: int) -> None:
        body, headers = news(stall, id=f"evt_{number}", **changes)
        assert (await stall.rings(body, headers)).status_code == 200
        await street.work(rounds=1)

    async with open_stall(street, name) as stall:
        for number in range(3):
            await comes(number)
        assert await street.one(ELSEWHERE) == [f"true {why}"]
        concern = await street.one("SELECT id FROM anomalies")
        await payments.settle_concern(street.db, concern, actor="staff:chitra", note="Its endpoint is another now.")
        await street.work(rounds=1)
        assert await street.one(ELSEWHERE) == [f"false {why}"]
        for number in (3, 4):
            street.clock.ahead += timedelta(minutes=1)
            await comes(number)
        assert await street.one(ELSEWHERE) == [f"false {why}", f"true {why}"]
        assert await street.one("SELECT count(*) FROM ledger_entries") == 0


async def test_bytes_are_judged_as_they_came_whatever_they_are_said_to_be(stall: Stall) -> None:
    """W19: nothing is unpacked or parsed before it is verified."""
    body, headers = news(stall)
    packed = gzip.compress(body)
    said = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    for forged, signed in ((packed, headers), (body + b" ", headers)):
        assert (await stall.rings(forged, {**signed, **said})).status_code == 400
    signed_packed = await stall.rings(packed, {**stall.counter.signed(packed), **said})
    assert (signed_packed.status_code, signed_packed.json()["code"]) == (400, "bad_signature"), "signed, and not JSON"
    assert await stall.street.one(INBOX) == ""
    assert (await stall.rings(body, {**headers, **said})).status_code == 200
    assert await stall.street.one("SELECT body FROM webhook_inbox") == body


async def test_while_the_database_is_away_the_gateway_is_sent_away_and_comes_again(stall: Stall) -> None:
    """W20: never 200 before it is kept."""
    street = stall.street
    held = await street.asha_holds()
    await stall.starts(held)
    await stall.counter.act(await stall.snapshot(held), "pay")
    await stall.counter.deliver()
    (headers, body), *_ = [
        each for each in stall.counter.notices if b"captured" in each[1] or b"ucce" in each[1]
    ] or stall.counter.notices
    there, away = street.house.db, await open_database(street.house.settings.database_url)
    await away.close()
    street.house.db = away
    answer = await stall.rings(body, headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    street.house.db = there
    assert await street.one(INBOX) == ""
    assert (await stall.rings(body, headers)).status_code == 200
    await street.work()
    assert (await street.booking(held.id)).status == "confirmed"


async def test_the_door_takes_posts_of_a_mebibyte_and_asks_for_no_session(stall: Stall) -> None:
    """W17, W31."""
    body, headers = news(stall)
    door = f"/api/payments/webhooks/{stall.name}"
    assert (await stall.web.get(door)).status_code == 405
    huge = await stall.web.post(door, content=b"x" * (5 * 1024 * 1024), headers=headers)
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
    elsewhere = {"Origin": "https://bank.example", "Cookie": "jklg_staff=x", "Sec-Fetch-Site": "cross-site"}
    assert (await stall.rings(body, {**headers, **elsewhere})).status_code == 200


async def test_a_notice_that_is_done_is_replayed_without_effect(stall: Stall) -> None:
    """W24."""
    street = stall.street
    held = await street.asha_holds()
    started = await stall.starts(held)
    await pays(stall, started["paymentIntentId"])
    await stall.hears()
    assert (await street.booking(held.id)).status == "confirmed"
    before, books = stall.asked, await street.one("SELECT count(*) FROM ledger_entries")
    rows = "SELECT jsonb_agg(to_jsonb(i) ORDER BY id)::text FROM webhook_inbox i"
    inbox = await street.one(rows)
    for notice in await street.one("SELECT array_agg(id) FROM webhook_inbox WHERE state = 'done'"):
        async with street.db.transaction() as conn:
            assert not await webhooks.replay(conn, notice)
    await street.work()
    assert stall.asked == before and await street.one(rows) == inbox
    assert await street.one("SELECT count(*) FROM ledger_entries") == books


VERSIONS: list[dict[str, object]] = [
    {"api_version": "2019-03-14"}, {"api_version": "2031-01-01.unheard-of"}, {"api_version": None}, {"pending_webhooks": "many"}, {"request": None},
    {"created": 1.5}, {"created": None}, {"account": None}, {"unheard": {"of": ["this", 1]}},
]  # fmt: skip
THINGS: list[dict[str, object]] = [
    {}, {"latest_charge": {"id": "ch_1", "object": "charge", "amount": 1, "refunds": None}}, {"latest_charge": None}, {"status": "new_word"},
    {"amount_received": "lots"}, {"metadata": None},
]  # fmt: skip


async def test_stripes_events_of_any_version_ring_the_bell_and_nothing_in_them_is_believed(street: Street) -> None:
    """O11: extra, missing and expanded fields. What was paid is asked of Stripe; an event that cannot be read is not taken for another."""
    variants = [(each, THINGS[0]) for each in VERSIONS] + [({}, each) for each in THINGS]
    read = 0
    departure = await add_departure(street.db, seats=2 * len(variants))
    async with open_stall(street, "stripe") as stall:
        for number, (changes, thing) in enumerate(variants):
            held = await hold(street.db, departure)
            ref = (await stall.starts(held))["paymentIntentId"]
            object_ = {"id": ref, "object": "payment_intent", "amount_received": 1, "status": "canceled"} | thing

            async def ring(event_id: str, object_: object = object_, changes: dict[str, object] = changes) -> int:
                body, headers = news(stall, **{"id": event_id, "data": {"object": object_}, **changes})
                answer = await stall.rings(body, headers)
                await app.SWEEPS["notices"](street.house)
                return answer.status_code

            first = await ring(f"evt_{number}_open")
            assert first in (200, 400), (changes, thing)
            assert (await street.booking(held.id)).status == "held", "whatever it says, nobody has paid"
            await pays(stall, ref)
            assert await ring(f"evt_{number}_paid") == first
            read += first == 200
            assert (await street.booking(held.id)).status == ("confirmed" if first == 200 else "held"), (changes, thing)
        assert read > len(variants) // 2
        assert await street.balance("customer_deposits") == -read * held.total_price
        assert await street.one("SELECT count(*) FROM webhook_inbox WHERE state NOT IN ('done', 'ignored')") == 0
