"""A hot door is a shorter way to the same handler: whoever asks is answered the same by both ways."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromPath

from jklg.app import House, create_app
from jklg.kit.db import Database
from jklg.web import hot
from tests import trade

HOT_DOORS = {("POST", "/api/bookings"), ("POST", "/api/payments/process-webhook")}


@pytest.fixture
async def both_ways(house: House) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The short way, and the framework's."""
    short, long = create_app(house), create_app(house)
    assert set(short.hot) == HOT_DOORS  # type: ignore[attr-defined]
    long.hot = {}  # type: ignore[attr-defined]
    async with short.lifespan(), long.lifespan(), _client(short) as one, _client(long) as other:
        yield one, other


def _client(app: Litestar) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost:3000")


async def _ashas_booking(db: Database) -> dict[str, Any]:
    return {
        "departure_id": str(await trade.add_departure(db)),
        "party": {"adult": 2},
        "customer_name": "Asha Rao",
        "customer_email": "asha@example.com",
        "customer_phone": "+91 98765 43210",
    }


def _told(answer: httpx.Response) -> tuple[int, dict[str, str], Any]:
    own = {"id", "reference", "hold_expires_at", "created_at", "manage_token", "manage_url", "booking"}
    said = answer.json()
    booking = {name: value for name, value in said.get("booking", {}).items() if name not in own}
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")}
    return answer.status_code, headers, ({name: value for name, value in said.items() if name not in own}, booking)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ("good", {}),
        ("good", {"Idempotency-Key": "short"}),
        ("good", {"Idempotency-Key": "a key of Asha"}),
        ("good", {"Content-Type": "text/plain"}),
        ("good", {"Content-Type": "application/json; charset=utf-8"}),
        ("good", {"Content-Length": "x"}),
        ("unknown field", {}),
        ("no such departure", {}),
        (b"", {}),
        (b"{", {}),
        (b"[]", {}),
        (b"\xff", {}),
        (b"{" * 100_000, {}),
        (b'"' + b"x" * 1_100_000 + b'"', {}),
    ],
)
async def test_a_booking_is_answered_the_same_both_ways(
    both_ways: tuple[httpx.AsyncClient, httpx.AsyncClient], db: Database, content: bytes | str, headers: dict[str, str]
) -> None:
    if isinstance(content, str):
        body = await _ashas_booking(db)
        if content == "unknown field":
            body["amount"] = 1
        if content == "no such departure":
            body["departure_id"] = "019aa000-0000-7000-8000-000000000001"
        content = json.dumps(body).encode()
    short, long = [
        _told(await way.post("/api/bookings", content=content, headers={"Content-Type": "application/json", **headers}))
        for way in both_ways
    ]
    assert short == long


async def test_a_retried_booking_is_the_same_booking_by_either_way(
    both_ways: tuple[httpx.AsyncClient, httpx.AsyncClient], db: Database
) -> None:
    body = await _ashas_booking(db)
    short, long = [
        await way.post("/api/bookings", json=body, headers={"Idempotency-Key": "asha-books-once"}) for way in both_ways
    ]
    assert short.content == long.content
    assert long.headers["idempotent-replayed"] == "true"


async def test_a_forged_notice_is_refused_the_same_both_ways(
    both_ways: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    short, long = [_told(await way.post("/api/payments/process-webhook", content=b"{}")) for way in both_ways]
    assert short == long
    assert short[0] in (400, 503)


def test_a_hot_door_takes_nothing_that_only_the_framework_can_give() -> None:
    @get("/hot/{name:str}", opt=hot.HOT)
    async def of_a_name(name: FromPath[str]) -> str:
        return name

    with pytest.raises(TypeError, match="'name'"):
        hot.doors(Litestar([of_a_name]))
