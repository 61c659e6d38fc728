"""What every answer carries, and who may send a form."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from jklg.app import House, create_app
from jklg.web import front
from jklg.web.front import FrontDoor, content_security_policy
from tests.front import front_of
from tests.trade import add_departure
from tests.web.test_idempotency import wish


@asynccontextmanager
async def visiting(house: House, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The same house with other settings."""
    other = dataclasses.replace(house, settings=dataclasses.replace(house.settings, **changes))
    app = create_app(other)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client,
    ):
        yield client


async def test_every_page_carries_its_protection(client: httpx.AsyncClient) -> None:
    for path in ("/", "/packages", "/nothing", "/api/nothing", "/robots.txt"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "strict-transport-security" not in headers, "not on plain http"


async def test_pages_hold_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    for path in ("/", "/packages", "/how-booking-works", "/schema/", "/bookings"):
        text = (await client.get(path)).text
        assert not re.search(r"""<script(?![^>]*(?:\bsrc=|type="application/ld\+json"))[^>]*>""", text), path
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style", text), path


async def test_in_production_on_https_plain_connections_are_given_up(house: House) -> None:
    async with visiting(house, env="production", public_url="https://jklg.example") as client:
        assert "max-age=31536000" in (await client.get("/")).headers["strict-transport-security"]


def test_a_widget_adds_to_the_policy_and_takes_nothing_away() -> None:
    policy = content_security_policy({"script-src": ["https://js.example"], "frame-src": ["https://js.example"]})
    assert "script-src 'self' https://js.example" in policy
    assert "frame-src 'self' https://js.example" in policy
    for directive, sources in front.CSP.items():
        assert all(source in policy for source in sources), directive


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:3000"}, False),
        ({"Origin": "http://localhost:3000"}, True),
        ({"Origin": "http://mallory.example"}, False),
        ({"Origin": "null"}, False),
        ({"Cookie": "jklg_bookings=x"}, False),
        ({}, True),
    ],
)
async def test_mallory_cannot_send_our_forms_from_her_site(
    client: httpx.AsyncClient, headers: dict[str, str], welcome: bool
) -> None:
    answer = await client.post("/checkout", data={"departure": "x"}, headers=headers)
    assert answer.status_code == (404 if welcome else 403)
    if not welcome:
        assert "sent from another site" in answer.text


async def test_the_api_reads_no_cookie_of_guests_so_it_needs_no_such_check(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/quotes", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.json()["code"] == "missing_field"


async def test_only_the_older_client_on_its_own_origin_may_call_the_api_from_a_browser(house: House) -> None:
    async with visiting(house, frontend_url="http://localhost:5173") as client:
        ask = {"Access-Control-Request-Method": "POST"}
        theirs = await client.options("/api/quotes", headers={"Origin": "http://localhost:5173", **ask})
        assert theirs.status_code == 204
        assert theirs.headers["access-control-allow-origin"] == "http://localhost:5173"
        assert "access-control-allow-credentials" not in theirs.headers
        stranger = await client.options("/api/quotes", headers={"Origin": "http://mallory.example", **ask})
        assert "access-control-allow-origin" not in stranger.headers
        page = await client.get("/", headers={"Origin": "http://localhost:5173"})
        assert "access-control-allow-origin" not in page.headers
        refused = await client.post("/api/quotes", json={}, headers={"Origin": "http://localhost:5173"})
        assert refused.headers["access-control-allow-origin"] == "http://localhost:5173"


async def test_a_forwarded_address_is_believed_from_our_own_proxies_only(house: House) -> None:
    settings = dataclasses.replace(house.settings, trusted_proxies=("10.0.0.0/8",))
    door = FrontDoor(None, settings, None)  # type: ignore[arg-type]
    told = [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.7, 10.0.0.2")]
    assert door._client(("10.0.0.1", 5), told) == ("198.51.100.7", 0)
    assert door._client(("192.0.2.1", 5), told) == ("192.0.2.1", 5)
    assert door._client(("10.0.0.1", 5), [(b"x-forwarded-for", b"rubbish")]) == ("10.0.0.1", 5)


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/packages")
    assert answer.status_code == 200
    assert answer.content == b""


async def test_static_files_are_kept_for_a_year_under_the_hash_of_their_content(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    address = re.search(r'href="(/static/house\.[0-9a-f]{10}\.css)"', page)
    assert address
    sheet = await client.get(address.group(1))
    assert "immutable" in sheet.headers["cache-control"]
    fonts = re.findall(r'url\("(/static/fonts/[^"]+)"\)', sheet.text)
    assert len(fonts) == 4
    assert sheet.headers["content-encoding"] == "gzip"
    plain = await client.get(address.group(1), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == sheet.content
    for font in fonts:
        assert (await client.get(font)).headers["content-type"] == "font/woff2"
    assert (await client.get("/static/house.css")).headers["cache-control"] == "no-cache"
    assert (await client.get("/static/../render.py")).status_code == 404
    assert (await client.get("/static/house.0000000000.css")).status_code == 404


async def test_a_page_asks_nobody_else_for_anything(client: httpx.AsyncClient) -> None:
    for path in ("/", "/packages", "/schema/"):
        asked = re.findall(r'(?:src|href|action)="((?:https?:)?//[^"]*)', (await client.get(path)).text)
        assert [url for url in asked if not url.startswith(str(client.base_url))] == []


async def test_robots_keep_out_of_what_is_personal(client: httpx.AsyncClient) -> None:
    text = (await client.get("/robots.txt")).text
    assert "Disallow: /bookings" in text
    assert (await client.get("/bookings")).headers["x-robots-tag"] == "noindex"


async def asked(house: House, method: str, path: str, host: bytes, query: bytes = b"", **sent: Any) -> tuple[int, str]:
    """(status, where it leads to or what was said) of a request as it may come over the wire, whatever no client of ours would send."""
    body = msgspec.json.encode(sent) if sent else b""
    headers = [(b"host", host), (b"content-type", b"application/json")] + [
        (b"idempotency-key", b"a-key-of-hers")
    ] * bool(sent)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": query, "root_path": "", "headers": headers, "client": ("192.0.2.1", 4711), "server": ("127.0.0.1", 3000),
    }  # fmt: skip
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await front_of(house)(scope, receive, send)
    leads = dict(said[0]["headers"]).get(b"location", b"")
    return said[0]["status"], leads.decode() or said[1]["body"].decode()


@pytest.mark.parametrize("host", [b"x:y", b"x:99999", b"x:-1", b"[", b"[::1", b""])
@pytest.mark.parametrize("query", [b"", b"\xff=\xff&%ff"])
async def test_whatever_the_host_header_says_doors_lead_where_they_lead(
    client: httpx.AsyncClient, house: House, host: bytes, query: bytes
) -> None:
    """Nothing of it is believed, and nothing of it is read: `x:99999` is no port, and a query need not be UTF-8."""
    assert await asked(house, "GET", "/account", host, query) == (303, "/login?next=%2Faccount")
    assert await asked(house, "GET", "/staff", host, query) == (303, "/staff/sign-in?next=%2Fstaff")
    status, said = await asked(house, "GET", "/api/payments/methods", host, query)
    assert (status, msgspec.json.decode(said)["code"]) == (422, "parameter_missing"), "the framework refuses this one"
    wanted = wish(await add_departure(house.db))
    first, again = [await asked(house, "POST", "/api/bookings", host, query, **wanted) for _ in range(2)]
    assert first[0] == 201 and again == first
