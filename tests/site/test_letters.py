"""/dev/mail/templates: every letter there is can be looked at before anybody gets one."""

from __future__ import annotations

import httpx
import pytest

from jklg.site import letters
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import TERMS


async def test_every_letter_of_the_house_is_shown(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/dev/mail/templates")).text
    assert len(letters.names()) > 15
    for name in letters.names():
        assert f'href="/dev/mail/templates/{name}"' in listed
        one = await client.get(f"/dev/mail/templates/{name}")
        assert one.status_code == 200 and f'src="/dev/mail/templates/{name}/html"' in one.text
        alone = await client.get(f"/dev/mail/templates/{name}/html")
        assert "sandbox" in alone.headers["content-security-policy"] and "JKLG" in alone.text


async def test_they_speak_of_the_newest_booking(street: Street) -> None:
    shown = {each.name: each for each in await letters.show(street.db, street.house.settings)}
    assert "Gurez by foot" in shown["booking_confirmed"].text
    held = await street.asha_holds_under_terms(TERMS)
    await street.asha_pays(held.id)
    shown = {each.name: each for each in await letters.show(street.db, street.house.settings)}
    assert held.reference in shown["booking_confirmed"].text and "Kashmir Bliss" in shown["balance_due"].text
    assert "INR 9,999.60" in shown["payment_receipt"].subject


@pytest.mark.parametrize("path", ["/dev/mail/templates/nothing", "/dev/mail/templates/nothing/html"])
async def test_what_is_no_letter_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_every_letter_stands_alone_as_text(street: Street) -> None:
    """The text part has no markup, no line a narrow screen would break badly, and every link that the HTML has."""
    for each in await letters.show(street.db, street.house.settings):
        assert "<" not in each.text and "&amp;" not in each.text, each.name
        assert max(len(line) for line in each.text.splitlines() if "http" not in line) <= 120, each.name
        for link in {part.partition('"')[0] for part in each.html.split('<a href="')[1:]}:
            assert link in each.text, (each.name, link)
