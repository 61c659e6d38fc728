"""A sheet of paper with ten codes, for the day that Asha's telephone lies in the lake."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

from jklg.customers import factors
from jklg.customers.factors import rules
from tests.customers.owners import Town, refused, said, town  # noqa: F401  (town is a fixture)


def test_a_code_holds_120_bits_in_letters_that_are_not_mistaken_for_each_other() -> None:
    assert rules.recovery_code(bytes(15)) == "000000-000000-000000-000000"
    assert rules.recovery_code(b"\xff" * 15) == "zzzzzz-zzzzzz-zzzzzz-zzzzzz"
    codes = {rules.recovery_code(number.to_bytes(15)) for number in range(2**12)}
    assert len(codes) == 2**12
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{6}(-[0-9a-hjkmnp-tv-z]{6}){3}", code) for code in codes)


def test_a_code_may_be_typed_as_people_type() -> None:
    asha, ben = UUID(int=1), UUID(int=2)
    right = rules.recovery_code_hash(asha, "0a1b2-00000-zzzz1")
    for typed in ("0A1B2-00000-ZZZZ1", " 0a1b200000zzzz1 ", "oalb2 ooooo zzzzI"):
        assert rules.recovery_code_hash(asha, typed) == right
    assert rules.recovery_code_hash(ben, "0a1b2-00000-zzzz1") != right
    assert rules.recovery_code_hash(asha, "\ud800") != right


def test_what_follows_a_password() -> None:
    def ways(totp: bool, passkeys: int, codes: int, left: int) -> list[str]:
        return rules.ways(totp=totp, passkeys=passkeys, codes=codes, codes_left=left)

    assert ways(False, 0, 0, 0) == ways(False, 3, 0, 0) == ways(False, 0, 10, 10) == []
    assert ways(True, 0, 10, 10) == ["totp", "recovery_code"]
    assert ways(True, 2, 10, 1) == ["totp", "recovery_code", "passkey"]
    assert ways(True, 0, 10, 0) == ["totp"]
    assert ways(False, 1, 10, 4) == ["recovery_code", "passkey"]
    assert ways(False, 1, 10, 0) == ["passkey"], "a used-up sheet does not open the door to the password alone"


async def test_each_code_opens_once_and_the_owner_is_told(town: Town) -> None:
    asha = await town.owner()
    _, codes = await town.with_app(asha)
    assert await town.answer(asha, "recovery_code", codes[3].upper().replace("-", " ")) == asha.id
    assert await town.answer(asha, "recovery_code", codes[3]) == "second_factor_wrong"
    assert await town.check(asha, codes[4])
    assert not await town.check(asha, codes[4])
    assert (await town.done(asha, "GET", "/factors"))["recovery_codes_left"] == 8
    assert (await town.history(asha)).count("customer.recovery_code_used") == 2
    assert sum("A recovery code was used." in letter for letter in await town.letters(asha)) == 2


async def test_of_twenty_who_use_one_code_at_once_one_comes_in(town: Town) -> None:
    asha = await town.owner()
    _, codes = await town.with_app(asha)
    tokens = [await town.mfa_token(asha) for _ in range(20)]
    answers = await asyncio.gather(*(town.answer(asha, "recovery_code", codes[0], token) for token in tokens))
    assert answers.count(asha.id) == 1
    assert sum(await asyncio.gather(*(town.check(asha, codes[1]) for _ in range(20)))) == 1
    assert len(await town.letters(asha)) == 3, "one for the app, one for each code"


async def test_nobody_elses_code_opens_anything_and_none_lies_readable(town: Town) -> None:
    asha, mallory = await town.owner(), await town.owner("Mallory")
    _, codes = await town.with_app(asha)
    _, mallorys = await town.with_app(mallory)
    assert await town.answer(asha, "recovery_code", mallorys[0]) == "second_factor_wrong"
    stored = str(await town.rows("SELECT * FROM customer_recovery_codes"))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    everything = str(await town.rows("SELECT * FROM mail_outbox")) + str(await town.rows("SELECT * FROM history"))
    assert not any(code in everything for code in codes)


async def test_a_new_sheet_replaces_the_old_one(town: Town) -> None:
    asha = await town.owner()
    refused(await town.ask(asha, "POST", "/factors/recovery-codes"), 409, "no_second_factor")
    _, old = await town.with_app(asha)
    new = (await town.done(asha, "POST", "/factors/recovery-codes"))["recovery_codes"]
    assert len(set(new) | set(old)) == 20
    assert not await town.check(asha, old[0])
    assert await town.check(asha, new[0])
    assert "New recovery codes were made." in (await town.letters(asha))[1]
    refused(await town.ask(asha, "DELETE", "/factors/recovery-codes"), 409, "totp_is_on")


async def test_sheets_that_are_made_at_once_leave_one(town: Town) -> None:
    asha = await town.owner()
    await town.with_app(asha)
    sheets = await asyncio.gather(*(town.done(asha, "POST", "/factors/recovery-codes") for _ in range(8)))
    assert len(await town.rows("SELECT 1 FROM customer_recovery_codes")) == 10
    good = [sheet for sheet in sheets if await town.check(asha, sheet["recovery_codes"][0])]
    assert len(good) == 1


async def test_with_passkeys_a_sheet_turns_the_second_step_on_and_off(town: Town) -> None:
    asha = await town.owner()
    passkey = await town.with_passkey(asha)
    codes = (await town.done(asha, "POST", "/factors/recovery-codes"))["recovery_codes"]
    assert await town.methods(asha) == ["recovery_code", "passkey"]
    assert await town.answer(asha, "recovery_code", codes[0]) == asha.id
    await town.done(asha, "DELETE", "/factors/recovery-codes")
    refused(await town.ask(asha, "DELETE", "/factors/recovery-codes"), 404, "recovery_codes_not_found")
    assert await town.methods(asha) == []
    await town.done(asha, "POST", "/factors/recovery-codes")
    await town.done(asha, "DELETE", f"/factors/passkeys/{passkey['id']}")
    assert not await town.rows("SELECT 1 FROM customer_recovery_codes"), "they would stand in for nothing"


async def test_passkeys_only_needs_a_passkey_and_a_way_back(town: Town) -> None:
    asha = await town.owner()
    refused(await town.ask(asha, "POST", "/factors/passkeys-only"), 409, "passkey_needed")
    first = await town.with_passkey(asha)
    refused(await town.ask(asha, "POST", "/factors/passkeys-only"), 409, "recovery_codes_needed")
    codes = (await town.done(asha, "POST", "/factors/recovery-codes"))["recovery_codes"]
    pending = await town.mfa_token(asha)
    await town.done(asha, "POST", "/factors/passkeys-only")
    await town.done(asha, "POST", "/factors/passkeys-only")
    assert (await town.rows("SELECT password_hash FROM customers"))[0][0] is None
    assert (await town.history(asha)).count("customer.password_dropped") == 1
    assert "The password was removed." in (await town.letters(asha))[-1]
    assert await town.answer(asha, "recovery_code", codes[0], pending) == "second_factor_expired", (
        "begun with the password"
    )
    refused(await town.ask(asha, "DELETE", f"/factors/passkeys/{first['id']}"), 409, "no_password")
    refused(await town.ask(asha, "DELETE", "/factors/recovery-codes"), 409, "no_password")
    assert len((await town.done(asha, "GET", "/factors"))["passkeys"]) == 1, "and it is still there"
    second = await town.with_passkey(asha, "a key in the drawer")
    await town.done(asha, "DELETE", f"/factors/passkeys/{first['id']}")
    refused(await town.ask(asha, "DELETE", f"/factors/passkeys/{second['id']}"), 409, "no_password")
    assert not (await town.done(asha, "GET", "/factors"))["has_password"]
    assert await town.methods(asha) == ["recovery_code", "passkey"], "a new password through the mailbox is not enough"


async def test_two_last_passkeys_are_not_removed_at_once(town: Town) -> None:
    asha = await town.owner()
    both = [await town.with_passkey(asha) for _ in range(2)]
    await town.done(asha, "POST", "/factors/recovery-codes")
    await town.done(asha, "POST", "/factors/passkeys-only")
    answers = await asyncio.gather(*(town.ask(asha, "DELETE", f"/factors/passkeys/{each['id']}") for each in both))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_account_that_goes_away_leaves_no_factor(town: Town) -> None:
    asha, ben = await town.owner(), await town.owner("Ben")
    for owner in (asha, ben):
        await town.with_app(owner)
        await town.with_passkey(owner)
        await town.mfa_token(owner)
    async with town.db.transaction() as conn:
        await factors.drop_all(conn, [asha.id])
    for table in ("customer_totp", "customer_passkeys", "customer_recovery_codes", "customer_challenges"):
        assert {row[0] for row in await town.rows(f"SELECT customer_id FROM {table}")} == {ben.id}, table


async def test_what_a_stranger_added_goes_and_what_asha_had_before_stays(town: Town) -> None:
    asha = await town.owner()
    old = await town.with_passkey(asha)
    await town.done(asha, "POST", "/factors/recovery-codes")
    town.later(days=30)
    asha.token = (await town.sign_in(asha.id)).token
    await town.with_passkey(asha, "Mallory's")
    await town.with_app(asha)
    token = await town.mfa_token(asha)
    async with town.db.transaction() as conn:
        await factors.drop_younger(conn, town.settings, asha.id, 8)
        await factors.drop_younger(conn, town.settings, asha.id, 8)
    seen = await town.done(asha, "GET", "/factors")
    assert [each["id"] for each in seen["passkeys"]] == [old["id"]]
    assert (seen["totp_confirmed_at"], seen["recovery_codes_left"], seen["methods"]) == (None, 0, [])
    assert await said(factors.second_factor_options(town.db, town.settings, token)) == "second_factor_expired"
    assert (await town.history(asha)).count("customer.factors_dropped") == 1


async def test_what_is_half_done_is_swept_away_when_its_time_is_over(town: Town) -> None:
    asha = await town.owner()
    await town.mfa_token(asha)
    await factors.begin_passkey_sign_in(town.db, town.settings)
    assert await factors.forget_old(town.db) == 0
    town.later(minutes=6)
    assert await factors.forget_old(town.db) == 1
    town.later(minutes=5)
    assert await factors.forget_old(town.db) == 1
    assert not await town.rows("SELECT 1 FROM customer_challenges")
