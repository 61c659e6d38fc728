"""Dates and prices on other people's sites: one page may be framed, and it holds nothing worth stealing."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from jklg import bookings
from jklg.kit.db import Database
from jklg.settings import Settings
from jklg.web.static_files import shelf
from tests.enquiries.test_contact import sign_in
from tests.trade import add_departure, add_package, hold


async def test_only_the_list_may_be_framed_and_it_sets_no_cookie(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    package_id = await add_package(db, name="Kashmir & Bliss")
    departure = await add_departure(db, package_id=package_id, seats=2)
    async with db.connection() as conn:
        slug = await conn.fetchval("SELECT slug FROM packages WHERE id = $1", package_id)
    for path in (f"/embed/packages/{slug}", f"/hi/embed/packages/{slug}", "/embed/packages/atlantis"):
        seen = await client.get(path)
        policy = seen.headers["content-security-policy"]
        assert "frame-ancestors *" in policy and "frame-ancestors 'none'" not in policy
        assert "default-src 'none'" in policy and "'unsafe" not in policy
        assert "set-cookie" not in seen.headers and "x-frame-options" not in seen.headers
        assert (
            seen.headers["cache-control"] == "public, max-age=60"
            and seen.headers["cross-origin-resource-policy"] == "cross-origin"
        )
        assert "<form" not in seen.text and not re.findall(r'(?:src|href)="https?:', seen.text)
        assert all('target="_blank" rel="noopener"' in link for link in re.findall("<a [^>]*>", seen.text))
        assert seen.status_code == (404 if "atlantis" in path else 200)
    told = (await client.get(f"/embed/packages/{slug}")).text
    assert (
        "Kashmir &amp; Bliss" in told
        and "2 seats left" in told
        and f'href="/checkout?departure={departure}&amp;adult=2"' in told
    )
    assert f'href="/hi/checkout?departure={departure}' in (await client.get(f"/hi/embed/packages/{slug}")).text
    await hold(db, departure)
    told = (await client.get(f"/embed/packages/{slug}")).text
    assert "Sold out" in told and "/checkout" not in told
    for path in (
        "/",
        f"/packages/{slug}",
        "/packages",
        "/checkout",
        "/bookings",
        "/contact",
        "/login",
        "/staff/sign-in",
        "/embed",
        "/embed/x",
        "/nothing",
    ):
        other = await client.get(path)
        assert "frame-ancestors 'none'" in other.headers["content-security-policy"], path
    held = await hold(db, await add_departure(db))
    door = await client.get(f"/manage/{held.reference}/{bookings.manage_token(settings.secret, held.id)}")
    assert "frame-ancestors 'none'" in door.headers["content-security-policy"]


async def test_the_script_is_small_and_any_site_may_load_it(client: httpx.AsyncClient) -> None:
    script = await client.get("/embed.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin" and "set-cookie" not in script.headers
    assert "max-age=3600" in script.headers["cache-control"]
    assert len(shelf().files[shelf().addresses["embed.js"]].content) < 2500
    assert "cookie" not in re.sub("//.*", "", script.text) and "innerHTML" not in script.text


async def test_staff_find_what_to_copy(client: httpx.AsyncClient, db: Database, settings: Settings) -> None:
    package_id = await add_package(db, name='Kashmir "Bliss" <b>')
    async with db.connection() as conn:
        slug = await conn.fetchval("SELECT slug FROM packages WHERE id = $1", package_id)
    await sign_in(client, db, "Admin")
    assert 'href="/staff/embed"' in (await client.get("/staff/agency")).text
    page = await client.get(f"/staff/embed?package={slug}")
    link, frame = [html.unescape(each) for each in re.findall(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)]
    assert f'data-book="{slug}"' in link and f'<script async src="{settings.public_url}/embed.js"></script>' in link
    assert f'src="{settings.public_url}/embed/packages/{slug}"' in frame
    assert "Kashmir &#34;Bliss&#34; &lt;b&gt;" in frame, "a name is no markup on the other site either"


@pytest.mark.parametrize("role", ["Support", ""])
async def test_others_have_no_business_there(client: httpx.AsyncClient, db: Database, role: str) -> None:
    if role:
        await sign_in(client, db, role)
    assert (await client.get("/staff/embed")).status_code == (403 if role else 303)
