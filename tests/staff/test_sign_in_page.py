"""The staff's door, as a browser meets it."""

from __future__ import annotations

import httpx
import pytest

from jklg import staff
from jklg.app import House
from jklg.limits import Limit
from jklg.staff import rules

PASSWORD = "a long walk in the hills"
FORM = {"email": "chitra@example.org", "password": PASSWORD}


@pytest.fixture
async def chitra(house: House, client: httpx.AsyncClient) -> httpx.AsyncClient:
    await staff.add(house.db, email="chitra@example.org", name="Chitra", role="Manager", password=PASSWORD)
    client.headers["Origin"] = house.settings.public_url
    return client


async def test_whoever_is_not_signed_in_is_asked_to_and_brought_back(chitra: httpx.AsyncClient) -> None:
    sent = await chitra.get("/staff/bookings/ABCDEF")
    assert (sent.status_code, sent.headers["location"]) == (303, "/staff/sign-in?next=%2Fstaff%2Fbookings%2FABCDEF")
    form = await chitra.get(sent.headers["location"])
    assert 'name="next" value="/staff/bookings/ABCDEF"' in form.text
    back = await chitra.post("/staff/sign-in", data={**FORM, "next": "/staff/bookings/ABCDEF"})
    assert (back.status_code, back.headers["location"]) == (303, "/staff/bookings/ABCDEF")


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/staff//evil.example", "/staff/\\evil", "/staff\n", "javascript:1"],
)
async def test_the_way_back_never_leads_to_another_site(chitra: httpx.AsyncClient, elsewhere: str) -> None:
    assert (await chitra.post("/staff/sign-in", data={**FORM, "next": elsewhere})).headers["location"] == "/staff"


async def test_the_cookie_is_for_us_alone(chitra: httpx.AsyncClient) -> None:
    answer = await chitra.post("/staff/sign-in", data=FORM)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie and "domain" not in cookie
    assert answer.headers["cache-control"] == "no-store"


async def test_signing_in_again_ends_the_session_before(house: House, chitra: httpx.AsyncClient) -> None:
    await chitra.post("/staff/sign-in", data=FORM)
    first = chitra.cookies["jklg_staff"]
    await chitra.post("/staff/sign-in", data=FORM)
    assert chitra.cookies["jklg_staff"] != first
    assert await staff.recognise(house.db, first) is None


async def test_after_signing_out_the_token_is_worth_nothing(house: House, chitra: httpx.AsyncClient) -> None:
    await chitra.post("/staff/sign-in", data=FORM)
    token = chitra.cookies["jklg_staff"]
    assert (await chitra.get("/staff")).status_code == 200
    assert (await chitra.post("/staff/sign-out")).headers["location"] == "/staff/sign-in"
    assert await staff.recognise(house.db, token) is None
    chitra.cookies.set("jklg_staff", token)
    assert (await chitra.get("/staff")).status_code == 303


async def test_another_site_cannot_sign_chitra_out(chitra: httpx.AsyncClient) -> None:
    await chitra.post("/staff/sign-in", data=FORM)
    refused = await chitra.post("/staff/sign-out", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert (await chitra.get("/staff")).status_code == 200


async def test_whoever_tried_too_often_is_told_when_to_come_back(
    chitra: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "HERE", Limit("staff_here", 1, 60))
    wrong = {**FORM, "password": "guess"}
    assert "retry-after" not in (await chitra.post("/staff/sign-in", data=wrong)).headers
    refused = await chitra.post("/staff/sign-in", data=wrong)
    assert refused.status_code == 429 and 0 < int(refused.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 401),
        ({"email": "chitra@example.org"}, 401),
        ({"email": "<script>alert(1)</script>", "password": "x" * 9000}, 401),
        ({"email": "\0", "password": "\0"}, 401),
    ],
)
async def test_a_refused_sign_in_keeps_the_address_that_was_typed_and_never_the_password(
    chitra: httpx.AsyncClient, form: dict[str, str], status: int
) -> None:
    answer = await chitra.post("/staff/sign-in", data=form)
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
    assert "<script>alert" not in answer.text and "x" * 9000 not in answer.text
    if form.get("email", "").startswith("<"):
        assert "&lt;script&gt;alert(1)" in answer.text
