"""Asha's telephone shows six digits; each is good once, for a moment, for her account alone."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pytest

from jklg.customers import factors
from jklg.customers.factors import rules, sealing
from tests.customers.owners import Town, refused, said, town  # noqa: F401  (town is a fixture)

RFC_6238 = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
]  # fmt: skip
"""Appendix B, SHA-1, the last six of its eight digits."""
SECRET = b"12345678901234567890"


@pytest.mark.parametrize(("seconds", "code"), RFC_6238)
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert rules.totp_code(SECRET, seconds // 30) == code
    assert rules.matching_step(SECRET, f" {code[:3]} {code[3:]}", seconds // 30) == seconds // 30


def test_a_clock_may_be_half_a_minute_wrong_and_not_a_minute() -> None:
    code = rules.totp_code(SECRET, 1000)
    assert [rules.matching_step(SECRET, code, now) for now in (998, 999, 1000, 1001, 1002)] == [
        None, 1000, 1000, 1000, None,
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\ud800", "000000" * 10, "-"])
def test_what_is_no_code_is_no_code(typed: str) -> None:
    assert rules.matching_step(SECRET, typed, 1000) is None


async def test_asha_turns_her_app_on_and_needs_it_from_then_on(town: Town) -> None:
    asha = await town.owner()
    assert await town.methods(asha) == []
    begun = await town.done(asha, "POST", "/factors/totp")
    assert set(begun) == {"secret", "otpauth_url", "qr_svg"}
    assert len(base64.b32decode(begun["secret"])) * 8 == 160
    address = urlsplit(begun["otpauth_url"])
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == "/JKLG Travel:asha@example.org"
    assert parse_qs(address.query)["secret"] == [begun["secret"]]
    assert begun["qr_svg"].startswith("<svg")
    assert await town.methods(asha) == [], "not before a code has confirmed it"
    assert not await town.check(asha, town.code(begun["secret"]))
    assert await town.answer(asha, "totp", town.code(begun["secret"])) == "second_factor_wrong"
    refused(await town.ask(asha, "POST", "/factors/totp/confirm", {"code": "000000"}), 400, "code_wrong")
    made = await town.done(asha, "POST", "/factors/totp/confirm", {"code": town.code(begun["secret"])})
    assert len(set(made["recovery_codes"])) == 10
    assert await town.methods(asha) == ["totp", "recovery_code"]
    seen = await town.done(asha, "GET", "/factors")
    assert (seen["has_password"], seen["methods"], seen["recovery_codes_left"], seen["passkeys"]) == (
        True, ["totp", "recovery_code"], 10, [],
    )  # fmt: skip
    assert seen["totp_confirmed_at"]
    town.later(minutes=1)
    assert await town.answer(asha, "totp", town.code(begun["secret"])) == asha.id
    assert await town.history(asha) == ["customer.second_factor_wrong", "customer.totp_added"]
    [letter] = await town.letters(asha)
    assert "An authenticator app was added." in letter and "/undo-email-change?token=" in letter


async def test_a_code_is_good_once_and_no_older_one_after_it(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    code, older = town.code(secret), town.code(secret, -1)
    assert await town.answer(asha, "totp", code) == asha.id
    assert await town.answer(asha, "totp", code) == "second_factor_wrong"
    assert await town.answer(asha, "totp", older) == "second_factor_wrong"
    assert not await town.check(asha, code)
    town.later(seconds=60)
    assert await town.check(asha, town.code(secret))


async def test_the_code_that_turned_it_on_does_not_sign_in(town: Town) -> None:
    asha = await town.owner()
    secret = (await town.done(asha, "POST", "/factors/totp"))["secret"]
    code = town.code(secret)
    await town.done(asha, "POST", "/factors/totp/confirm", {"code": code})
    assert await town.answer(asha, "totp", code) == "second_factor_wrong"


async def test_of_twenty_who_type_one_code_at_once_one_comes_in(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    tokens = [await town.mfa_token(asha) for _ in range(20)]
    code = town.code(secret)
    answers = await asyncio.gather(*(town.answer(asha, "totp", code, token) for token in tokens))
    assert answers.count(asha.id) == 1
    assert set(answers) == {asha.id, "second_factor_wrong"}
    town.later(minutes=1)
    code = town.code(secret)
    assert sum(await asyncio.gather(*(town.check(asha, code) for _ in range(20)))) == 1


async def test_one_token_signs_in_once_however_many_right_answers_there_are(town: Town) -> None:
    asha = await town.owner()
    secret, codes = await town.with_app(asha)
    token = await town.mfa_token(asha)
    answers = await asyncio.gather(
        town.answer(asha, "totp", town.code(secret), token),
        *(town.answer(asha, "recovery_code", code, token) for code in codes[:4]),
    )
    assert answers.count(asha.id) == 1
    assert set(answers) == {asha.id, "second_factor_expired"}
    left = (await town.done(asha, "GET", "/factors"))["recovery_codes_left"]
    assert left in (9, 10), "answers that came too late used nothing up"


async def test_a_token_has_five_tries_also_when_they_come_at_once(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    token = await town.mfa_token(asha)
    answers = await asyncio.gather(*(town.answer(asha, "totp", "000000", token) for _ in range(15)))
    assert (answers.count("second_factor_wrong"), answers.count("second_factor_expired")) == (5, 10)
    assert await town.answer(asha, "totp", town.code(secret), token) == "second_factor_expired"
    assert (await town.history(asha)).count("customer.second_factor_wrong") == 5
    assert "Somebody knew your password" in (await town.letters(asha))[-1]
    assert await town.answer(asha, "totp", town.code(secret)) == asha.id, "a new sign-in is a new chance"


async def test_a_token_is_good_for_ten_minutes(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    token, other = await town.mfa_token(asha), await town.mfa_token(asha)
    town.later(minutes=9, seconds=50)
    assert await town.answer(asha, "totp", town.code(secret), token) == asha.id
    town.later(seconds=40)
    assert await town.answer(asha, "totp", town.code(secret), other) == "second_factor_expired"
    for never in ("", "no token", "\ud800", "x" * 2000):
        assert await town.answer(asha, "totp", town.code(secret), never or "-") == "second_factor_expired"


async def test_guessing_codes_ends_but_asha_still_comes_in_with_a_recovery_code(town: Town) -> None:
    """Only whoever knows her password comes so far as to guess."""
    asha = await town.owner()
    secret, codes = await town.with_app(asha)
    answers = [await town.answer(asha, "totp", "000000") for _ in range(21)]
    assert answers == ["second_factor_wrong"] * 20 + ["too_many_tries"]
    assert await town.answer(asha, "totp", town.code(secret)) == "too_many_tries"
    assert await town.answer(asha, "recovery_code", codes[0]) == asha.id
    town.later(hours=1, minutes=1)
    assert await town.answer(asha, "totp", town.code(secret)) == asha.id


async def test_signing_in_rightly_all_day_is_no_guessing(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    for _ in range(25):
        assert await town.answer(asha, "totp", town.code(secret)) == asha.id
        town.later(seconds=60)


async def test_the_password_of_before_finishes_nothing(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    token = await town.mfa_token(asha)
    async with town.db.transaction() as conn:
        await factors.forget_challenges(conn, asha.id)
    assert await town.answer(asha, "totp", town.code(secret), token) == "second_factor_expired"


async def test_a_removed_app_opens_nothing_and_asks_for_nothing(town: Town) -> None:
    asha = await town.owner()
    secret, codes = await town.with_app(asha)
    token = await town.mfa_token(asha)
    await town.done(asha, "DELETE", "/factors/totp")
    refused(await town.ask(asha, "DELETE", "/factors/totp"), 404, "totp_not_found")
    assert await town.methods(asha) == []
    assert await town.answer(asha, "totp", town.code(secret), token) == "second_factor_wrong"
    assert await town.answer(asha, "recovery_code", codes[0], token) == "second_factor_wrong"
    assert not await town.check(asha, town.code(secret))
    assert (await town.history(asha))[:2] == ["customer.totp_added", "customer.totp_removed"]
    assert "was removed" in (await town.letters(asha))[-1]


async def test_a_second_app_needs_the_first_one_gone_and_an_unconfirmed_one_is_replaced(town: Town) -> None:
    asha = await town.owner()
    refused(await town.ask(asha, "POST", "/factors/totp/confirm", {"code": "123456"}), 409, "totp_not_begun")
    first = (await town.done(asha, "POST", "/factors/totp"))["secret"]
    second = (await town.done(asha, "POST", "/factors/totp"))["secret"]
    refused(await town.ask(asha, "POST", "/factors/totp/confirm", {"code": town.code(first)}), 400, "code_wrong")
    await town.done(asha, "POST", "/factors/totp/confirm", {"code": town.code(second)})
    refused(await town.ask(asha, "POST", "/factors/totp"), 409, "totp_is_on")
    refused(await town.ask(asha, "POST", "/factors/totp/confirm", {"code": town.code(second)}), 409, "totp_not_begun")
    assert await town.methods(asha) == ["totp", "recovery_code"]


async def test_a_secret_that_was_shown_an_hour_ago_is_not_confirmed(town: Town) -> None:
    asha = await town.owner()
    secret = (await town.done(asha, "POST", "/factors/totp"))["secret"]
    town.later(minutes=31)
    asha.token = (await town.sign_in(asha.id)).token
    refused(await town.ask(asha, "POST", "/factors/totp/confirm", {"code": town.code(secret)}), 409, "totp_not_begun")


async def test_the_houses_secret_may_change_and_nobody_is_locked_out(town: Town) -> None:
    asha = await town.owner()
    secret, _ = await town.with_app(asha)
    [(before,)] = await town.rows("SELECT key_id FROM customer_totp")
    rotated = town.rotated()
    assert await town.answer(asha, "totp", "000000", settings=rotated) == "second_factor_wrong"
    assert (await town.rows("SELECT key_id FROM customer_totp"))[0][0] == before, "a wrong code changes nothing"
    assert await town.answer(asha, "totp", town.code(secret), settings=rotated) == asha.id
    [(after,)] = await town.rows("SELECT key_id FROM customer_totp")
    assert after != before
    town.later(minutes=1)
    only_new = replace(town.settings, secrets=rotated.secrets[:1])
    assert await town.answer(asha, "totp", town.code(secret), settings=only_new) == asha.id
    town.later(minutes=1)
    assert await town.answer(asha, "totp", town.code(secret)) == "second_factor_wrong", (
        "its key is gone: no accident, a no"
    )


async def test_what_lies_in_the_database_opens_for_nobody_else(town: Town) -> None:
    asha, mallory = await town.owner(), await town.owner("Mallory")
    secret, _ = await town.with_app(asha)
    await town.with_app(mallory)
    everything = str(await town.rows("SELECT * FROM customer_totp")) + str(await town.rows("SELECT * FROM mail_outbox"))
    assert secret not in everything
    [(stored,)] = await town.rows("SELECT secret FROM customer_totp WHERE customer_id = $1", asha.id)
    assert base64.b32decode(secret) not in stored
    await town.rows("UPDATE customer_totp SET secret = $1 WHERE customer_id = $2", stored, mallory.id)
    assert await town.answer(mallory, "totp", town.code(secret)) == "second_factor_wrong"
    assert await town.answer(asha, "totp", town.code(secret)) == asha.id


def test_a_seal_opens_with_its_own_key_for_its_own_customer_untouched() -> None:
    asha, mallory = UUID(int=1), UUID(int=2)
    sealed = sealing.seal("old", asha, SECRET)
    assert sealing.unseal(("new", "old"), asha, sealed) == SECRET
    assert sealing.unseal(("new",), asha, sealed) is None
    assert sealing.unseal(("new", "old"), mallory, sealed) is None
    broken = sealed._replace(content=sealed.content[:-1] + bytes([sealed.content[-1] ^ 1]))
    assert sealing.unseal(("old",), asha, broken) is None
    assert sealing.unseal(("old",), asha, sealed._replace(content=b"")) is None
    assert sealing.seal("old", asha, SECRET).content != sealed.content


CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/factors/totp", None),
    ("POST", "/factors/totp/confirm", {"code": "123456"}),
    ("DELETE", "/factors/totp", None),
    ("POST", "/factors/recovery-codes", None),
    ("DELETE", "/factors/recovery-codes", None),
    ("POST", "/factors/passkeys/options", None),
    ("POST", "/factors/passkeys", {"token": "x", "credential": {}, "name": "x"}),
    ("DELETE", f"/factors/passkeys/{UUID(int=7)}", None),
    ("POST", "/factors/passkeys-only", None),
]


async def test_every_change_needs_a_proof_of_the_last_quarter_of_an_hour(town: Town) -> None:
    asha = await town.owner()
    town.later(minutes=16)
    for method, path, body in CHANGES:
        refused(await town.ask(asha, method, path, body), 403, "proof_needed")
    assert (await town.ask(asha, "GET", "/factors")).status_code == 200


async def test_strangers_ended_sessions_and_unproven_mailboxes_stay_outside(town: Town) -> None:
    asha, ben = await town.owner(), await town.owner("Ben", verified=False)
    await town.rows(
        "UPDATE customer_sessions SET is_active = false, revoked_at = now() WHERE customer_id = $1", asha.id
    )
    doors = [*CHANGES, ("GET", "/factors", None), ("POST", "/prove/passkey/options", None)]
    doors.append(("POST", "/prove/passkey", {"token": "x", "credential": {}}))
    for method, path, body in doors:
        refused(await town.ask(None, method, path, body), 401, "not_signed_in")
        refused(await town.ask(asha, method, path, body), 401, "not_signed_in")
        refused(await town.ask(ben, method, path, body), 403, "email_not_verified")


NONSENSE: list[Any] = [None, 0, 1.5, True, "", "x", [], {}, [[]], {"x": {}}, "\x00", "x" * 5000, "😀", 2**70, -1]


async def test_nonsense_is_refused_and_breaks_nothing(town: Town) -> None:
    asha = await town.owner()
    await town.with_app(asha)
    answers = []
    for value in NONSENSE:
        answers.append(await town.ask(asha, "POST", "/factors/totp/confirm", value))
        answers.append(await town.ask(asha, "POST", "/factors/totp/confirm", {"code": value}))
        answers.append(
            await town.ask(asha, "POST", "/factors/passkeys", {"token": value, "credential": {}, "name": "x"})
        )
        answers.append(
            await town.ask(asha, "POST", "/factors/passkeys", {"token": "x", "credential": {}, "name": value})
        )
        answers.append(await town.ask(asha, "POST", "/prove/passkey", {"token": "x", "credential": value}))
    answers.append(await town.ask(asha, "DELETE", "/factors/passkeys/%00"))
    answers.append(await town.ask(asha, "DELETE", "/factors/passkeys/x"))
    assert {answer.status_code // 100 for answer in answers} == {4}
    assert all(answer.json()["code"] for answer in answers)
    for method in ("totp", "recovery_code", "passkey", "sms", ""):
        for answer in ("", "\x00", "\ud800", {}, {"id": 1}, "x" * 5000):
            found = await said(town.answer(asha, method, answer))
            assert found in ("second_factor_wrong", "too_many_tries"), (method, answer)
    assert await town.methods(asha) == ["totp", "recovery_code"]
