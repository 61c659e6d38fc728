"""Asha signs in by touching her telephone. What Mallory copies, replays, forges or makes elsewhere opens nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from jklg.customers import factors
from jklg.customers.factors import ceremonies
from jklg.customers.sessions.rules import Visitor
from jklg.settings import Settings
from tests.customers.authenticator import PRESENT, VERIFIED, Authenticator, Key, read, written
from tests.customers.owners import Owner, Town, refused, said, town  # noqa: F401  (town is a fixture)

Json = dict[str, Any]


async def enter(town: Town, device: Authenticator, **lies: Any) -> UUID | str:
    """Sign in by passkey alone: who is in, or the code of the refusal."""
    token, options = await factors.begin_passkey_sign_in(town.db, town.settings)
    return await said(factors.finish_passkey_sign_in(town.db, town.settings, token, device.sign(options, **lies)))


async def add(town: Town, owner: Owner, device: Authenticator, **lies: Any) -> Any:
    begun = await town.done(owner, "POST", "/factors/passkeys/options")
    body = {"token": begun["token"], "credential": device.make(begun["options"], **lies), "name": "a telephone"}
    return await town.ask(owner, "POST", "/factors/passkeys", body)


async def test_asha_adds_her_telephone_and_signs_in_with_it_alone(town: Town) -> None:
    asha = await town.owner()
    begun = await town.done(asha, "POST", "/factors/passkeys/options")
    options = begun["options"]
    assert options["rp"] == {"name": "JKLG Travel", "id": "localhost"}
    assert read(options["user"]["id"]) == asha.id.bytes
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"] == {
        "residentKey": "required", "requireResidentKey": True, "userVerification": "required",
    }  # fmt: skip
    assert len(read(options["challenge"])) == 32
    body = {"token": begun["token"], "credential": asha.device.make(options), "name": "  Asha's   telephone "}
    answer = await town.ask(asha, "POST", "/factors/passkeys", body)
    assert answer.status_code == 201
    seen = answer.json()
    assert (seen["name"], seen["backed_up"], seen["last_used_at"]) == ("Asha's telephone", True, None)
    assert (await town.rows("SELECT transports FROM customer_passkeys"))[0][0] == ["internal", "hybrid"]
    again = (await town.done(asha, "POST", "/factors/passkeys/options"))["options"]
    assert [read(each["id"]) for each in again["excludeCredentials"]] == list(asha.device.keys)

    token, asked = await factors.begin_passkey_sign_in(town.db, town.settings)
    assert asked["userVerification"] == "required" and asked["rpId"] == "localhost"
    assert not asked.get("allowCredentials"), "nobody is known yet"
    signed = asha.device.sign(asked)
    assert await factors.finish_passkey_sign_in(town.db, town.settings, token, signed) == asha.id
    [seen] = (await town.done(asha, "GET", "/factors"))["passkeys"]
    assert seen["last_used_at"]
    assert await town.methods(asha) == [], "beside a password a passkey is another way in, not a second step"
    assert await town.history(asha) == ["customer.passkey_added"]
    assert "A passkey was added." in (await town.letters(asha))[0]


async def test_a_signature_is_good_once_soon_and_for_its_own_purpose(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    token, options = await factors.begin_passkey_sign_in(town.db, town.settings)
    signed = asha.device.sign(options)
    answers = await asyncio.gather(
        *(said(factors.finish_passkey_sign_in(town.db, town.settings, token, signed)) for _ in range(20))
    )
    assert answers.count(asha.id) == 1
    assert set(answers) == {asha.id, "passkey_expired"}

    other, _ = await factors.begin_passkey_sign_in(town.db, town.settings)
    assert await said(factors.finish_passkey_sign_in(town.db, town.settings, other, signed)) == "passkey_wrong"

    late, options = await factors.begin_passkey_sign_in(town.db, town.settings)
    town.later(minutes=5, seconds=1)
    signed = asha.device.sign(options)
    assert await said(factors.finish_passkey_sign_in(town.db, town.settings, late, signed)) == "passkey_expired"

    proof, options = await factors.begin_passkey_proof(town.db, town.settings, asha.who)
    signed = asha.device.sign(options)
    assert await said(factors.finish_passkey_sign_in(town.db, town.settings, proof, signed)) == "passkey_expired"
    adding = await town.done(asha, "POST", "/factors/passkeys/options")
    signed = asha.device.sign(adding["options"])
    assert (
        await said(factors.finish_passkey_sign_in(town.db, town.settings, adding["token"], signed)) == "passkey_expired"
    )


async def test_a_wrong_try_uses_the_challenge_up(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    token, options = await factors.begin_passkey_sign_in(town.db, town.settings)
    wrong = asha.device.sign(options, origin="https://jklg.example.evil")
    assert await said(factors.finish_passkey_sign_in(town.db, town.settings, token, wrong)) == "passkey_wrong"
    right = asha.device.sign(options)
    assert await said(factors.finish_passkey_sign_in(town.db, town.settings, token, right)) == "passkey_expired"


def _named(lies: Json) -> str:
    """The same in every process: pytest-xdist compares names."""
    return "-".join(f"{name}={type(lie).__name__}" for name, lie in lies.items())


SIGN_LIES: list[Json] = [
    {"origin": "http://localhost:3001"},
    {"origin": "https://localhost:3000"},
    {"origin": "http://localhost:3000.evil.example"},
    {"origin": None},
    {"origin": ["http://localhost:3000"]},
    {"site": "evil.example"},
    {"type": "webauthn.create"},
    {"challenge": written(bytes(32))},
    {"challenge": 7},
    {"cross_origin": True},
    {"flags": PRESENT},
    {"flags": VERIFIED},
    {"flags": PRESENT | VERIFIED | 16},
    {"user_handle": UUID(int=1).bytes},
    {"user_handle": b""},
    {"user_handle": b"x" * 5000},
    {"key": Key(ec.generate_private_key(ec.SECP256R1()), b"", 0)},
]


@pytest.mark.parametrize("lies", SIGN_LIES, ids=_named)
async def test_a_signature_for_something_else_opens_nothing(town: Town, lies: Json) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    assert await enter(town, asha.device, **lies) == "passkey_wrong"
    [(count, used)] = await town.rows("SELECT sign_count, last_used_at FROM customer_passkeys")
    assert (count, used) == (1, None)
    assert await enter(town, asha.device) == asha.id


async def test_an_unknown_passkey_is_answered_like_a_wrong_one(town: Town) -> None:
    stranger = Authenticator()
    stranger.keys[b"never seen"] = Key(ec.generate_private_key(ec.SECP256R1()), UUID(int=1).bytes, 0)
    assert await enter(town, stranger) == "passkey_wrong"


MAKE_LIES: list[Json] = [
    {"origin": "https://localhost:3000"},
    {"site": "evil.example"},
    {"type": "webauthn.get"},
    {"challenge": written(bytes(32))},
    {"cross_origin": True},
    {"flags": PRESENT},
    {"flags": VERIFIED},
    {"credential_id": b"x" * 1024},
]


@pytest.mark.parametrize("lies", MAKE_LIES, ids=_named)
async def test_a_passkey_made_for_something_else_is_not_kept(town: Town, lies: Json) -> None:
    asha = await town.owner()
    refused(await add(town, asha, asha.device, **lies), 400, "passkey_refused")
    assert not await town.rows("SELECT 1 FROM customer_passkeys")


async def test_a_passkey_is_added_with_its_owners_challenge_once_and_soon(town: Town) -> None:
    asha, mallory = await town.owner(), await town.owner("Mallory")
    begun = await town.done(asha, "POST", "/factors/passkeys/options")
    body = {"token": begun["token"], "credential": mallory.device.make(begun["options"]), "name": "mine now"}
    refused(await town.ask(mallory, "POST", "/factors/passkeys", body), 400, "passkey_refused")
    body["credential"] = asha.device.make(begun["options"])
    assert (await town.ask(asha, "POST", "/factors/passkeys", body)).status_code == 201, "Mallory has used nothing up"
    refused(await town.ask(asha, "POST", "/factors/passkeys", body), 400, "passkey_refused")
    begun = await town.done(asha, "POST", "/factors/passkeys/options")
    town.later(minutes=5, seconds=1)
    body = {"token": begun["token"], "credential": asha.device.make(begun["options"]), "name": "late"}
    refused(await town.ask(asha, "POST", "/factors/passkeys", body), 400, "passkey_refused")
    sign_in, options = await factors.begin_passkey_sign_in(town.db, town.settings)
    body = {"token": sign_in, "credential": asha.device.make({**begun["options"], **options}), "name": "other purpose"}
    refused(await town.ask(asha, "POST", "/factors/passkeys", body), 400, "passkey_refused")


async def test_a_passkey_belongs_to_one_account(town: Town) -> None:
    """Mallory claims the id of Asha's passkey for a key of his own: she would sign in as him, or he as her."""
    asha, mallory = await town.owner(), await town.owner("Mallory")
    await town.with_passkey(asha)
    credential_id = next(iter(asha.device.keys))
    refused(await add(town, mallory, mallory.device, credential_id=credential_id), 400, "passkey_refused")
    assert await enter(town, mallory.device) == "passkey_wrong"
    assert await enter(town, asha.device) == asha.id


async def test_a_copied_passkey_is_noticed_by_its_counter(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    for _ in range(3):
        assert await enter(town, asha.device) == asha.id
    assert await enter(town, asha.device, count=4) == "passkey_wrong"
    assert await enter(town, asha.device, count=2) == "passkey_wrong"
    assert await enter(town, asha.device, count=0) == "passkey_wrong"
    assert (await town.history(asha)).count("customer.passkey_doubled") == 3
    assert await enter(town, asha.device, count=5) == asha.id


async def test_two_signatures_with_one_counter_are_one_too_many_also_at_once(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    answers = await asyncio.gather(*(enter(town, asha.device, count=7) for _ in range(10)))
    assert answers.count(asha.id) == 1


async def test_a_passkey_that_is_shared_between_devices_does_not_count(town: Town) -> None:
    asha = await town.owner()
    asha.device.counts = False
    await town.with_passkey(asha)
    assert [await enter(town, asha.device) for _ in range(3)] == [asha.id] * 3


async def test_what_a_device_says_about_its_backup_is_kept(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    assert await enter(town, asha.device, flags=PRESENT | VERIFIED | 8) == asha.id
    assert (await town.rows("SELECT backed_up FROM customer_passkeys"))[0][0] is False


async def test_a_removed_passkey_opens_nothing_and_nobody_removes_anothers(town: Town) -> None:
    asha, mallory = await town.owner(), await town.owner("Mallory")
    passkey = await town.with_passkey(asha)
    refused(await town.ask(mallory, "DELETE", f"/factors/passkeys/{passkey['id']}"), 404, "passkey_not_found")
    assert await enter(town, asha.device) == asha.id
    await town.done(asha, "DELETE", f"/factors/passkeys/{passkey['id']}")
    refused(await town.ask(asha, "DELETE", f"/factors/passkeys/{passkey['id']}"), 404, "passkey_not_found")
    assert await enter(town, asha.device) == "passkey_wrong"
    assert (await town.history(asha))[-1] == "customer.passkey_removed"
    assert "A passkey was removed." in (await town.letters(asha))[-1]


async def test_an_account_keeps_twenty_passkeys(town: Town) -> None:
    asha = await town.owner()
    begun = await town.done(asha, "POST", "/factors/passkeys/options")
    for _ in range(19):
        await town.with_passkey(asha)
    several = [await town.done(asha, "POST", "/factors/passkeys/options") for _ in range(5)]
    answers = await asyncio.gather(*(_add_begun(town, asha, each) for each in several))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    refused(await _add_begun(town, asha, begun), 409, "too_many_passkeys")
    refused(await town.ask(asha, "POST", "/factors/passkeys/options"), 409, "too_many_passkeys")


async def _add_begun(town: Town, owner: Owner, begun: Json) -> Any:
    body = {"token": begun["token"], "credential": owner.device.make(begun["options"]), "name": "one more"}
    return await town.ask(owner, "POST", "/factors/passkeys", body)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x07b", "\u202eevil"])
async def test_a_passkey_has_a_name_that_can_be_shown(town: Town, name: str) -> None:
    asha = await town.owner()
    body = {"token": "x", "credential": {}, "name": name}
    refused(await town.ask(asha, "POST", "/factors/passkeys", body), 400, "passkey_name_invalid")


async def test_a_passkey_answers_the_second_question_too(town: Town) -> None:
    asha, mallory = await town.owner(), await town.owner("Mallory")
    await town.with_app(asha)
    await town.with_passkey(asha)
    await town.with_passkey(mallory)
    assert await town.methods(asha) == ["totp", "recovery_code", "passkey"]
    token = await town.mfa_token(asha)
    assert (
        await town.answer(asha, "passkey", asha.device.sign({"challenge": written(b"")}), token)
        == "second_factor_wrong"
    )
    options = await factors.second_factor_options(town.db, town.settings, token)
    assert [read(each["id"]) for each in options["allowCredentials"]] == list(asha.device.keys)
    mallorys = mallory.device.sign({"challenge": options["challenge"]})
    assert await town.answer(asha, "passkey", mallorys, token) == "second_factor_wrong"
    assert await town.answer(asha, "passkey", asha.device.sign(options), token) == "second_factor_wrong", "asked once"
    options = await factors.second_factor_options(town.db, town.settings, token)
    assert await town.answer(asha, "passkey", asha.device.sign(options), token) == asha.id
    assert await said(factors.second_factor_options(town.db, town.settings, token)) == "second_factor_expired"
    assert await said(factors.second_factor_options(town.db, town.settings, "no token")) == "second_factor_expired"


async def test_what_was_asked_of_one_sign_in_does_not_answer_another(town: Town) -> None:
    asha = await town.owner()
    _, codes = await town.with_app(asha)
    await town.with_passkey(asha)
    first, second = await town.mfa_token(asha), await town.mfa_token(asha)
    options = await factors.second_factor_options(town.db, town.settings, first)
    await factors.second_factor_options(town.db, town.settings, second)
    assert await town.answer(asha, "passkey", asha.device.sign(options), second) == "second_factor_wrong"
    token, alone = await factors.begin_passkey_sign_in(town.db, town.settings)
    assert await town.answer(asha, "passkey", asha.device.sign(alone), token) == "second_factor_expired"
    proof, _ = await factors.begin_passkey_proof(town.db, town.settings, asha.who)
    assert await town.answer(asha, "recovery_code", codes[0], proof) == "second_factor_expired", "no password was given"
    assert await said(factors.second_factor_options(town.db, town.settings, proof)) == "second_factor_expired"


async def test_a_touch_proves_once_more_that_it_is_asha_in_this_session(town: Town) -> None:
    asha, mallory = await town.owner(), await town.owner("Mallory")
    await town.with_passkey(asha)
    await town.with_passkey(mallory)
    elsewhere = await town.sign_in(asha.id)
    adding = await town.done(asha, "POST", "/factors/passkeys/options")
    other_purpose = {**adding, "credential": asha.device.sign({"challenge": adding["options"]["challenge"]})}
    del other_purpose["options"]
    refused(await town.ask(asha, "POST", "/prove/passkey", other_purpose), 401, "passkey_expired")
    town.later(minutes=16)
    refused(await town.ask(asha, "POST", "/factors/passkeys/options"), 403, "proof_needed")
    begun = await town.done(asha, "POST", "/prove/passkey/options")
    assert [read(each["id"]) for each in begun["options"]["allowCredentials"]] == list(asha.device.keys)

    stolen = {"token": begun["token"], "credential": mallory.device.sign({"challenge": begun["options"]["challenge"]})}
    refused(await town.ask(mallory, "POST", "/prove/passkey", stolen), 401, "passkey_expired")
    refused(await town.ask(asha, "POST", "/prove/passkey", stolen), 401, "passkey_wrong")
    begun = await town.done(asha, "POST", "/prove/passkey/options")
    body = {"token": begun["token"], "credential": asha.device.sign(begun["options"])}
    await town.done(asha, "POST", "/prove/passkey", body)
    refused(await town.ask(asha, "POST", "/prove/passkey", body), 401, "passkey_expired")
    await town.done(asha, "POST", "/factors/passkeys/options")
    other = Owner(asha.id, asha.email, Visitor(asha.id, elsewhere.session_id), elsewhere.token, asha.device)
    refused(await town.ask(other, "POST", "/factors/passkeys/options"), 403, "proof_needed")
    assert "customer.proved" in await town.history(asha)


NONSENSE: list[Any] = [
    {}, {"id": 1}, {"id": "x", "rawId": "x", "type": "public-key", "response": {}},
    {"id": "AA", "rawId": "AA", "type": [], "response": {"clientDataJSON": "e30", "authenticatorData": "", "signature": ""}},
    {"id": "é", "rawId": "é", "type": "public-key", "response": {"clientDataJSON": "é", "authenticatorData": "é", "signature": "é"}},
]  # fmt: skip


async def test_credentials_that_make_no_sense_are_refused_and_break_nothing(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    how_many = len(_spoiled(Authenticator().make({"user": {"id": ""}, "challenge": ""})))
    for number in range(how_many):
        begun = await town.done(asha, "POST", "/factors/passkeys/options")
        credential = _spoiled(Authenticator().make(begun["options"]))[number]
        answer = await town.ask(
            asha, "POST", "/factors/passkeys", {"token": begun["token"], "credential": credential, "name": "x"}
        )
        assert answer.status_code == 400, credential
    for number in range(len(_spoiled(asha.device.sign({"challenge": ""})))):
        token, options = await factors.begin_passkey_sign_in(town.db, town.settings)
        credential = _spoiled(asha.device.sign(options))[number]
        found = await said(factors.finish_passkey_sign_in(town.db, town.settings, token, credential))
        assert found == "passkey_wrong", credential
    assert await enter(town, asha.device) == asha.id


def _spoiled(credential: Json) -> list[Json]:
    """The same, with each field in turn of every wrong type and with every wrong content."""
    wrong = [None, 7, "", "!", [], {}, "\x00", "AAAA", written(b"[" * 20000), written(b"\xbf" * 5000), "\ud800", ["x"]]
    fields = [{**credential, name: value} for name in ("id", "rawId", "type", "response") for value in wrong]
    for name in [name for name in credential["response"] if name not in ("transports", "userHandle")]:
        fields += [{**credential, "response": {**credential["response"], name: value}} for value in wrong]
    return [*NONSENSE, *fields]


def test_the_site_is_our_host_and_the_origins_are_ours() -> None:
    ours = Settings(public_url="https://Travel.example")
    assert (ceremonies.site(ours), ceremonies.origins(ours)) == ("travel.example", ["https://travel.example"])
    assert ceremonies.origins(replace(ours, public_url="https://travel.example:443")) == ["https://travel.example"]
    here = Settings(public_url="http://localhost:3000", frontend_url="http://localhost:5173")
    assert ceremonies.site(here) == "localhost"
    assert ceremonies.origins(here) == ["http://localhost:3000", "http://localhost:5173"]
    apart = replace(ours, frontend_url="https://app.travel.example")
    assert ceremonies.origins(apart) == ["https://travel.example", "https://app.travel.example"]
    for elsewhere in ("https://eviltravel.example", "https://example", "https://travel.example.evil"):
        assert ceremonies.origins(replace(ours, frontend_url=elsewhere)) == ["https://travel.example"]


async def test_the_older_clients_own_origin_may_sign_as_well(town: Town) -> None:
    asha = await town.owner()
    await town.with_passkey(asha)
    town.settings = replace(town.settings, frontend_url="http://localhost:5173")
    assert await enter(town, asha.device, origin="http://localhost:5173") == asha.id
