"""Asha signs in with her password and a second step, and without any password: the whole way, through the front door."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx

from jklg.customers.factors import rules
from tests.customers.authenticator import Authenticator
from tests.customers.people import (  # noqa: F401  (people is a fixture)
    ASHAS,
    MALLORYS,
    PASSWORD,
    Json,
    People,
    people,
    refused,
)


def code(people: People, secret: str) -> str:
    return rules.totp_code(base64.b32decode(secret), int(people.clock.now().timestamp()) // 30)


async def with_app(people: People, token: str) -> tuple[str, list[str]]:
    """Turn an authenticator app on: its secret, and the recovery codes."""
    begun = await people.post("/factors/totp", token=token)
    assert begun.status_code == 200, begun.text
    secret = begun.json()["secret"]
    confirmed = await people.post("/factors/totp/confirm", {"code": code(people, secret)}, token=token)
    assert confirmed.status_code == 200, confirmed.text
    people.later(minutes=1)
    return secret, confirmed.json()["recovery_codes"]


async def with_passkey(people: People, token: str, device: Authenticator) -> None:
    begun = (await people.post("/factors/passkeys/options", token=token)).json()
    body = {"token": begun["token"], "credential": device.make(begun["options"]), "name": "a telephone"}
    made = await people.post("/factors/passkeys", body, token=token)
    assert made.status_code == 201, made.text


async def second(people: People, mfa_token: str, method: str, **answer: Any) -> httpx.Response:
    return await people.post("/login/second-factor", {"mfaToken": mfa_token, "method": method, **answer})


async def asked(people: People, methods: list[str], at: str = ASHAS) -> str:
    """Sign in with the password; the token for the second step."""
    answer = await people.login(at=at)
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    assert set(said) == {"mfaRequired", "mfaToken", "methods"}
    assert (said["mfaRequired"], said["methods"]) == (True, methods)
    return str(said["mfaToken"])


async def test_a_password_alone_does_not_open_an_account_with_an_app(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    secret, codes = await with_app(people, token)
    mfa = await asked(people, ["totp", "recovery_code"])
    refused(await people.ask("GET", "/factors", token=mfa), 401, "not_signed_in")
    refused(await second(people, mfa, "totp", code="000000"), 401, "second_factor_wrong")
    entered = await second(people, mfa, "totp", code=code(people, secret))
    assert entered.status_code == 200
    assert set(entered.json()) == {"customerId", "token", "customer"}
    assert (await people.ask("GET", "/factors", token=entered.json()["token"])).status_code == 200
    refused(await second(people, mfa, "recovery_code", code=codes[0]), 401, "second_factor_expired")
    mfa = await asked(people, ["totp", "recovery_code"])
    assert (await second(people, mfa, "recovery_code", code=codes[0])).status_code == 200
    by = [row[0] for row in await people.rows("SELECT signed_in_by FROM customer_sessions ORDER BY created_at, id")]
    assert by[-3:] == ["password", "totp", "recovery_code"]
    assert (await people.kinds("asha@example.org")).count("factor_changed") == 2


async def test_mallory_with_the_password_cannot_keep_asha_out(people: People) -> None:
    await people.join()
    _, codes = await with_app(people, (await people.login()).json()["token"])
    for _ in range(6):
        answer = await people.login(at=MALLORYS)
        if answer.status_code != 200:
            break
        for _ in range(5):
            await people.post(
                "/login/second-factor",
                {"mfaToken": answer.json()["mfaToken"], "method": "totp", "code": "000000"},
                at=MALLORYS,
            )
    mfa = await asked(people, ["totp", "recovery_code"], at=ASHAS)
    assert (await second(people, mfa, "recovery_code", code=codes[0])).status_code == 200


async def test_of_many_right_answers_at_once_one_opens_a_session(people: People) -> None:
    await people.join()
    secret, codes = await with_app(people, (await people.login()).json()["token"])
    before = len(await people.rows("SELECT 1 FROM customer_sessions"))
    mfa = await asked(people, ["totp", "recovery_code"])
    answers = await asyncio.gather(
        second(people, mfa, "totp", code=code(people, secret)),
        *(second(people, mfa, "recovery_code", code=each) for each in codes[:4]),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    assert len(await people.rows("SELECT 1 FROM customer_sessions")) == before + 1


async def test_a_passkey_is_a_second_step_and_a_whole_sign_in(people: People) -> None:
    await people.join()
    token, device = (await people.login()).json()["token"], Authenticator()
    await with_app(people, token)
    await with_passkey(people, token, device)
    mfa = await asked(people, ["totp", "recovery_code", "passkey"])
    options = (await people.post("/login/second-factor/options", {"mfaToken": mfa})).json()["options"]
    assert (await second(people, mfa, "passkey", credential=device.sign(options))).status_code == 200
    begun = (await people.post("/passkey/options")).json()
    body = {"token": begun["token"], "credential": device.sign(begun["options"])}
    entered = await people.post("/passkey", body)
    assert entered.status_code == 200, "no second question: the device has asked who holds it"
    refused(await people.post("/passkey", body), 401, "passkey_expired")
    begun = (await people.post("/passkey/options")).json()
    wrong = device.sign(begun["options"], origin="https://evil.example")
    refused(await people.post("/passkey", {"token": begun["token"], "credential": wrong}), 401, "passkey_wrong")


async def test_passkeys_only_and_the_way_back_through_the_mailbox(people: People) -> None:
    await people.join()
    token, device = (await people.login()).json()["token"], Authenticator()
    await with_passkey(people, token, device)
    codes = (await people.post("/factors/recovery-codes", token=token)).json()["recovery_codes"]
    assert (await people.post("/factors/passkeys-only", token=token)).status_code == 200
    refused(await people.login(), 401, "invalid_credentials")
    begun = (await people.post("/passkey/options")).json()
    body = {"token": begun["token"], "credential": device.sign(begun["options"])}
    assert (await people.post("/passkey", body)).status_code == 200

    assert (await people.post("/forgot-password", {"email": "asha@example.org"})).status_code == 200
    letter = await people.letter("password_reset", "asha@example.org")
    anew = {**letter.link, "newPassword": PASSWORD}
    assert (await people.post("/reset-password", anew)).status_code == 200
    mfa = await asked(people, ["recovery_code", "passkey"])
    assert (await second(people, mfa, "recovery_code", code=codes[0])).status_code == 200, "the mailbox was not enough"


async def test_the_password_alone_proves_nothing_where_a_second_factor_is_on(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    secret, _ = await with_app(people, token)
    people.later(minutes=20)
    for half in ({"password": PASSWORD}, {"code": code(people, secret)}):
        answer = await people.post("/prove", half, token=token)
        refused(answer, 400, "proof_missing")
        assert answer.json()["details"] == {"needed": ["password", "code"]}
    wrong: Json = {"password": PASSWORD, "code": "000000"}
    refused(await people.post("/prove", wrong, token=token), 401, "invalid_credentials")
    refused(await people.ask("DELETE", "/factors/totp", token=token), 403, "proof_needed")
    change = {"oldPassword": PASSWORD, "newPassword": "another walk in other hills"}
    refused(await people.post("/change-password", change, token=token), 403, "proof_needed")
    whole: Json = {"password": PASSWORD, "code": code(people, secret)}
    assert (await people.post("/prove", whole, token=token)).status_code == 200, "a refused half uses no code up"
    assert (await people.post("/change-password", change, token=token)).status_code == 200


async def test_whoever_guesses_codes_is_told_how_long_to_wait(people: People) -> None:
    await people.join()
    await with_app(people, (await people.login()).json()["token"])
    for _ in range(4):
        mfa = await asked(people, ["totp", "recovery_code"])
        for _ in range(5):
            refused(await second(people, mfa, "totp", code="000000"), 401, "second_factor_wrong")
    stopped = await second(people, await asked(people, ["totp", "recovery_code"]), "totp", code="000000")
    refused(stopped, 429, "too_many_tries")
    assert 1 <= int(stopped.headers["retry-after"]) <= 3600


async def test_asking_for_passkey_options_without_end_is_stopped_where_it_comes_from(people: People) -> None:
    for _ in range(100):
        assert (await people.post("/passkey/options", at=MALLORYS)).status_code == 200
    stopped = await people.post("/passkey/options", at=MALLORYS)
    refused(stopped, 429, "too_many_tries")
    assert int(stopped.headers["retry-after"]) >= 1
    assert (await people.post("/passkey/options", at=ASHAS)).status_code == 200


async def test_a_code_proves_once_more_that_it_is_asha(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    secret, codes = await with_app(people, token)
    people.later(minutes=20)
    refused(await people.ask("DELETE", "/factors/totp", token=token), 403, "proof_needed")
    now: Json = {"password": PASSWORD, "code": code(people, secret)}
    assert (await people.post("/prove", now, token=token)).status_code == 200
    refused(await people.post("/prove", now, token=token), 401, "invalid_credentials")
    people.later(minutes=20)
    assert (await people.post("/prove", {**now, "code": codes[0]}, token=token)).status_code == 200
    assert (await people.ask("DELETE", "/factors/totp", token=token)).status_code == 200
    assert "customerId" in (await people.login()).json(), "and the password alone is enough again"


async def test_a_new_password_ends_what_was_begun_with_the_old_one(people: People) -> None:
    await people.join()
    secret, _ = await with_app(people, (await people.login()).json()["token"])
    mfa = await asked(people, ["totp", "recovery_code"])
    await people.post("/forgot-password", {"email": "asha@example.org"})
    letter = await people.letter("password_reset", "asha@example.org")
    assert (await people.post("/reset-password", {**letter.link, "newPassword": f"{PASSWORD} too"})).status_code == 200
    refused(await second(people, mfa, "totp", code=code(people, secret)), 401, "second_factor_expired")
