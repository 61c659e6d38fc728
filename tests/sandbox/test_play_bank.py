"""The play bank by itself: its protocol, its page, its faults, and that it forgets nothing it has said."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
import pytest

from jklg.sandbox import SandboxApp, create_app
from jklg.sandbox.storage import MemoryStorage, Row
from tests.peers.loopback import serve

KEY = {"Authorization": "Bearer key"}
ASHA_PAYS = {
    "amount": 4_999_980,
    "currency": "INR",
    "description": "Gurez",
    "return_url": "https://shop.example/back?t=1",
}


def bank(**changes: Any) -> SandboxApp:
    known: dict[str, Any] = {
        "key": "key",
        "webhook_secret": "secret",
        "webhook_url": "",
        "faults_enabled": True,
        "public_url": "http://bank",
        "dice": Random(3),
    }
    return create_app(**known | changes)


def over(app: Any, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bank", headers=KEY | headers)


@pytest.fixture
def shop() -> httpx.AsyncClient:
    return over(bank())


# -- the shop's door ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic key", "Bearer kéy", "bearer key"])
async def test_without_the_key_nothing_is_said(shop: httpx.AsyncClient, authorization: str) -> None:
    answer = await shop.get("/v1/intents", headers={"Authorization": authorization.encode()})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"\xff", {}, {"amount": 1}, ASHA_PAYS | {"amount": 0}, ASHA_PAYS | {"amount": -1}, ASHA_PAYS | {"amount": 1.5},
        ASHA_PAYS | {"amount": "1"}, ASHA_PAYS | {"amount": True}, ASHA_PAYS | {"amount": 10**30}, ASHA_PAYS | {"currency": "inr"},
        ASHA_PAYS | {"currency": "XXX"}, ASHA_PAYS | {"return_url": "javascript:alert(1)"}, ASHA_PAYS | {"colour": "red"},
        ASHA_PAYS | {"metadata": {"n": 1}}, ASHA_PAYS | {"metadata": {str(n): "x" for n in range(51)}},
    ],
)  # fmt: skip
async def test_an_intent_that_makes_no_sense_is_refused(shop: httpx.AsyncClient, body: Any) -> None:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answer = await shop.post("/v1/intents", content=content)
    assert answer.status_code == 400 and answer.json()["error"]["code"]
    assert (await shop.get("/v1/intents")).json()["data"] == []


async def test_a_key_is_good_for_one_request_and_replays_its_bytes(shop: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await shop.post("/v1/intents", json=ASHA_PAYS, headers=headers)
    again = await shop.post("/v1/intents", json=ASHA_PAYS, headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = await shop.post("/v1/intents", json=ASHA_PAYS | {"amount": 1}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (400, "idempotency_error")
    elsewhere = await shop.post(f"/v1/intents/{first.json()['id']}/cancel", json={}, headers=headers)
    assert elsewhere.json()["error"]["code"] == "idempotency_error"
    too_long = await shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k" * 256})
    assert too_long.status_code == 400


async def test_a_refused_request_does_not_use_up_its_key(shop: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert (await shop.post("/v1/intents", json=ASHA_PAYS | {"amount": 0}, headers=headers)).status_code == 400
    assert (await shop.post("/v1/intents", json=ASHA_PAYS, headers=headers)).status_code == 200


async def test_twenty_sends_at_once_make_one_intent(shop: httpx.AsyncClient) -> None:
    sends = [shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k1"}) for _ in range(20)]
    assert len({answer.json()["id"] for answer in await asyncio.gather(*sends)}) == 1


@pytest.mark.parametrize(
    "query", ["limit=x", "created_from=-1", "created_to=1e9", "starting_after=in_nothing", "limit=" + "9" * 40]
)
async def test_a_list_asked_for_badly_is_refused(shop: httpx.AsyncClient, query: str) -> None:
    assert (await shop.get(f"/v1/intents?{query}")).status_code == 400


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/intents/in_x/fly", "/nothing", "/_faults/x/y"])
async def test_other_paths_are_not_there(path: str) -> None:
    assert (await over(bank(faults_enabled=False)).post(path)).status_code == 404


async def test_a_body_without_end_is_cut_off(shop: httpx.AsyncClient) -> None:
    assert (await shop.post("/v1/intents", content=b" " * (1024 * 1024 + 1))).status_code == 413


async def test_the_balance_is_what_came_in_less_what_went_back(shop: httpx.AsyncClient) -> None:
    intent = (await shop.post("/v1/intents", json=ASHA_PAYS)).json()
    await shop.post(intent["hosted_url"], data={"action": "pay"})
    await shop.post("/v1/refunds", json={"intent": intent["id"], "amount": 80})
    await shop.put("/_faults", json={"refund_pending": 1})
    await shop.post("/v1/refunds", json={"intent": intent["id"], "amount": 7})
    refunds = (await shop.get(f"/v1/refunds?intent={intent['id']}")).json()["data"]
    assert [refund["amount"] for refund in refunds] == [7, 80]
    assert (await shop.get("/v1/balance")).json()["currencies"] == {
        "INR": {
            "captured": 4_999_980,
            "refunded": 80,
            "refunds_pending": 7,
            "disputed": 0,
            "fees": 0,
            "paid_out": 0,
            "available": 4_999_900,
        }
    }


# -- the payer's page --------------------------------------------------------------------------------------------------


async def test_asha_pays_on_the_page_and_comes_back_to_the_shop(shop: httpx.AsyncClient) -> None:
    intent = (await shop.post("/v1/intents", json=ASHA_PAYS)).json()
    page = await shop.get(intent["hosted_url"])
    assert page.status_code == 200 and "Pay INR 49,999.80" in page.text and "Gurez" in page.text
    assert "form-action 'self' https://shop.example" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    back = await shop.post(intent["hosted_url"], data={"action": "pay"})
    assert (back.status_code, back.headers["location"]) == (303, "https://shop.example/back?t=1")
    assert "Paid" in (await shop.get(intent["hosted_url"])).text


async def test_a_decline_is_said_in_words_and_can_be_tried_again(shop: httpx.AsyncClient) -> None:
    intent = (await shop.post("/v1/intents", json=ASHA_PAYS)).json()
    page = await shop.post(intent["hosted_url"], data={"action": "decline"})
    assert page.status_code == 200 and 'role="alert"' in page.text and "Nothing was taken" in page.text
    asked = await shop.post(intent["hosted_url"], data={"action": "bank_check"})
    assert "Your bank asks" in asked.text
    assert (await shop.post(intent["hosted_url"], data={"action": "approve"})).status_code == 303


async def test_the_page_stays_shut_without_its_secret(shop: httpx.AsyncClient) -> None:
    intent = (await shop.post("/v1/intents", json=ASHA_PAYS)).json()
    for secret in ("", "x", intent["client_secret"][:-1], "é"):
        for method in ("GET", "POST"):
            answer = await shop.request(
                method, f"/pay/{intent['id']}", params={"client_secret": secret}, data={"action": "pay"}
            )
            assert answer.status_code == 404
    assert (await shop.get(f"/v1/intents/{intent['id']}")).json()["status"] == "requires_payment_method"


@pytest.mark.parametrize("action", ["pay", "approve", "finish", "later", "decline", "bank_check", "", "nonsense"])
async def test_the_buttons_of_an_old_page_do_nothing_to_a_cancelled_payment(
    shop: httpx.AsyncClient, action: str
) -> None:
    intent = (await shop.post("/v1/intents", json=ASHA_PAYS)).json()
    await shop.post(f"/v1/intents/{intent['id']}/cancel", json={})
    page = await shop.post(intent["hosted_url"], data={"action": action})
    assert page.status_code == 200 and "was cancelled" in page.text
    assert (await shop.get(f"/v1/intents/{intent['id']}")).json()["status"] == "canceled"


async def test_what_the_shop_writes_is_shown_as_text(shop: httpx.AsyncClient) -> None:
    intent = (await shop.post("/v1/intents", json=ASHA_PAYS | {"description": "<script>alert(1)</script>"})).json()
    assert "<script>" not in (await shop.get(intent["hosted_url"])).text


# -- faults ------------------------------------------------------------------------------------------------------------


async def test_faults_are_set_as_a_whole_and_read_back(shop: httpx.AsyncClient) -> None:
    await shop.put("/_faults", json={"busy": 3, "retry_after": 9})
    knobs = (await shop.put("/_faults", json={"error_before": 1})).json()
    assert (knobs["busy"], knobs["retry_after"], knobs["error_before"]) == (0, 1, 1)
    assert (await shop.put("/_faults", json={"bussy": 1})).status_code == 400


async def test_faults_can_be_kept_to_one_kind_of_call(shop: httpx.AsyncClient) -> None:
    await shop.put("/_faults", json={"error_before": 1, "only": "POST /v1/refunds"})
    assert (await shop.post("/v1/intents", json=ASHA_PAYS)).status_code == 200
    assert (await shop.post("/v1/refunds", json={})).status_code == 500
    assert (await shop.post("/v1/refunds", json={})).status_code == 400


async def test_faults_are_not_there_unless_enabled() -> None:
    async with over(bank(faults_enabled=False)) as shop:
        for method in ("GET", "PUT", "POST"):
            assert (await shop.request(method, "/_faults", json={"busy": 1})).status_code == 404


def test_it_does_not_start_beside_a_live_key() -> None:
    with pytest.raises(ValueError, match="live"):
        bank(key="sk_live_1")


# -- webhooks ----------------------------------------------------------------------------------------------------------


class Door:
    """A shop's webhook door that refuses the first few."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.seen: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        self.seen.append((msgspec.json.decode(body)["id"], body))
        status = 503 if len(self.seen) <= self.refusals else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def test_a_notice_is_brought_again_until_the_shop_takes_it() -> None:
    door = Door(refusals=2)
    app = bank(
        webhook_url="http://shop/w",
        webhook_client=httpx.AsyncClient(transport=httpx.ASGITransport(app=door)),
        dice=None,
    )
    async with serve(app) as url, httpx.AsyncClient(base_url=url, headers=KEY) as shop:
        await shop.post("/v1/intents", json=ASHA_PAYS)
        for _ in range(100):
            if len(door.seen) == 3:
                break
            await asyncio.sleep(0.1)
        assert len(set(door.seen)) == 1 and len(door.seen) == 3  # the very same bytes
        (event,) = (await shop.get("/v1/events")).json()["data"]
        assert (event["delivery"], event["attempts"]) == ("delivered", 3)


async def test_the_same_seed_makes_the_same_bank() -> None:
    async def story() -> bytes:
        app = bank(
            webhook_url="http://shop/w", webhook_client=httpx.AsyncClient(transport=httpx.ASGITransport(app=Door(3)))
        )
        shop = over(app)
        app.faults.reorder_webhooks = 2
        for _ in range(3):
            await shop.post("/v1/intents", json=ASHA_PAYS)
        await app.deliver_due()
        listed = (await shop.get("/v1/events")).json()["data"]
        return msgspec.json.encode([(e["id"], e["delivery"], e["data"]["object"]["client_secret"]) for e in listed])

    assert await story() == await story()


# -- keeping its word --------------------------------------------------------------------------------------------------


class FullDisk(MemoryStorage):
    full = False

    async def save(self, rows: Any) -> None:
        if self.full:
            raise OSError("no space left")
        await super().save(rows)


async def test_what_could_not_be_saved_did_not_happen() -> None:
    disk = FullDisk()
    shop = over(bank(storage=disk))
    await shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k1"})
    disk.full = True
    with pytest.raises(OSError, match="space"):
        await shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k2"})
    disk.full = False
    assert len((await shop.get("/v1/intents")).json()["data"]) == 1
    assert (
        "idempotent-replayed"
        not in (await shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k2"})).headers
    )


async def test_a_restarted_bank_goes_on_where_it_was() -> None:
    kept = MemoryStorage()
    intent = (
        await over(bank(storage=kept)).post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k1"})
    ).json()
    again = over(bank(storage=kept))
    assert (await again.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k1"})).json() == intent
    assert (await again.post("/v1/intents", json=ASHA_PAYS)).json()["id"] == "in_000002"


_SERVER = """
import asyncio, sys
from jklg.sandbox import create_app
from tests.peers.loopback import serve

async def main():
    app = create_app(key="key", webhook_secret="s", webhook_url="", faults_enabled=False, public_url="", database_url=sys.argv[1])
    async with serve(app) as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def start(db_url: str) -> tuple[asyncio.subprocess.Process, str]:
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SERVER,
        db_url,
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env=os.environ | {"PYTHONPATH": "src:."},
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    assert line.startswith("http"), "the bank did not start"
    return process, line


async def test_a_bank_that_is_killed_loses_nothing_it_has_answered(db_url: str) -> None:
    process, url = await start(db_url)
    told = []
    async with httpx.AsyncClient(base_url=url, headers=KEY) as shop:
        for n in range(20):
            answer = await shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": f"k{n}"})
            told += [answer.json()]
        await shop.post(told[0]["hosted_url"], data={"action": "pay"})
        dying = [asyncio.create_task(shop.post("/v1/intents", json=ASHA_PAYS)) for _ in range(5)]
        await asyncio.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        answers = await asyncio.gather(*dying, return_exceptions=True)
        told += [answer.json() for answer in answers if isinstance(answer, httpx.Response)]
    process, url = await start(db_url)
    try:
        async with httpx.AsyncClient(base_url=url, headers=KEY) as shop:
            for intent in told[1:]:
                assert (await shop.get(f"/v1/intents/{intent['id']}")).json() == intent
            assert (await shop.get(f"/v1/intents/{told[0]['id']}")).json()["status"] == "succeeded"
            replay = await shop.post("/v1/intents", json=ASHA_PAYS, headers={"Idempotency-Key": "k7"})
            assert replay.json() == told[7]
    finally:
        process.kill()
        await process.wait()


async def test_rows_come_back_in_the_order_they_were_made(db_url: str) -> None:
    from jklg.sandbox.storage import PostgresStorage

    storage = PostgresStorage(db_url)
    try:
        assert await storage.load() == []
        await storage.save([Row("intent", "b", '{"n": 1}'), Row("intent", "a", '{"n": 2}')])
        await storage.save([Row("event", "c", "{}"), Row("intent", "b", '{"n": 3}')])
        assert await storage.load() == [
            Row("intent", "b", '{"n": 3}'),
            Row("intent", "a", '{"n": 2}'),
            Row("event", "c", "{}"),
        ]
    finally:
        await storage.close()
