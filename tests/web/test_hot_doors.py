"""A hot door is a shorter way to the same handler: whoever asks is answered the same by both ways."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from litestar import Litestar, Request, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from jklg import staff
from jklg.app import House, create_app
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from jklg.settings import Settings
from jklg.web import hot
from jklg.web.assembly import assemble
from tests import trade
from tests.customers import signed_in as people

HOT_DOORS = {
    ("POST", "/api/bookings"),
    ("POST", "/api/payments/process-webhook"),
    ("GET", "/api/customers/me"),
    ("GET", "/api/customers/*/bookings"),
    ("GET", "/api/payments/transactions"),
}


@pytest.fixture
async def both_ways(house: House) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The short way, and the framework's."""
    short, long = create_app(house), create_app(house)
    assert set(short.hot) <= HOT_DOORS  # type: ignore[attr-defined]
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


@pytest.mark.parametrize("session", ["lives", "has ended", "of nobody", "missing"])
@pytest.mark.parametrize(
    "path", ["me", "me?x=1", "{own}/bookings", "{OWN}/bookings?limit=1", "{own}/bookings?limit=0", "{own}/bookings?limit=x",
             "{own}/bookings?cursor=x", "{own}/bookings?cursor=", "019aa000-0000-7000-8000-000000000001/bookings", "x/bookings"]
)  # fmt: skip
async def test_a_customer_is_answered_the_same_both_ways(
    both_ways: tuple[httpx.AsyncClient, httpx.AsyncClient], db: Database, session: str, path: str
) -> None:
    who = Visitor(uuid7(), uuid7())
    async with db.transaction() as conn:
        await people.move_in(conn, who, "Asha")
        if session == "has ended":
            await people.end_session(conn, who)
    named = {"lives": who, "has ended": who, "of nobody": Visitor(who.customer_id, uuid7())}
    headers = people.bearing(named[session]) if session in named else {}
    path = path.format(own=who.customer_id, OWN=str(who.customer_id).upper())
    short, long = [await way.get(f"/api/customers/{path}", headers=headers) for way in both_ways]
    assert (short.status_code, short.json()) == (long.status_code, long.json())
    assert _without_id(short.headers) == _without_id(long.headers)
    assert short.status_code == 200 or session != "lives" or "me" not in path


@pytest.mark.parametrize(
    "query", ["", "status=completed&limit=1", "status=lost", "limit=0", "page=501", "cursor=x", "from=2026-02-30", "booking=x", "q=%FF", "customer=", "amount_min=-1", "x=1"],
)  # fmt: skip
async def test_staff_are_answered_the_same_both_ways(
    both_ways: tuple[httpx.AsyncClient, httpx.AsyncClient], db: Database, query: str
) -> None:
    await staff.add(db, email="chitra@example.org", name="Chitra", role="Manager", password="a long walk in the hills")
    here = await staff.sign_in(
        db, email="chitra@example.org", password="a long walk in the hills", network="10.0.0.1", user_agent=""
    )
    for token, status in ((here.token, 200), ("of nobody", 401)):
        short, long = [
            await way.get(f"/api/payments/transactions?{query}", headers={"Cookie": f"jklg_staff={token}"})
            for way in both_ways
        ]
        assert (short.status_code, short.json()) == (long.status_code, long.json())
        assert _without_id(short.headers) == _without_id(long.headers)
        assert short.status_code in (status, 400, 422)


def _without_id(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "x-request-id"}


@get("/api/trips/{trip:str}/photos", opt=hot.HOT)
async def photos(
    request: Request[Any, Any, Any],
    trip: FromPath[str],
    limit: Annotated[int, QueryParameter(ge=1, le=50)] = 20,
    after: Annotated[str | None, QueryParameter(name="cursor")] = None,
) -> dict[str, Any]:
    """A hot door with something in its path and in its query."""
    return {"trip": trip, "limit": limit, "after": after, "seen": request.path_params}


@pytest.mark.parametrize(
    "address",
    [
        "/api/trips/leh/photos",
        "/api/trips/*/photos",
        "/api/trips/a%2Fb/photos",
        "/api/trips/%E0%A5%90%20om/photos",
        "/api/trips/%FF/photos",
        "/api/trips/leh/photos/",
        "/api/trips//photos",
        "/api/trips/leh/photos/x",
        "/api/trips/leh/photos?",
        "/api/trips/leh/photos?limit=7&cursor=abc",
        "/api/trips/leh/photos?limit=7&limit=8",
        "/api/trips/leh/photos?limit=51",
        "/api/trips/leh/photos?limit=seven",
        "/api/trips/leh/photos?limit=seven&cursor=x",
        "/api/trips/leh/photos?limit=",
        "/api/trips/leh/photos?cursor=",
        "/api/trips/leh/photos?cursor=%FF%00&unknown=1",
        "/api/trips/leh/photos?trip=other&after=x&request=1",
    ],
)
async def test_path_and_query_are_read_the_same_both_ways(settings: Settings, address: str) -> None:
    @asynccontextmanager
    async def nothing(_: Litestar) -> AsyncIterator[None]:
        yield

    short, long = [assemble([photos], settings=settings, lifespan=nothing) for _ in range(2)]
    assert set(short.hot) == {("GET", "/api/trips/*/photos")}  # type: ignore[attr-defined]
    long.hot = {}  # type: ignore[attr-defined]
    async with short.lifespan(), long.lifespan(), _client(short) as one, _client(long) as other:
        assert _told(await one.get(address)) == _told(await other.get(address))


async def _allow_all(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    pass


def _door(path: str, handler: Any, **options: Any) -> Any:
    return get(path, opt=hot.HOT, **options)(handler)


async def _of_a_name(name: FromPath[str]) -> str:
    return name


async def _of_a_number(number: FromPath[int]) -> int:
    return number


async def _a_word() -> str:
    return "word"


async def _must_be_asked(word: FromQuery[str]) -> str:
    return word


@pytest.mark.parametrize(
    ("door", "why"),
    [
        (_door("/hot/{name:str}", _of_a_name), "before its last word"),
        (_door("/hot/{number:int}/x", _of_a_number), "'number'"),
        (_door("/hot", _must_be_asked), "'word'"),
        (_door("/hot/{name:str}/x", _of_a_name, guards=[_allow_all]), "no guards"),
        (_door("/hot", _must_be_asked, dependencies={"word": Provide(_a_word)}), "no dependencies"),
    ],
)
def test_a_hot_door_takes_nothing_that_only_the_framework_can_give(door: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        hot.doors(Litestar([door]))
