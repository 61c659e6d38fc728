"""Asha comes in, on any of her devices; Mallory does not, cannot keep Asha out, and learns nothing from trying."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import bcrypt
import pytest

from jklg.customers.entering import tries
from jklg.limits import Limit
from tests.customers.people import (  # noqa: F401  (people is a fixture)
    ASHAS,
    BENS,
    MALLORYS,
    PASSWORD,
    People,
    people,
    refused,
)

ANDROID = "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


async def test_asha_signs_in_looks_around_and_signs_out(people: People) -> None:
    joined = await people.join()
    answer = await people.login(" ASHA@Example.org ")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"customerId", "token", "customer"}
    assert body["customerId"] == joined["customerId"] == body["customer"]["id"]
    assert (await people.ask("GET", "/sessions", token=body["token"])).status_code == 200
    assert (await people.post("/logout", token=body["token"])).status_code == 200
    refused(await people.ask("GET", "/sessions", token=body["token"]), 401, "not_signed_in")
    refused(await people.post("/logout", token=body["token"]), 401, "not_signed_in")
    assert (await people.rows("SELECT last_login FROM customers"))[0][0] is not None


async def test_a_session_ends_after_seven_days_however_much_it_is_used(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    people.later(days=6, hours=23)
    assert (await people.ask("GET", "/sessions", token=token)).status_code == 200
    people.later(hours=2)
    refused(await people.ask("GET", "/sessions", token=token), 401, "not_signed_in")


async def test_wrong_unknown_and_unconfirmed_are_one_answer(people: People) -> None:
    await people.join()
    await people.register("ben@example.org", at=BENS)
    answers = [
        await people.login(email, "not the password", at=MALLORYS)
        for email in ("asha@example.org", "ben@example.org", "nobody@example.org", "not an address", "")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (401, '{"error":"Invalid credentials","code":"invalid_credentials"}')
    }
    assert len({tuple(sorted(set(answer.headers))) for answer in answers}) == 1


async def test_an_unconfirmed_account_is_told_so_after_its_own_password_only(people: People) -> None:
    made = await people.register()
    answer = await people.login()
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "Email not verified",
        "code": "email_not_verified",
        "requiresVerification": True,
        "customerId": made["customerId"],
    }
    refused(await people.login(password="not the password"), 401, "invalid_credentials")


@pytest.mark.parametrize("status", ["inactive", "suspended"])
async def test_a_closed_account_is_told_so_after_its_password_only(people: People, status: str) -> None:
    joined = await people.join()
    token = (await people.login()).json()["token"]
    await people.rows("UPDATE customers SET status = $1", status)
    refused(await people.login(), 403, "account_not_active")
    refused(await people.login(password="not the password"), 401, "invalid_credentials")
    for each in (token, joined["token"]):
        refused(await people.ask("GET", "/sessions", token=each), 401, "not_signed_in")


async def test_every_failed_sign_in_costs_the_same_hashes(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two, for whatever address: the account's and the newest registration's, nobody's in place of a missing one."""
    from jklg.kit import passwords

    await people.join()
    await people.register("ben@example.org", at=BENS)
    count = 0
    verify = passwords.verify

    async def counted(*what: Any) -> Any:
        nonlocal count
        count += 1
        return await verify(*what)

    monkeypatch.setattr(passwords, "verify", counted)
    for email in ("asha@example.org", "ben@example.org", "nobody@example.org"):
        count = 0
        refused(await people.login(email, "not the password", at=MALLORYS), 401, "invalid_credentials")
        assert count == 2, email


async def test_mallory_is_stopped_and_asha_is_not(people: People) -> None:
    await people.join(at=ASHAS)
    for _ in range(10):
        refused(await people.login(password="a guess", at=MALLORYS), 401, "invalid_credentials")
    refused(await people.login(password="a guess", at=MALLORYS), 429, "too_many_tries")
    refused(await people.login(at=MALLORYS), 429, "too_many_tries")
    assert (await people.login(at=ASHAS)).status_code == 200
    people.later(minutes=16)
    assert (await people.login(at=MALLORYS)).status_code == 200, "and patience helps"


async def test_an_unknown_address_runs_into_the_same_limit(people: People) -> None:
    for _ in range(10):
        refused(await people.login("nobody@example.org", "a guess", at=MALLORYS), 401, "invalid_credentials")
    refused(await people.login("nobody@example.org", "a guess", at=MALLORYS), 429, "too_many_tries")


async def test_a_thousand_strangers_cannot_keep_asha_from_where_she_has_been(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "ANYWHERE", Limit("sign_in_anywhere", 10, 3600))  # else 100
    await people.join(at=ASHAS)
    statuses = set()
    for number in range(13):
        statuses.add((await people.login(password="a guess", at=f"203.0.113.{number}")).status_code)
    assert statuses == {401, 429}, "the account as a whole is guarded, for networks it does not know"
    refused(await people.login(at="198.51.100.77"), 429, "too_many_tries")
    assert (await people.login(at=ASHAS)).status_code == 200
    people.later(hours=1, minutes=1)
    assert (await people.login(at="198.51.100.77")).status_code == 200


async def test_one_network_cannot_try_one_password_on_everybody(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "NETWORK", Limit("sign_in_network", 12, 15 * 60))  # else 50
    answers = [await people.login(f"somebody{number}@example.org", "123456789", at=MALLORYS) for number in range(13)]
    assert [answer.status_code for answer in answers] == [401] * 12 + [429]
    assert (await people.login("somebody@example.org", at=BENS)).status_code == 401


async def test_a_hundred_guesses_at_once_are_not_all_the_first(people: People) -> None:
    await people.join()
    answers = await asyncio.gather(*(people.login(password="a guess", at=MALLORYS) for _ in range(40)))
    assert sum(answer.status_code == 401 for answer in answers) == 10


async def test_signing_in_rightly_all_day_is_no_failure(people: People) -> None:
    await people.join()
    for _ in range(15):
        assert (await people.login()).status_code == 200


async def test_a_customer_of_the_old_system_comes_in_and_is_better_kept_afterwards(people: People) -> None:
    """bcrypt of the old system read 72 bytes and no more. Its customers keep their passwords; ours are read whole."""
    await people.join()
    long = "x" * 80
    old = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4, prefix=b"2a")).decode()
    await people.rows("UPDATE customers SET password_hash = $1", old)
    refused(await people.login(password="x" * 71), 401, "invalid_credentials")
    assert (await people.login(password=long)).status_code == 200
    now = (await people.rows("SELECT password_hash FROM customers"))[0][0]
    assert now.startswith("$argon2id$")
    assert (await people.login(password=long)).status_code == 200
    refused(await people.login(password="x" * 72 + "something else"), 401, "invalid_credentials")


async def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jklg.kit import passwords

    await people.join()
    verify = passwords.verify

    async def slow(*what: Any) -> Any:
        verdict = await verify(*what)
        await people.rows("UPDATE customers SET password_hash = 'another'")
        return verdict

    monkeypatch.setattr(passwords, "verify", slow)
    refused(await people.login(), 401, "invalid_credentials")


async def test_a_device_never_seen_before_is_told_to_the_owner(people: People) -> None:
    await people.join()
    await people.login()
    assert "new_device" not in await people.kinds("asha@example.org"), "the first one is nothing new"
    await people.login()
    assert "new_device" not in await people.kinds("asha@example.org")
    await people.login(agent=ANDROID, at=BENS)
    letter = await people.letter("new_device", "asha@example.org")
    assert "Firefox on Android" in letter.text and "Firefox on Android" in letter.html
    assert BENS not in letter.text + letter.html
    await people.login(agent=ANDROID)
    assert (await people.kinds("asha@example.org")).count("new_device") == 1


async def test_asha_sees_her_devices_and_ends_what_she_does_not_know(people: People) -> None:
    await people.join()
    mine = (await people.login()).json()["token"]
    lost = (await people.login(agent=ANDROID, at=BENS)).json()["token"]
    ben = await people.join("ben@example.org", name="Ben", at=BENS)
    found = (await people.ask("GET", "/sessions", token=mine)).json()["sessions"]
    assert [session["current"] for session in found].count(True) == 1
    assert {(session["device_info"], session["ip_address"], session["signed_in_by"]) for session in found} == {
        ("Firefox on Linux", ASHAS, "password"),
        ("Firefox on Android", BENS, "password"),
        ("Firefox on Linux", ASHAS, "registration"),
    }
    other = next(session["id"] for session in found if session["device_info"] == "Firefox on Android")
    refused(await people.ask("DELETE", f"/sessions/{other}", token=ben["token"]), 404, "session_not_found")
    assert (await people.ask("GET", "/sessions", token=lost)).status_code == 200
    assert (await people.ask("DELETE", f"/sessions/{other}", token=mine)).status_code == 200
    refused(await people.ask("GET", "/sessions", token=lost), 401, "not_signed_in")
    for unknown in (other, "nonsense"):
        refused(await people.ask("DELETE", f"/sessions/{unknown}", token=mine), 404, "session_not_found")
    assert (await people.ask("DELETE", "/sessions", token=mine)).status_code == 200
    assert len((await people.ask("GET", "/sessions", token=mine)).json()["sessions"]) == 1
    assert (await people.ask("GET", "/sessions", token=ben["token"])).status_code == 200


async def test_proof_is_fresh_for_a_quarter_of_an_hour(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    wish = {"email": "asha@elsewhere.example.org"}
    people.later(minutes=16)
    refused(await people.post("/change-email", wish, token=token), 403, "proof_needed")
    refused(await people.post("/prove", {"password": "not the password"}, token=token), 401, "invalid_credentials")
    refused(await people.post("/prove", {}, token=token), 400, "proof_missing")
    both = await people.post("/prove", {"password": PASSWORD, "code": "123456"}, token=token)
    refused(both, 401, "invalid_credentials")
    refused(await people.post("/change-email", wish, token=token), 403, "proof_needed")
    assert (await people.post("/prove", {"password": PASSWORD}, token=token)).status_code == 200
    assert (await people.post("/change-email", wish, token=token)).status_code == 200
    other = (await people.login()).json()["token"]
    people.later(minutes=16)
    assert (await people.post("/prove", {"password": PASSWORD}, token=other)).status_code == 200
    refused(await people.post("/change-email", wish, token=token), 403, "proof_needed")


async def test_proving_is_counted_like_signing_in(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    for _ in range(10):
        refused(await people.post("/prove", {"password": "a guess"}, token=token), 401, "invalid_credentials")
    refused(await people.post("/prove", {"password": PASSWORD}, token=token), 429, "too_many_tries")


async def test_failures_are_in_the_owners_history_and_say_nothing_of_who_tried(people: People) -> None:
    asha = await people.join()
    await people.login(password="a guess", at=MALLORYS)
    await people.login("nobody@example.org", "a guess", at=MALLORYS)
    assert (await people.history(asha["customerId"])).count("customer.sign_in_failed") == 1
    told = await people.rows("SELECT actor || detail::text FROM history")
    assert not any(word in row[0] for row in told for word in (MALLORYS, "example.org", "Firefox"))


async def test_a_session_signed_with_an_older_key_goes_on(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    settings = people.house.settings
    people.house.settings = replace(settings, secrets=("an entirely new secret, 9876543210", *settings.secrets))
    assert (await people.ask("GET", "/sessions", token=token)).status_code == 200
    people.house.settings = replace(settings, secrets=("an entirely new secret, 9876543210",))
    refused(await people.ask("GET", "/sessions", token=token), 401, "not_signed_in")


async def test_the_clock_of_a_session_is_the_houses(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    (session, *_) = [
        each for each in (await people.ask("GET", "/sessions", token=token)).json()["sessions"] if each["current"]
    ]
    lasts = datetime.fromisoformat(session["expires_at"]) - datetime.fromisoformat(session["created_at"])
    assert lasts == timedelta(days=7)
