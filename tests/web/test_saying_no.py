"""One documented shape for every no, and nothing but 4xx for bad input."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from jklg.app import House
from jklg.kit.db import Database
from jklg.kit.errors import TooMany
from jklg.payments import silences
from tests import trade
from tests.front import front_of

QUOTE = "/api/quotes"


def shape(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The documented shape, and only it."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert set(body) <= {"error", "code", "details"}
    assert body["error"].endswith((".", "?", "!"))
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert answer.headers["content-type"] == "application/json"
    return body


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "malformed_json", None),
        (b"\xff\xfe", 400, "malformed_json", None),
        (b"[" * 100_000, 422, "wrong_type", ""),
        (b'{"departure_id": "x", "party": {}, "amount": 1}', 422, "wrong_type", "departure_id"),
        (b'{"departure_id": "%s", "party": {"adult": "2"}}', 422, "wrong_type", "party[...]"),
        (b'{"departure_id": "%s", "party": {"adult": 2.5}}', 422, "wrong_type", "party[...]"),
        (b'{"departure_id": "%s", "party": {"adult": 1e400}}', 422, "wrong_type", "party[...]"),
        (b'{"departure_id": "%s", "party": {"adult": 2}, "amount": 1}', 422, "unknown_field", "amount"),
        (b'{"departure_id": "%s"}', 422, "missing_field", "party"),
        (b"[]", 422, "wrong_type", ""),
        (b'{"departure_id": "%s", "party": {"ad\\u0000ult": 2}}', 422, "invalid_character", None),
        (b'{"departure_id": "%s", "party": {"adult": 2}}', 404, "departure_not_found", None),
    ],
)
async def test_a_body_is_read_strictly_and_its_fault_is_named(
    client: httpx.AsyncClient, body: bytes, status: int, code: str, field: str | None
) -> None:
    sent = body.replace(b"%s", str(uuid4()).encode())
    answer = await client.post(QUOTE, content=sent, headers={"Content-Type": "application/json"})
    said = shape(answer, status, code)
    if field is not None:
        assert said["details"]["field"] == field


async def test_an_empty_body_and_another_kind_of_body_are_refused_by_name(client: httpx.AsyncClient) -> None:
    shape(await client.post(QUOTE), 422, "missing_body")
    answer = await client.post(QUOTE, content=b"a=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    shape(answer, 415, "unsupported_media_type")


async def test_what_does_not_exist_and_what_may_not_be_done_have_the_shape_too(client: httpx.AsyncClient) -> None:
    shape(await client.get("/api/nothing/here"), 404, "not_found")
    answer = await client.delete(QUOTE)
    shape(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


async def test_a_body_beyond_one_mebibyte_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    answer = await client.post(QUOTE, content=b" " * (1024 * 1024 + 1), headers={"Content-Type": "application/json"})
    shape(answer, 413, "too_large")
    form = await client.post(
        "/checkout", content=b"a" * (1024 * 1024 + 1), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert form.status_code == 413


async def test_a_person_gets_a_page_that_helps(client: httpx.AsyncClient) -> None:
    answer = await client.get("/packages/no-such-journey")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "This page is not on our map" in answer.text
    assert answer.headers["x-request-id"] in answer.text


async def test_a_database_that_is_away_is_503_and_says_ask_again(house: House) -> None:
    app = front_of(house)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost:3000") as client,
    ):
        assert (await client.get("/api/health")).status_code == 200
        await house.db.close()
        answer = await client.get("/api/health")
        shape(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        page = await client.get("/packages")
        assert page.status_code == 503
        assert "never lost" in page.text


async def test_too_many_says_when_to_ask_again_where_that_is_known(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise TooMany("too_many_requests", "Too many requests.", retry_after=wait)

    monkeypatch.setattr(silences, "list_long", refuse)
    for wait in (90, None):
        answer = await client.get("/api/health")
        shape(answer, 429, "too_many_requests")
        assert answer.headers.get("retry-after") == (str(wait) if wait else None)


async def test_our_own_accident_is_logged_with_its_stack_and_shown_without(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def slip(*_: object) -> None:
        raise ZeroDivisionError("the secret is swordfish")

    monkeypatch.setattr(silences, "list_long", slip)
    answer = await client.get("/api/health")
    said = shape(answer, 500, "internal")
    assert said["details"]["request_id"] == answer.headers["x-request-id"]
    assert "swordfish" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "the secret is swordfish" in caplog.text


async def test_a_number_that_no_column_holds_is_our_callers_slip_not_ours(
    client: httpx.AsyncClient, db: Database
) -> None:
    departure = await trade.add_departure(db)
    body = {"departure_id": str(departure), "party": {"adult": 2}, "extras": [{"id": str(uuid4()), "quantity": 2**62}]}
    shape(await client.post(QUOTE, json=body), 422, "extra_quantity_invalid")
    shape(await client.post(QUOTE, json={**body, "extras": [], "party": {"adult": 10**30}}), 422, "party_too_large")


async def test_the_schema_is_served_without_a_script_from_elsewhere(client: httpx.AsyncClient) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    assert "/api/quotes" in document["paths"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            refused = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert refused == {"$ref": "#/components/schemas/Refusal"}, (method, path)
            assert any(status.startswith("2") for status in operation["responses"]), (method, path)
    page = await client.get("/schema/")
    assert page.status_code == 200
    assert "/api/quotes" in page.text
    assert not re.findall(r'(?:src|href)="https?://', page.text)
