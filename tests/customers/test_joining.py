"""Asha opens an account and proves her mailbox; Mallory opens one in her name, and nothing comes of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from jklg import app, jobs
from jklg.kit import passwords
from tests.customers.people import (  # noqa: F401  (people is a fixture)
    ASHAS,
    BENS,
    MALLORYS,
    PASSWORD,
    Json,
    People,
    people,
    refused,
)

ASHA = {"email": "asha@example.org", "password": PASSWORD, "name": "Asha Rao", "phone": "+91 98765 43210"}


async def test_asha_registers_and_confirms_as_her_client_has_always_done(people: People) -> None:
    made = await people.post("/register", ASHA)
    assert made.status_code == 201
    assert made.json() == {
        "customerId": made.json()["customerId"],
        "token": made.json()["token"],
        "message": "Please check your mail and confirm your address.",
        "requiresVerification": True,
    }
    letter = await people.letter("verify_email", "asha@example.org")
    assert letter.address.startswith(f"{people.house.settings.public_url}/verify-email?token=")
    assert letter.link["customerId"] == made.json()["customerId"]
    confirmed = await people.post("/verify-email", letter.link, token=made.json()["token"])
    assert confirmed.status_code == 200
    customer = confirmed.json()["customer"]
    assert set(confirmed.json()) == {"message", "customer"}
    assert set(customer) == {
        "id", "email", "name", "phone", "avatar", "address", "verified_at", "status", "created_at", "loyalty_points",
    }  # fmt: skip
    assert (customer["status"], customer["name"], customer["phone"]) == ("active", "Asha Rao", "+91 98765 43210")
    assert customer["verified_at"]
    entered = await people.login()
    assert entered.status_code == 200 and entered.json()["customer"] == customer
    assert (await people.rows("SELECT joined_from FROM customers"))[0][0] == ""
    assert (await people.history(customer["id"]))[:3] == [
        "customer.signed_in", "customer.registered", "customer.verified",
    ]  # fmt: skip


async def test_the_registrations_token_sees_everything_once_the_address_is_confirmed(people: People) -> None:
    made = await people.register()
    refused(await people.ask("GET", "/sessions", token=made["token"]), 403, "email_not_verified")
    letter = await people.letter("verify_email", "asha@example.org")
    assert (await people.post("/verify-email", letter.link, token=made["token"])).status_code == 200
    assert (await people.ask("GET", "/sessions", token=made["token"])).status_code == 200


async def test_the_code_works_as_well_as_the_link_from_any_device(people: People) -> None:
    await people.register()
    code = (await people.letter("verify_email", "asha@example.org")).code
    typed = f" {code[:3].lower()}-{code[3:]} "
    confirmed = await people.post("/verify-email", {"email": "Asha@Example.org", "code": typed}, at=BENS)
    assert confirmed.status_code == 200
    assert "token" not in confirmed.json(), "a code confirms, it does not sign in"
    again = await people.post("/verify-email", {"email": "asha@example.org", "code": code}, at=BENS)
    refused(again, 400, "verification_invalid")


async def test_a_link_is_good_once_and_for_a_day(people: People) -> None:
    made = await people.register()
    first = await people.letter("verify_email", "asha@example.org")
    people.later(hours=24, minutes=1)
    refused(await people.post("/verify-email", first.link, token=made["token"]), 400, "verification_invalid")
    code = {"email": "asha@example.org", "code": first.code}
    refused(await people.post("/verify-email", code), 400, "verification_invalid")
    assert (await people.post("/resend-verification", {"email": "asha@example.org"})).status_code == 200
    second = await people.letter("verify_email", "asha@example.org")
    assert second.link["token"] != first.link["token"]
    assert (await people.post("/verify-email", second.link, token=made["token"])).status_code == 200
    refused(await people.post("/verify-email", second.link, token=made["token"]), 400, "verification_invalid")


async def test_twenty_verifications_with_one_link_are_one(people: People) -> None:
    made = await people.register()
    letter = await people.letter("verify_email", "asha@example.org")
    answers = await asyncio.gather(*(people.post("/verify-email", letter.link, token=made["token"]) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert (await people.history(made["customerId"])).count("customer.verified") == 1


async def test_two_accounts_race_for_one_address_and_one_has_it(people: People) -> None:
    made = [await people.register(at=ASHAS), await people.register("ASHA@example.org", at=BENS)]
    letters = {letter.link["customerId"]: letter for letter in await people.letters()}
    answers = await asyncio.gather(
        *(
            people.post("/verify-email", letters[each["customerId"]].link, token=each["token"])
            for each in made
            for _ in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    assert await people.rows("SELECT count(*), min(status) FROM customers") == [(1, "active")], (
        "the other claim is gone"
    )


async def test_what_loses_the_address_goes_with_its_sessions_and_links(people: People) -> None:
    mallory = await people.register(at=MALLORYS, password="mallory was here first")
    await people.join()
    refused(await people.ask("GET", "/sessions", token=mallory["token"], at=MALLORYS), 401, "not_signed_in")
    for table in ("customer_sessions", "email_verification_tokens"):
        found = await people.rows(f"SELECT FROM {table} WHERE customer_id = $1::uuid", mallory["customerId"])
        assert found == [], table


async def test_a_mail_scanner_cannot_confirm_mallorys_account_in_ashas_name(people: People) -> None:
    """The predecessor confirmed on GET: a scanner at Asha's employer opened the link, and Mallory had an account in her name."""
    made = await people.register(at=MALLORYS)
    letter = await people.letter("verify_email", "asha@example.org")
    await people.ask(
        "GET", f"/verify-email?token={letter.link['token']}&customerId={letter.link['customerId']}", at=BENS
    )
    refused(await people.post("/verify-email", letter.link, at=BENS), 400, "confirm_with_password")
    refused(
        await people.post("/verify-email", {**letter.link, "password": "a guess that is wrong"}, at=BENS),
        401,
        "invalid_credentials",
    )
    ben = await people.join("ben@example.org", name="Ben", at=BENS)
    refused(await people.post("/verify-email", letter.link, token=ben["token"], at=BENS), 400, "confirm_with_password")
    assert (await people.rows("SELECT status FROM customers WHERE id = $1::uuid", made["customerId"]))[0][
        0
    ] == "pending"


@pytest.mark.parametrize("proof", ["the token", "the password", "the network"])
async def test_the_link_is_good_together_with_something_of_the_registration(people: People, proof: str) -> None:
    made = await people.register(at=ASHAS)
    link = (await people.letter("verify_email", "asha@example.org")).link
    answer = await people.post(
        "/verify-email",
        {**link, "password": PASSWORD} if proof == "the password" else link,
        token=made["token"] if proof == "the token" else "",
        at=ASHAS if proof == "the network" else BENS,
    )
    assert answer.status_code == 200, answer.text


async def test_a_registration_that_was_signed_out_confirms_nothing_by_its_token(people: People) -> None:
    made = await people.register(at=MALLORYS)
    link = (await people.letter("verify_email", "asha@example.org")).link
    assert (await people.post("/logout", token=made["token"])).status_code == 200
    refused(await people.post("/verify-email", link, token=made["token"], at=BENS), 400, "confirm_with_password")


async def test_a_link_is_for_one_customer_and_one_purpose(people: People) -> None:
    asha = await people.join()
    assert (await people.post("/forgot-password", {"email": "asha@example.org"})).status_code == 200
    reset = (await people.letter("password_reset", "asha@example.org")).link
    refused(await people.post("/verify-email", reset, token=asha["token"]), 400, "verification_invalid")
    refused(await people.post("/confirm-email", reset, token=asha["token"]), 400, "verification_invalid")
    refused(await people.post("/undo-email-change", reset), 400, "verification_invalid")
    ben = await people.register("ben@example.org", at=BENS)
    bens = (await people.letter("verify_email", "ben@example.org")).link
    wrong = {"customerId": asha["customerId"], "token": bens["token"]}
    refused(await people.post("/verify-email", wrong, token=asha["token"]), 400, "verification_invalid")
    refused(await people.post("/reset-password", {**bens, "newPassword": "another long walk"}), 400, "reset_invalid")
    assert (await people.post("/verify-email", bens, token=ben["token"])).status_code == 200


async def test_a_code_can_be_guessed_five_times_and_the_link_goes_on_working(people: People) -> None:
    made = await people.register()
    letter = await people.letter("verify_email", "asha@example.org")
    wrong = "AAAAAA" if letter.code != "AAAAAA" else "BBBBBB"
    for _ in range(5):
        refused(
            await people.post("/verify-email", {"email": "asha@example.org", "code": wrong}, at=MALLORYS),
            400,
            "verification_invalid",
        )
    right = {"email": "asha@example.org", "code": letter.code}
    refused(await people.post("/verify-email", right, at=BENS), 400, "verification_invalid")
    assert (await people.post("/verify-email", letter.link, token=made["token"])).status_code == 200


async def test_mallory_learns_nothing_from_registering_ashas_address(people: People) -> None:
    asha = await people.join()
    before = await people.kinds("asha@example.org")
    known = await people.post("/register", {**ASHA, "name": "M"}, at=MALLORYS)
    unknown = await people.post("/register", {**ASHA, "email": "nobody@example.org", "name": "M"}, at=MALLORYS)
    assert _shape(known) == _shape(unknown)
    assert (await people.kinds("asha@example.org")) == [*before, "already_have_account"]
    assert (await people.kinds("nobody@example.org")) == ["verify_email"]
    found = await people.rows(
        "SELECT count(*) FROM customers WHERE lower(email) = 'asha@example.org' AND is_email_verified"
    )
    assert found[0][0] == 1
    assert asha["customerId"] != known.json()["customerId"]


async def test_mallory_learns_nothing_from_signing_in_with_the_password_she_registered_with(people: People) -> None:
    """One answer for her own registration, whether the address has an account or not: else register and sign in would tell."""
    await people.join()
    answers = []
    for email in ("asha@example.org", "nobody@example.org"):
        await people.register(email, "mallory knows this one", "M", at=MALLORYS)
        answers.append(await people.login(email, "mallory knows this one", at=MALLORYS))
    assert _shape(answers[0]) == _shape(answers[1])
    assert answers[0].status_code == 403


def _shape(answer: httpx.Response) -> Any:
    """Everything that a stranger can compare."""
    body: Json = answer.json()
    words = {name: value for name, value in body.items() if name not in ("customerId", "token")}
    headers = {name for name in answer.headers if name != "x-request-id"}
    sizes = {name: len(str(value)) for name, value in body.items()}
    return answer.status_code, words, headers, sizes


async def test_sending_again_answers_the_same_for_everybody(people: People) -> None:
    await people.join()
    await people.register("ben@example.org", at=BENS)
    answers = [
        await people.post("/resend-verification", {"email": email}, at=MALLORYS)
        for email in ("asha@example.org", "ben@example.org", "nobody@example.org")
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert await people.kinds("ben@example.org") == ["verify_email", "verify_email"]
    assert (await people.kinds("asha@example.org")).count("verify_email") == 1
    assert await people.kinds("nobody@example.org") == []


async def test_of_two_registrations_the_one_that_asks_gets_the_mail(people: People) -> None:
    asha = await people.register()
    await people.register(at=MALLORYS)
    await people.letters()
    await people.post("/resend-verification", {"email": "asha@example.org"}, token=asha["token"])
    assert (await people.letters())[0].link["customerId"] == asha["customerId"]


async def test_a_mailbox_cannot_be_bombed(people: People) -> None:
    for number in range(12):
        await people.post("/register", ASHA, at=f"203.0.113.{number}")
        await people.post("/resend-verification", {"email": "asha@example.org"}, at=f"203.0.113.{number}")
    assert 1 <= len(await people.kinds("asha@example.org")) <= 8
    people.later(hours=2)
    before = len(await people.kinds("asha@example.org"))
    await people.register(at=BENS)
    assert len(await people.kinds("asha@example.org")) == before + 1


async def test_a_stranger_cannot_mail_words_of_their_own_to_a_mailbox(people: People) -> None:
    await people.register(name="Win at http://evil.example now")
    letter = await people.letter("verify_email", "asha@example.org")
    assert "evil" not in letter.text + letter.html + letter.subject


async def test_neither_link_nor_code_lies_anywhere(people: People) -> None:
    made = await people.register()
    letter = await people.letter("verify_email", "asha@example.org")
    await people.post("/forgot-password", {"email": "asha@example.org"})
    kept = await people.everything()
    assert str(UUID(made["customerId"])) in kept
    for secret in (letter.link["token"], letter.code, made["token"], PASSWORD):
        assert secret not in kept


async def test_no_address_stays_in_the_queue(people: People) -> None:
    await people.register()
    for path in ("/resend-verification", "/forgot-password"):
        await people.post(path, {"email": "Nobody.Knows@example.org"})
    queued = "\n".join(
        [row[0] for row in await people.rows("SELECT convert_from(payload, 'utf8') FROM pgqueuer")]
        + [row[0] for row in await people.rows("SELECT t::text FROM pgqueuer_log t")]
    )
    assert "customer_id" in queued
    assert "example.org" not in queued.lower()


async def test_a_second_run_of_the_worker_writes_no_second_mail(people: People) -> None:
    await people.register()
    rows = await people.rows("SELECT entrypoint, convert_from(payload, 'utf8') FROM pgqueuer")
    await jobs.drain(people.house, app.LISTENERS)
    async with people.house.db.transaction() as conn:
        for news, payload in rows:
            await jobs.announce(conn, news, json.loads(payload))
    assert await people.kinds("asha@example.org") == ["verify_email"]
    assert (await people.rows("SELECT count(*) FROM email_verification_tokens"))[0][0] == 1


async def test_registrations_nobody_confirms_are_forgotten_after_thirty_days(people: People) -> None:
    await people.register("ben@example.org", at=BENS)
    await people.letters()
    people.later(days=29)
    await app.SWEEPS["old registrations"](people.house)
    assert (await people.rows("SELECT count(*) FROM customers"))[0][0] == 1
    people.later(days=2)
    assert await app.SWEEPS["old registrations"](people.house) == 1
    assert (await people.rows("SELECT count(*) FROM customers"))[0][0] == 0


async def test_links_that_are_over_are_forgotten_after_a_day(people: People) -> None:
    await people.join()
    await people.post("/forgot-password", {"email": "asha@example.org"})
    await people.letters()
    people.later(days=1)
    assert await app.SWEEPS["old links"](people.house) == 0
    people.later(days=2)
    assert await app.SWEEPS["old links"](people.house) == 2


async def test_links_lead_to_the_older_client_when_there_is_one(people: People) -> None:
    people.house.settings = replace(people.house.settings, frontend_url="https://old.example")
    await people.join()
    await people.post("/forgot-password", {"email": "asha@example.org"})
    for kind, page in (("verify_email", "verify-email"), ("password_reset", "reset-password")):
        address = (await people.letter(kind, "asha@example.org")).address
        assert address.startswith(f"https://old.example/{page}?token=")
        assert "&customerId=" in address


WRONG: list[tuple[Json, int, str]] = [
    ({}, 400, "missing_field"),
    ({**ASHA, "email": "not an address"}, 400, "email_invalid"),
    ({**ASHA, "email": 7}, 400, "wrong_type"),
    ({**ASHA, "email": {"$ne": None}}, 400, "wrong_type"),
    ({**ASHA, "email": None}, 400, "wrong_type"),
    ({**ASHA, "email": "a" * 400 + "@example.org"}, 400, "wrong_type"),
    ({**ASHA, "email": "a\u0000sha@example.org"}, 400, "invalid_character"),
    ({**ASHA, "name": "  "}, 400, "name_invalid"),
    ({**ASHA, "name": "A\u202esha"}, 400, "name_invalid"),
    ({**ASHA, "phone": "call me"}, 400, "phone_invalid"),
    ({**ASHA, "password": 12345678}, 400, "wrong_type"),
    ({**ASHA, "password": "x" * 2000}, 400, "wrong_type"),
    ({**ASHA, "role": "Admin"}, 422, "unknown_field"),
]


@pytest.mark.parametrize(("body", "status", "code"), WRONG)
async def test_what_makes_no_sense_is_refused(people: People, body: Json, status: int, code: str) -> None:
    refused(await people.post("/register", body), status, code)
    assert (await people.rows("SELECT count(*) FROM customers"))[0][0] == 0


@pytest.mark.parametrize("password", ["short", "password", "x" * 129])
async def test_a_password_that_anybody_would_guess_is_refused(people: People, password: str) -> None:
    answer = await people.post("/register", {**ASHA, "password": password})
    assert answer.status_code == 400 and answer.json()["code"].startswith("password_"), answer.text


PATHS = (
    "/register", "/verify-email", "/resend-verification", "/login", "/login/second-factor", "/login/second-factor/options",
    "/passkey", "/prove", "/forgot-password", "/reset-password", "/change-password", "/change-email", "/confirm-email",
    "/undo-email-change",
)  # fmt: skip
FIELDS = (
    "email", "password", "name", "phone", "customerId", "token", "code", "oldPassword", "newPassword", "mfaToken", "method",
    "credential",
)  # fmt: skip
ODD: tuple[bytes, ...] = (
    b"7", b"1e999", b"null", b"true", b"{}", b"[]", b'{"$gt": ""}', b'"\\ud800"', b'"\\u0000"', b'""', b'" "',
    b'"' + b"x" * 100_000 + b'"', '"\u202e"'.encode(), b'"\xff"', b'"019aa000-0000-7000-8000-000000000001"',
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_that_is_sent_breaks_anything(people: People, path: str) -> None:
    """Objects for addresses, numbers for passwords, half a character: the predecessor answered 500."""
    token = (await people.join())["token"]
    fine: dict[str, bytes] = {
        "email": b'"asha@example.org"', "password": b'"a long walk in the hills"', "name": b'"Asha"', "phone": b'""',
        "customerId": b'"019aa000-0000-7000-8000-000000000001"', "token": b'"x"', "code": b'"AAAAAA"',
        "oldPassword": b'"x"', "newPassword": b'"y"', "mfaToken": b'"x"', "method": b'"totp"', "credential": b"{}",
    }  # fmt: skip
    wanted = await _fields(people, path)
    bodies = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000]
    for field in wanted & set(FIELDS):
        for odd in ODD:
            parts = {**{name: fine[name] for name in wanted}, field: odd}
            bodies.append(
                b"{" + b", ".join(b'"%s": %s' % (name.encode(), value) for name, value in parts.items()) + b"}"
            )
    for body in bodies:
        answer = await people.post(path, raw=body, token=token, at=BENS)
        assert answer.status_code < 500, (body[:200], answer.text)
        if answer.status_code >= 400:
            assert {"error", "code"} <= set(answer.json()), answer.text
            assert answer.status_code in (400, 401, 403, 413, 422, 429), answer.text


async def _fields(people: People, path: str) -> set[str]:
    """The names that the document has for a body."""
    document = people.app.openapi_schema.to_schema()
    name = document["paths"][f"/api/customers{path}"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "$ref"
    ]
    return set(document["components"]["schemas"][name.rpartition("/")[2]]["properties"])


async def test_a_password_that_leaked_elsewhere_is_refused_when_the_house_may_ask(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is asked by a short range, in kit.passwords; here only that it is asked, and heard."""
    asked = []

    async def leaked(password: str, url: str) -> bool:
        asked.append(url)
        return password == PASSWORD and url != ""

    monkeypatch.setattr(passwords, "is_breached_online", leaked)
    assert (await people.post("/register", ASHA)).status_code == 201
    people.house.settings = replace(people.house.settings, pwned_url="https://leaks.example/range")
    refused(await people.post("/register", ASHA), 400, "password_common")
    assert asked == ["", "https://leaks.example/range"]
