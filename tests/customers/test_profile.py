"""Asha looks at and changes what she told of herself; to everybody else she is not there."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.customers.people import BENS, MALLORYS, People, people, refused  # noqa: F401  (a fixture)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 30
Json = dict[str, Any]


class Asha:
    """A customer at her own doors."""

    def __init__(self, people: People, made: Json) -> None:
        self.people, self.id, self.token = people, made["customerId"], made["token"]

    async def ask(self, method: str, path: str = "", body: Any = None, **how: Any) -> httpx.Response:
        return await self.people.ask(method, f"/{self.id}{path}", body, **{"token": self.token, **how})

    async def me(self) -> Json:
        answer = await self.people.ask("GET", "/me", token=self.token)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()["customer"]
        return found


@pytest.fixture
async def asha(people: People) -> Asha:
    return Asha(people, await people.join())


async def test_asha_sees_herself_in_the_words_of_the_contract(asha: Asha) -> None:
    me = await asha.me()
    assert list(me) == [
        "id", "email", "name", "phone", "avatar", "address", "verified_at", "status", "created_at", "loyalty_points",
    ]  # fmt: skip
    assert (me["id"], me["email"], me["name"], me["status"]) == (asha.id, "asha@example.org", "Asha Rao", "active")
    assert (me["phone"], me["avatar"], me["address"], me["loyalty_points"]) == (None, None, None, 0)


@pytest.mark.parametrize("token", ["", "x", "x.y.z"])
async def test_without_a_token_of_ours_nobody_is_anybody(people: People, token: str) -> None:
    refused(await people.ask("GET", "/me", token=token), 401, "not_signed_in")


async def test_a_session_that_was_ended_fails_on_its_next_request(asha: Asha) -> None:
    assert (await asha.people.post("/logout", token=asha.token)).status_code == 200
    refused(await asha.people.ask("GET", "/me", token=asha.token), 401, "not_signed_in")
    refused(await asha.ask("PUT", body={"name": "Asha"}), 401, "not_signed_in")


async def test_asha_edits_her_profile_and_what_she_does_not_name_stays(asha: Asha) -> None:
    wanted = {
        "name": "  Asha   Rao-Iyer ", "phone": "+91 98765 43210", "address": "12 Boulevard Road", "city": "Srinagar",
        "state_province": "J&K", "postal_code": "190001", "country": "IN", "date_of_birth": "1990-02-28", "gender": "f",
        "preferences": {"newsletter": True, "diet": "vegetarian", "seats": 2, "pace": 1.5, "guide": None},
    }  # fmt: skip
    answer = await asha.ask("PUT", body=wanted)
    assert answer.status_code == 200, answer.text
    edited = answer.json()["customer"]
    assert {field: edited[field] for field in wanted} == {**wanted, "name": "Asha Rao-Iyer"}
    again = (await asha.ask("PUT", body={"city": None})).json()["customer"]
    assert (again["city"], again["country"], again["date_of_birth"]) == ("", "IN", "1990-02-28")
    assert (await asha.ask("GET", "/profile")).json() == {"customer": again}
    assert (await asha.me())["phone"] == "+91 98765 43210"
    assert "customer.edited" in await asha.people.history(asha.id)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "nothing_to_update"),
        ({"name": "  "}, "name_invalid"),
        ({"name": None}, "wrong_type"),
        ({"name": "A\x07"}, "name_invalid"),
        ({"phone": "call me"}, "phone_invalid"),
        ({"city": "x" * 101}, "text_invalid"),
        ({"city": "a\u202eb"}, "text_invalid"),
        ({"gender": 7}, "wrong_type"),
        ({"date_of_birth": "1890-01-01"}, "date_of_birth_invalid"),
        ({"date_of_birth": "2999-01-01"}, "date_of_birth_invalid"),
        ({"date_of_birth": "yesterday"}, "wrong_type"),
        ({"preferences": {str(n): 1 for n in range(51)}}, "preferences_invalid"),
        ({"preferences": {"essay": "x" * 900, **{str(n): "y" * 900 for n in range(5)}}}, "preferences_invalid"),
        ({"avatar": "https://mallory.example/pixel.png"}, "avatar_invalid"),
        ({"avatar": "javascript:alert(1)"}, "avatar_invalid"),
    ],
)
async def test_what_cannot_stand_in_a_profile_is_refused(asha: Asha, body: Json, code: str) -> None:
    refused(await asha.ask("PUT", body=body), 400, code)
    assert (await asha.me())["name"] == "Asha Rao"


@pytest.mark.parametrize("field", ["email", "status", "loyalty_points", "is_email_verified", "password_hash"])
async def test_nobody_edits_what_is_ours_to_say(asha: Asha, field: str) -> None:
    refused(await asha.ask("PUT", body={field: "x"}), 422, "unknown_field")


async def test_a_pending_account_reads_and_edits_itself_and_nothing_else(people: People) -> None:
    ben = Asha(people, await people.register("ben@example.org", name="Ben", at=BENS))
    assert (await ben.me())["status"] == "pending"
    assert (await ben.ask("PUT", body={"name": "Ben Iyer"})).status_code == 200
    for method, path, body in [
        ("GET", "/addresses", None), ("GET", "/preferences", None), ("GET", "/avatar", None), ("DELETE", "/avatar", None),
        ("GET", "/bookings", None), ("POST", "/claim-bookings", None), ("GET", "/export", None),
    ]:  # fmt: skip
        refused(await ben.ask(method, path, body), 403, "email_not_verified")


async def test_customers_are_nobody_to_the_public_until_they_publish_something(asha: Asha) -> None:
    people = asha.people
    own = await asha.ask("GET")
    assert own.status_code == 200
    assert own.json()["customer"]["name"] == "Asha R."
    assert set(own.json()["customer"]) == {"id", "name", "avatar", "verified_at"}
    mallory = Asha(people, await people.join("mallory@example.org", name="Mallory", at=MALLORYS))
    for token in ("", mallory.token, "forged"):
        refused(await people.ask("GET", f"/{asha.id}", token=token), 404, "customer_not_found")


DOORS: list[tuple[str, str, Any]] = [
    ("GET", "", None), ("PUT", "", {"name": "M"}), ("DELETE", "", {"password": "a long walk in the hills"}), ("GET", "/profile", None),
    ("GET", "/addresses", None), ("POST", "/addresses", {"label": "x", "street": "x", "city": "x", "country": "x"}),
    ("PUT", "/addresses/{address}", {"label": "x", "street": "x", "city": "x", "country": "x"}),
    ("DELETE", "/addresses/{address}", None), ("GET", "/preferences", None), ("PUT", "/preferences", {"preferences": {"a": "b"}}),
    ("GET", "/avatar", None), ("PUT", "/avatar", None), ("DELETE", "/avatar", None), ("GET", "/bookings", None),
    ("POST", "/claim-bookings", None), ("GET", "/export", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=lambda part: str(part)[:20])
async def test_mallory_cannot_tell_ashas_account_from_one_that_does_not_exist(
    asha: Asha, method: str, path: str, body: Any
) -> None:
    people = asha.people
    added = await asha.ask("POST", "/addresses", {"label": "Home", "street": "1", "city": "Leh", "country": "IN"})
    assert (await asha.ask("PUT", "/avatar", raw=PNG)).status_code == 200
    path = path.replace("{address}", added.json()["address"]["id"])
    mallory = await people.join("mallory@example.org", name="Mallory", at=MALLORYS)
    for token in (mallory["token"], ""):
        at = {"token": token, "at": MALLORYS}
        seen = [
            await people.ask(method, f"/{whose}{path}", body, **at)
            for whose in (asha.id, "019aa000-0000-7000-8000-000000000001", "nobody")
        ]
        assert {answer.content for answer in seen} == {seen[0].content}
        assert {answer.status_code for answer in seen} == {401 if not token and path + method != "GET" else 404}
        headers = [{name: value for name, value in each.headers.items() if name != "x-request-id"} for each in seen]
        assert headers[0] == headers[1] == headers[2]
    assert (await asha.me())["name"] == "Asha Rao"
    assert len((await asha.ask("GET", "/addresses")).json()["addresses"]) == 1


async def test_preferences_are_small_words_by_name(asha: Asha) -> None:
    assert (await asha.ask("GET", "/preferences")).json() == {"preferences": {}}
    answer = await asha.ask("PUT", "/preferences", {"preferences": {"language": "en", "currency": "INR"}})
    assert answer.json() == {"preferences": {"language": "en", "currency": "INR"}}
    answer = await asha.ask("PUT", "/preferences", {"preferences": {"currency": None, "language": "hi"}})
    assert answer.json() == {"preferences": {"language": "hi"}}
    assert (await asha.ask("GET", "/preferences")).json() == {"preferences": {"language": "hi"}}
    for bad in ({"Language": "x"}, {"": "x"}, {"a": "x" * 501}, {f"k{n}": "v" for n in range(60)}):
        refused(await asha.ask("PUT", "/preferences", {"preferences": bad}), 400, "preferences_invalid")
    refused(await asha.ask("PUT", "/preferences", {"preferences": {"a": 1}}), 400, "wrong_type")
    at_once = [
        asha.ask("PUT", "/preferences", {"preferences": {f"k{n}.{m}": "v" for m in range(12)}}) for n in range(6)
    ]
    assert sorted(answer.status_code for answer in await asyncio.gather(*at_once)) == [200] * 4 + [400] * 2


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
async def test_a_picture_is_what_its_first_bytes_say(asha: Asha, content: bytes, kind: str) -> None:
    answer = await asha.ask("PUT", "/avatar", raw=content)
    assert answer.status_code == 200, answer.text
    place = answer.json()["customer"]["avatar"]
    assert place == f"/api/customers/{asha.id}/avatar" == (await asha.me())["avatar"]
    shown = await asha.ask("GET", "/avatar")
    assert (shown.content, shown.headers["content-type"]) == (content, kind)
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert (await asha.ask("PUT", body={"avatar": place, "city": "Leh"})).status_code == 200, (
        "an unchanged one may be sent back"
    )
    assert (await asha.ask("DELETE", "/avatar")).status_code == 200
    assert (await asha.me())["avatar"] is None
    refused(await asha.ask("GET", "/avatar"), 404, "picture_not_found")
    refused(await asha.ask("DELETE", "/avatar"), 404, "picture_not_found")


async def test_an_avatar_of_null_takes_the_picture_away(asha: Asha) -> None:
    await asha.ask("PUT", "/avatar", raw=PNG)
    assert (await asha.ask("PUT", body={"avatar": None})).json()["customer"]["avatar"] is None
    refused(await asha.ask("GET", "/avatar"), 404, "picture_not_found")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "picture_invalid"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 400, "picture_invalid"),
        (b"GIF89a" + b"\0" * 40, 400, "picture_invalid"),
        (b"RIFF\x24\0\0\0WAVEfmt ", 400, "picture_invalid"),
        (PNG + b"\0" * (1024 * 1024), 413, "too_large"),
    ],
)
async def test_what_is_no_picture_is_refused_whatever_it_calls_itself(
    asha: Asha, content: bytes, status: int, code: str
) -> None:
    refused(await asha.ask("PUT", "/avatar", raw=content), status, code)


async def test_our_pages_show_the_picture_to_whoever_has_the_cookie(asha: Asha) -> None:
    await asha.ask("PUT", "/avatar", raw=JPEG)
    transport = httpx.ASGITransport(app=asha.people.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as browser:
        assert (await browser.get("/account/avatar")).status_code == 404
        browser.cookies.set("jklg_customer", asha.token)
        shown = await browser.get("/account/avatar")
        assert (shown.content, shown.headers["content-type"]) == (JPEG, "image/jpeg")
        assert (await browser.get(f"/api/customers/{asha.id}/avatar")).status_code == 401, "the API reads no cookies"


def test_a_public_name_is_a_first_name_and_an_initial() -> None:
    from jklg.customers.profile.rules import public_name

    assert [public_name(name) for name in ("Asha Rao", "Asha", "Asha Devi Rao Iyer")] == ["Asha R.", "Asha", "Asha I."]
    assert not re.search("Rao", public_name("Asha Rao"))
