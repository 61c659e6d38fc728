"""Asha moves to another mailbox; Mallory, with a stolen session, does not get away with it."""

from __future__ import annotations

import asyncio

import pytest

from tests.customers.people import (  # noqa: F401  (people is a fixture)
    BENS,
    MALLORYS,
    PASSWORD,
    Json,
    People,
    people,
    refused,
)

OLD, NEW = "asha@example.org", "asha@hills.example.org"


async def signed_in(people: People) -> str:
    await people.join()
    token: str = (await people.login()).json()["token"]
    return token


async def asked(people: People, token: str, email: str = NEW) -> Json:
    """The link in the new mailbox."""
    assert (await people.post("/change-email", {"email": email}, token=token)).status_code == 200
    return (await people.letter("confirm_new_email", email)).link


async def test_asha_moves_to_another_mailbox(people: People) -> None:
    token = await signed_in(people)
    link = await asked(people, token)
    assert (await people.rows("SELECT email FROM customers"))[0][0] == OLD, "nothing moves before it is confirmed"
    answer = await people.post("/confirm-email", link, token=token)
    assert answer.status_code == 200
    assert answer.json()["customer"]["email"] == NEW
    refused(await people.login(OLD), 401, "invalid_credentials")
    again = await people.login(NEW)
    assert again.status_code == 200
    refused(await people.post("/confirm-email", link, token=token), 400, "verification_invalid")
    assert await people.kinds(OLD) == ["verify_email", "email_changing"]
    told = await people.history(again.json()["customerId"])
    assert [what for what in told if "email" in what] == ["customer.email_change_asked", "customer.email_changed"]


async def test_moving_needs_a_fresh_proof_and_a_real_address(people: People) -> None:
    token = await signed_in(people)
    refused(await people.post("/change-email", {"email": "nothing"}, token=token), 400, "email_invalid")
    refused(await people.post("/change-email", {"email": OLD.upper()}, token=token), 400, "email_unchanged")
    refused(await people.post("/change-email", {"email": NEW}), 401, "not_signed_in")
    people.later(minutes=16)
    refused(await people.post("/change-email", {"email": NEW}, token=token), 403, "proof_needed")
    assert await people.kinds(NEW) == []


async def test_a_stranger_who_has_the_link_alone_moves_nothing(people: People) -> None:
    """As with a registration: Mallory must not get an account of hers confirmed by the scanner of the mailbox that she names."""
    token = await signed_in(people)
    link = await asked(people, token)
    refused(await people.post("/confirm-email", link, at=BENS), 400, "confirm_with_password")
    ben = await people.join("ben@example.org", name="Ben", at=BENS)
    refused(await people.post("/confirm-email", link, token=ben["token"], at=BENS), 400, "confirm_with_password")
    wrong = {**link, "password": "a guess"}
    refused(await people.post("/confirm-email", wrong, at=BENS), 401, "invalid_credentials")
    assert (await people.post("/confirm-email", {**link, "password": PASSWORD}, at=BENS)).status_code == 200


async def test_a_link_ends_after_a_day_and_with_the_next_wish(people: People) -> None:
    token = await signed_in(people)
    first = await asked(people, token)
    second = await asked(people, token, "asha@lakes.example.org")
    refused(await people.post("/confirm-email", first, token=token), 400, "verification_invalid")
    people.later(hours=25)
    refused(await people.post("/confirm-email", second, token=token), 400, "verification_invalid")


async def test_an_address_that_has_an_account_gets_the_same_answer_and_no_link(people: People) -> None:
    token = await signed_in(people)
    await people.join("ben@example.org", name="Ben", at=BENS)
    free = await people.post("/change-email", {"email": NEW}, token=token)
    await people.letters()
    taken = await people.post("/change-email", {"email": "Ben@example.org"}, token=token)
    assert (free.status_code, free.text) == (taken.status_code, taken.text)
    assert await people.kinds("ben@example.org") == ["verify_email"]
    assert (await people.kinds(OLD)).count("email_changing") == 2


async def test_two_who_want_one_address_do_not_both_get_it(people: People) -> None:
    tokens = [await signed_in(people), (await people.join("ben@example.org", name="Ben", at=BENS))["token"]]
    links = [await asked(people, token) for token in tokens]
    answers = await asyncio.gather(
        *(people.post("/confirm-email", link, token=token) for link, token in zip(links, tokens, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    found = await people.rows("SELECT count(*) FROM customers WHERE email = $1", NEW)
    assert found[0][0] == 1


async def test_a_registration_that_confirms_first_keeps_its_address(people: People) -> None:
    token = await signed_in(people)
    link = await asked(people, token)
    await people.join(NEW, name="Another", at=BENS)
    refused(await people.post("/confirm-email", link, token=token), 400, "verification_invalid")


@pytest.mark.parametrize("moved", [False, True])
async def test_asha_takes_her_account_back(people: People, moved: bool) -> None:
    token = await signed_in(people)
    link = await asked(people, token)
    undo = (await people.letter("email_changing", OLD)).link
    if moved:
        assert (await people.post("/confirm-email", link, token=token)).status_code == 200
        people.later(days=6)
    refused(await people.post("/confirm-email", undo, token=token), 400, "verification_invalid")
    answer = await people.post("/undo-email-change", undo, at=BENS)
    assert answer.status_code == 200
    refused(await people.ask("GET", "/sessions", token=token), 401, "not_signed_in")
    refused(await people.login(OLD), 401, "invalid_credentials")
    refused(await people.post("/confirm-email", {**link, "password": PASSWORD}), 400, "verification_invalid")
    refused(await people.post("/undo-email-change", undo), 400, "verification_invalid")
    reset = (await people.letter("password_reset", OLD)).link
    chosen = {**reset, "newPassword": "mine and nobody else's"}
    assert (await people.post("/reset-password", chosen)).status_code == 200
    entered = await people.login(OLD, "mine and nobody else's")
    assert entered.status_code == 200
    assert "customer.email_restored" in await people.history(entered.json()["customerId"])


async def test_moving_twice_does_not_shake_the_owner_off(people: People) -> None:
    """Mallory moves the account once more, so that the newest undo link lies in a mailbox of hers: the first still restores."""
    token = await signed_in(people)
    assert (await people.post("/confirm-email", await asked(people, token), token=token)).status_code == 200
    first = (await people.letter("email_changing", OLD)).link
    further = "mallory@example.org"
    assert (await people.post("/confirm-email", await asked(people, token, further), token=token)).status_code == 200
    second = (await people.letter("email_changing", NEW)).link
    assert (await people.post("/undo-email-change", first)).status_code == 200
    assert (await people.rows("SELECT email FROM customers"))[0][0] == OLD
    refused(await people.post("/undo-email-change", second), 400, "verification_invalid")


async def test_an_undo_link_is_good_for_seven_days(people: People) -> None:
    token = await signed_in(people)
    await asked(people, token)
    undo = (await people.letter("email_changing", OLD)).link
    people.later(days=7, minutes=1)
    refused(await people.post("/undo-email-change", undo), 400, "verification_invalid")


async def test_a_reset_link_in_the_old_mailbox_ends_with_the_move(people: People) -> None:
    token = await signed_in(people)
    await people.post("/forgot-password", {"email": OLD})
    reset = (await people.letter("password_reset", OLD)).link
    assert (await people.post("/confirm-email", await asked(people, token), token=token)).status_code == 200
    refused(await people.post("/reset-password", {**reset, "newPassword": "three lakes"}), 400, "reset_invalid")


async def test_a_reset_ends_a_move_that_a_thief_had_asked_for(people: People) -> None:
    token = await signed_in(people)
    link = await asked(people, token)
    await people.post("/forgot-password", {"email": OLD})
    reset = (await people.letter("password_reset", OLD)).link
    assert (await people.post("/reset-password", {**reset, "newPassword": "three lakes"})).status_code == 200
    refused(await people.post("/confirm-email", {**link, "password": "three lakes"}), 400, "verification_invalid")


async def test_nobodys_mailbox_is_bombed_by_moving(people: People) -> None:
    token = await signed_in(people)
    answers = [await people.post("/change-email", {"email": NEW}, token=token) for _ in range(20)]
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert 1 <= len(await people.kinds(NEW)) <= 10
    assert len(await people.kinds(OLD)) <= 12


async def test_no_link_of_a_move_lies_anywhere(people: People) -> None:
    token = await signed_in(people)
    link = await asked(people, token)
    undo = (await people.letter("email_changing", OLD)).link
    kept = await people.everything()
    assert link["token"] not in kept and undo["token"] not in kept
    queued = [row[0] for row in await people.rows("SELECT convert_from(payload, 'utf8') FROM pgqueuer")]
    assert not any(NEW in payload for payload in queued)
