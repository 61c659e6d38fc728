"""/dev/mail: what would have been sent, for whoever tries the house out."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx
import pytest

from jklg import mail
from jklg.app import House, build_house, create_app

NOBODYS = "019aa000-0000-7000-8000-000000000001"
HOSTILE = '<script>alert("x")</script>'


async def caught(house: House, **changes: str) -> None:
    letter = {
        "kind": "booking_confirmed",
        "once_key": "confirmed:1",
        "to_address": "asha@example.org",
        "to_name": f"Asha {HOSTILE}",
        "subject": f"Booked {HOSTILE}",
        "text": f"Dear Asha, {HOSTILE}",
        "html": "<p>Dear Asha</p>",
        **changes,
    }
    async with house.db.transaction() as conn:
        await mail.write(conn, [mail.Letter(**letter)])  # type: ignore[arg-type]
    await mail.send_due(house)


async def test_the_list_leads_to_the_mail_and_its_three_sides(house: House, client: httpx.AsyncClient) -> None:
    assert "Nothing yet." in (await client.get("/dev/mail")).text
    await caught(house)
    listed = (await client.get("/dev/mail")).text
    link = listed.partition('href="/dev/mail/')[2].partition('"')[0]
    one = await client.get(f"/dev/mail/{link}")
    assert one.status_code == 200
    for part in (
        "Message-ID",
        f"{link}@jklg",
        "asha@example.org",
        "caught",
        f'src="/dev/mail/{link}/html"',
        "sandbox=",
    ):
        assert part in one.text, part
    for page in (listed, one.text):
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page


async def test_the_html_of_a_mail_can_do_nothing_to_us(house: House, client: httpx.AsyncClient) -> None:
    await caught(house, html=f"<p>Dear Asha</p>{HOSTILE}")
    link = (await client.get("/dev/mail")).text.partition('href="/dev/mail/')[2].partition('"')[0]
    answer = await client.get(f"/dev/mail/{link}/html")
    policy = answer.headers["content-security-policy"]
    assert (
        "default-src 'none'" in policy
        and "sandbox" in policy
        and "allow-scripts" not in policy
        and "allow-same-origin" not in policy
    )
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_mail_with_an_impossible_address_can_still_be_looked_at(
    house: House, client: httpx.AsyncClient
) -> None:
    await caught(house, to_address="nowhere at all")
    link = (await client.get("/dev/mail")).text.partition('href="/dev/mail/')[2].partition('"')[0]
    assert "Cannot be sent" in (await client.get(f"/dev/mail/{link}")).text


@pytest.mark.parametrize("path", ["/dev/mail/x", f"/dev/mail/{NOBODYS}", f"/dev/mail/{NOBODYS}/html"])
async def test_what_is_no_mail_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    "earnest", [{"env": "production", "public_url": "https://agency.example"}, {"stripe_secret_key": "sk_live_abc"}]
)
async def test_in_production_and_beside_live_keys_these_addresses_do_not_exist(
    house: House, earnest: dict[str, Any]
) -> None:
    """Development is the default: a house with live keys that had not said production showed everybody's mails to everybody."""
    await caught(house)
    async with house.db.transaction() as conn:
        mail_id = await conn.fetchval("SELECT id FROM mail_outbox")
    settings = dataclasses.replace(house.settings, smtp_host="127.0.0.1", **earnest)
    strict = await build_house(settings, house.db, {})
    application = create_app(strict)
    transport = httpx.ASGITransport(app=application)
    async with application.lifespan(), httpx.AsyncClient(transport=transport, base_url=settings.public_url) as browser:
        for path in (
            "/dev/mail",
            "/dev/mail/templates",
            "/dev/mail/templates/goodbye",
            f"/dev/mail/{mail_id}",
            f"/dev/mail/{mail_id}/html",
        ):
            answer = await browser.get(path)
            assert answer.status_code == 404 and "Asha" not in answer.text
