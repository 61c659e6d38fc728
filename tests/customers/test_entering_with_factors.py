"""Asha comes in with her telephone, a sheet of paper or a passkey; half a sign-in is none."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from jklg.customers import factors
from jklg.customers.factors import rules
from tests.customers.authenticator import Authenticator
from tests.customers.people import (  # noqa: F401  (people is a fixture)
    BENS,
    MALLORYS,
    PASSWORD,
    Json,
    People,
    people,
    refused,
)


def code(people: People, secret: str) -> str:
    """What the app shows now."""
    return rules.totp_code(base64.b32decode(secret), int(people.clock.now().timestamp()) // 30)


async def with_app(people: People) -> tuple[str, list[str], str]:
    """Asha has an app: its secret, her recovery codes, and a session."""
    await people.join()
    token = (await people.login()).json()["token"]
    secret = (await people.post("/factors/totp", token=token)).json()["secret"]
    made = await people.post("/factors/totp/confirm", {"code": code(people, secret)}, token=token)
    assert made.status_code == 200, made.text
    people.later(seconds=90)
    return secret, made.json()["recovery_codes"], token


async def half(people: People) -> str:
    """The token of a sign-in whose password was right."""
    answer = await people.login()
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"mfaRequired", "mfaToken", "methods"} and body["mfaRequired"] is True, "and no token yet"
    token: str = body["mfaToken"]
    return token


async def with_passkey(people: People, token: str) -> Authenticator:
    device = Authenticator()
    begun = (await people.post("/factors/passkeys/options", token=token)).json()
    made = {"token": begun["token"], "credential": device.make(begun["options"]), "name": "Asha's telephone"}
    assert (await people.post("/factors/passkeys", made, token=token)).status_code == 201
    return device


async def test_after_the_password_the_app_is_asked_for(people: People) -> None:
    secret, _, _ = await with_app(people)
    waiting = await half(people)
    assert (await people.rows("SELECT count(*) FROM customer_sessions WHERE signed_in_by = 'totp'"))[0][0] == 0
    refused(await people.ask("GET", "/sessions", token=waiting), 401, "not_signed_in")
    step = {"mfaToken": waiting, "method": "totp", "code": code(people, secret)}
    answer = await people.post("/login/second-factor", step)
    assert answer.status_code == 200
    assert set(answer.json()) == {"customerId", "token", "customer"}
    found = (await people.ask("GET", "/sessions", token=answer.json()["token"])).json()["sessions"]
    assert next(session for session in found if session["current"])["signed_in_by"] == "totp"
    refused(await people.post("/login/second-factor", step), 401, "second_factor_expired")


async def test_a_recovery_code_does_as_well_once(people: People) -> None:
    _, codes, _ = await with_app(people)
    step = {"method": "recovery_code", "code": codes[0]}
    assert (await people.post("/login/second-factor", {**step, "mfaToken": await half(people)})).status_code == 200
    refused(
        await people.post("/login/second-factor", {**step, "mfaToken": await half(people)}), 401, "second_factor_wrong"
    )


async def test_what_is_needed_for_a_method_is_missing(people: People) -> None:
    await with_app(people)
    step = {"mfaToken": await half(people), "method": "totp"}
    refused(await people.post("/login/second-factor", step), 400, "missing_field")
    refused(await people.post("/login/second-factor", {**step, "method": "passkey"}), 400, "missing_field")
    refused(await people.post("/login/second-factor", {**step, "method": "password"}), 400, "wrong_type")


async def test_a_wrong_password_does_not_tell_of_the_second_factor(people: People) -> None:
    await with_app(people)
    refused(await people.login(password="a guess", at=MALLORYS), 401, "invalid_credentials")


async def test_half_a_sign_in_is_void_after_the_password_was_replaced(people: People) -> None:
    secret, _, _ = await with_app(people)
    waiting = await half(people)
    await people.post("/forgot-password", {"email": "asha@example.org"})
    link = (await people.letter("password_reset", "asha@example.org")).link
    assert (await people.post("/reset-password", {**link, "newPassword": "three lakes and a pony"})).status_code == 200
    step = {"mfaToken": waiting, "method": "totp", "code": code(people, secret)}
    refused(await people.post("/login/second-factor", step), 401, "second_factor_expired")


async def test_half_a_sign_in_is_void_after_the_password_was_changed(people: People) -> None:
    secret, _, token = await with_app(people)
    waiting = await half(people)
    change = {"oldPassword": PASSWORD, "newPassword": "three lakes and a pony"}
    assert (await people.post("/change-password", change, token=token)).status_code == 200
    step = {"mfaToken": waiting, "method": "totp", "code": code(people, secret)}
    refused(await people.post("/login/second-factor", step), 401, "second_factor_expired")


async def test_an_account_that_was_closed_meanwhile_stays_closed(people: People) -> None:
    secret, _, _ = await with_app(people)
    waiting = await half(people)
    await people.rows("UPDATE customers SET status = 'suspended'")
    step = {"mfaToken": waiting, "method": "totp", "code": code(people, secret)}
    refused(await people.post("/login/second-factor", step), 403, "account_not_active")


async def test_a_passkey_is_enough(people: People) -> None:
    await people.join()
    device = await with_passkey(people, (await people.login()).json()["token"])
    asked = (await people.post("/passkey/options")).json()
    signed = {"token": asked["token"], "credential": device.sign(asked["options"])}
    answer = await people.post("/passkey", signed, at=BENS)
    assert answer.status_code == 200
    assert answer.json()["customer"]["email"] == "asha@example.org"
    refused_again = await people.post("/passkey", signed)
    assert refused_again.status_code == 401, refused_again.text


async def test_a_passkey_of_a_closed_account_opens_nothing(people: People) -> None:
    await people.join()
    device = await with_passkey(people, (await people.login()).json()["token"])
    await people.rows("UPDATE customers SET status = 'suspended'")
    asked = (await people.post("/passkey/options")).json()
    signed: Json = {"token": asked["token"], "credential": device.sign(asked["options"])}
    refused(await people.post("/passkey", signed), 403, "account_not_active")


@pytest.mark.parametrize("proof", ["totp", "recovery_code"])
async def test_asha_proves_with_her_password_and_a_code(people: People, proof: str) -> None:
    secret, codes, token = await with_app(people)
    people.later(minutes=16)
    wish = {"email": "asha@hills.example.org"}
    refused(await people.post("/change-email", wish, token=token), 403, "proof_needed")
    given: Any = {"password": PASSWORD, "code": code(people, secret) if proof == "totp" else codes[3]}
    wrong: Json = {**given, "code": "000000"}
    refused(await people.post("/prove", wrong, token=token), 401, "invalid_credentials")
    assert (await people.post("/prove", given, token=token)).status_code == 200
    assert (await people.post("/change-email", wish, token=token)).status_code == 200
    refused(await people.post("/prove", given, token=token), 401, "invalid_credentials")


async def test_codes_guessed_where_one_proves_oneself_are_counted_with_those_of_a_sign_in(people: People) -> None:
    _, codes, token = await with_app(people)
    for number in range(20):
        guess = {"password": PASSWORD, "code": f"{number:06}"}
        refused(await people.post("/prove", guess, token=token, at=f"203.0.{number}.7"), 401, "invalid_credentials")
    stopped = await people.post("/prove", {"password": PASSWORD, "code": "000000"}, token=token, at=BENS)
    refused(stopped, 429, "too_many_tries")
    entered = await people.post(
        "/login/second-factor", {"mfaToken": await half(people), "method": "recovery_code", "code": codes[0]}
    )
    assert entered.status_code == 200, "a code that cannot be guessed opens all the same"


async def test_a_reset_in_between_leaves_no_half_of_a_sign_in(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _, _ = await with_app(people)
    token = await half(people)
    await people.post("/forgot-password", {"email": "asha@example.org"})
    link = (await people.letter("password_reset", "asha@example.org")).link
    answer = factors.answer_second_factor

    async def then_reset(*what: Any) -> Any:
        answered = await answer(*what)
        anew = {**link, "newPassword": "another walk in other hills"}
        assert (await people.post("/reset-password", anew)).status_code == 200
        return answered

    monkeypatch.setattr(factors, "answer_second_factor", then_reset)
    body = {"mfaToken": token, "method": "totp", "code": code(people, secret)}
    refused(await people.post("/login/second-factor", body), 401, "second_factor_expired")


async def test_a_thief_who_knew_the_password_and_added_an_app_does_not_keep_the_account(people: People) -> None:
    await people.join()
    await people.post("/factors/totp", token=(await people.login()).json()["token"])
    thief = (await people.login(at=MALLORYS)).json()["token"]
    secret = (await people.post("/factors/totp", token=thief)).json()["secret"]
    await people.post("/factors/totp/confirm", {"code": code(people, secret)}, token=thief)
    notice = await people.letter("factor_changed", "asha@example.org")
    people.later(days=6)
    assert (await people.post("/undo-email-change", notice.link)).status_code == 200
    refused(await people.ask("GET", "/me", token=thief), 401, "not_signed_in")
    reset = (await people.letter("password_reset", "asha@example.org")).link
    anew = "another walk in other hills"
    assert (await people.post("/reset-password", {**reset, "newPassword": anew})).status_code == 200
    assert "token" in (await people.login(password=anew)).json(), "no app of a stranger's is asked for"


async def test_leaving_wants_the_second_factor_where_one_is_on(people: People) -> None:
    secret, _, token = await with_app(people)
    people.later(minutes=20)
    me = (await people.ask("GET", "/me", token=token)).json()["customer"]["id"]
    refused(await people.ask("DELETE", f"/{me}", {"password": PASSWORD}, token=token), 403, "proof_needed")
    assert (
        await people.post("/prove", {"password": PASSWORD, "code": code(people, secret)}, token=token)
    ).status_code == 200
    assert (await people.ask("DELETE", f"/{me}", {"password": PASSWORD}, token=token)).status_code == 200


async def test_who_takes_an_account_back_does_not_leave_the_thiefs_passkey_in_it(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    people.later(days=10)
    token = (await people.login()).json()["token"]
    thiefs = await with_passkey(people, token)
    await people.post("/change-email", {"email": "mallory@example.org"}, token=token)
    undo = (await people.letter("email_changing", "asha@example.org")).link
    assert (await people.post("/undo-email-change", undo)).status_code == 200
    asked = (await people.post("/passkey/options")).json()
    answer = await people.post("/passkey", {"token": asked["token"], "credential": thiefs.sign(asked["options"])})
    assert answer.status_code == 401, answer.text
