"""Asha forgets her password and gets back in; whoever has an old session, an old link or a guess does not."""

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

NEW = "three lakes and a pony"


async def forgotten(people: People, email: str = "asha@example.org") -> Json:
    """The link of a mail that Asha asked for."""
    assert (await people.post("/forgot-password", {"email": email})).status_code == 200
    return (await people.letter("password_reset", email)).link


async def test_asha_chooses_a_new_password_and_signs_in_with_it(people: People) -> None:
    asha = await people.join()
    session = (await people.login()).json()["token"]
    letter_link = await forgotten(people)
    letter = await people.letter("password_reset", "asha@example.org")
    assert letter.address.startswith(f"{people.house.settings.public_url}/reset-password?token=")
    answer = await people.post("/reset-password", {**letter_link, "newPassword": NEW})
    assert answer.status_code == 200
    assert set(answer.json()) == {"message"}, "a reset opens no session"
    for token in (session, asha["token"]):
        refused(await people.ask("GET", "/sessions", token=token), 401, "not_signed_in")
    refused(await people.login(), 401, "invalid_credentials")
    assert (await people.login(password=NEW)).status_code == 200
    notice = await people.letter("password_changed", "asha@example.org")
    assert "through a link" in notice.text
    assert "customer.password_reset" in await people.history(asha["customerId"])


async def test_a_reset_link_is_good_once_and_for_an_hour(people: People) -> None:
    await people.join()
    link = await forgotten(people)
    people.later(minutes=61)
    refused(await people.post("/reset-password", {**link, "newPassword": NEW}), 400, "reset_invalid")
    link = await forgotten(people)
    assert (await people.post("/reset-password", {**link, "newPassword": NEW})).status_code == 200
    refused(await people.post("/reset-password", {**link, "newPassword": PASSWORD}), 400, "reset_invalid")
    assert (await people.login(password=NEW)).status_code == 200


async def test_a_reset_ends_the_links_that_were_mailed_before(people: People) -> None:
    """In the predecessor, using the newest link laid the one before bare, good for the rest of its hour."""
    await people.join()
    first, second = await forgotten(people), await forgotten(people)
    assert first["token"] != second["token"]
    assert (await people.post("/reset-password", {**second, "newPassword": NEW})).status_code == 200
    refused(await people.post("/reset-password", {**first, "newPassword": PASSWORD}), 400, "reset_invalid")


async def test_a_later_link_does_not_end_an_earlier_one(people: People) -> None:
    """Else Mallory, asking again and again, would make every link worthless before Asha has opened it."""
    await people.join()
    first, _ = await forgotten(people), await forgotten(people)
    assert (await people.post("/reset-password", {**first, "newPassword": NEW})).status_code == 200


async def test_twenty_resets_with_one_link_are_one(people: People) -> None:
    await people.join()
    link = await forgotten(people)
    answers = await asyncio.gather(
        *(people.post("/reset-password", {**link, "newPassword": f"{NEW} {number}"}) for number in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    assert (await people.login(password=f"{NEW} {winner}")).status_code == 200


async def test_looking_at_a_link_or_choosing_badly_does_not_use_it_up(people: People) -> None:
    await people.join()
    link = await forgotten(people)
    await people.ask("GET", f"/reset-password?token={link['token']}&customerId={link['customerId']}", at=BENS)
    for bad in ("short", "password", "x" * 129, ""):
        answer = await people.post("/reset-password", {**link, "newPassword": bad})
        assert answer.status_code == 400 and answer.json()["code"].startswith("password_"), answer.text
    refused(await people.post("/reset-password", link), 400, "missing_field")
    assert (await people.post("/reset-password", {**link, "newPassword": NEW})).status_code == 200


async def test_strangers_cannot_tell_whether_an_address_has_an_account(people: People) -> None:
    await people.join()
    await people.register("ben@example.org", at=BENS)
    before = {email: await people.kinds(email) for email in ("ben@example.org", "nobody@example.org")}
    answers = [
        await people.post("/forgot-password", {"email": email}, at=MALLORYS)
        for email in ("asha@example.org", "ben@example.org", "nobody@example.org")
    ]
    assert len({(answer.status_code, answer.text, *answer.headers) for answer in answers}) == 1
    assert "password_reset" in await people.kinds("asha@example.org")
    assert {email: await people.kinds(email) for email in before} == before, "an unproven mailbox gets no mail"


@pytest.mark.parametrize("status", ["inactive", "suspended"])
async def test_a_closed_account_is_not_opened_by_a_mail(people: People, status: str) -> None:
    await people.join()
    link = await forgotten(people)
    await people.rows("UPDATE customers SET status = $1", status)
    refused(await people.post("/reset-password", {**link, "newPassword": NEW}), 400, "reset_invalid")
    await people.post("/forgot-password", {"email": "asha@example.org"})
    assert (await people.kinds("asha@example.org")).count("password_reset") == 1


async def test_a_reset_ends_the_patience_that_wrong_guesses_had_asked_for(people: People) -> None:
    await people.join()
    for _ in range(10):
        await people.login(password="a guess")
    refused(await people.login(), 429, "too_many_tries")
    link = await forgotten(people)
    assert (await people.post("/reset-password", {**link, "newPassword": NEW})).status_code == 200
    assert (await people.login(password=NEW)).status_code == 200


async def test_a_mailbox_cannot_be_bombed_with_links(people: People) -> None:
    await people.join()
    for number in range(30):
        await people.post("/forgot-password", {"email": "asha@example.org"}, at=f"203.0.113.{number}")
    sent = (await people.kinds("asha@example.org")).count("password_reset")
    assert 1 <= sent <= 10
    link = (await people.letter("password_reset", "asha@example.org")).link
    answer = await people.post("/reset-password", {**link, "newPassword": NEW})
    assert answer.status_code == 200, "and those that Mallory asked for serve Asha as well"


async def test_asha_changes_her_password_and_her_other_devices_are_signed_out(people: People) -> None:
    asha = await people.join()
    here, there = [(await people.login()).json()["token"] for _ in range(2)]
    link = await forgotten(people)
    change = {"oldPassword": PASSWORD, "newPassword": NEW}
    answer = await people.post("/change-password", change, token=here)
    assert answer.status_code == 200 and set(answer.json()) == {"message"}
    assert (await people.ask("GET", "/sessions", token=here)).status_code == 200
    refused(await people.ask("GET", "/sessions", token=there), 401, "not_signed_in")
    refused(await people.login(), 401, "invalid_credentials")
    assert (await people.login(password=NEW)).status_code == 200
    assert "Every other device was signed out." in (await people.letter("password_changed", "asha@example.org")).text
    assert "customer.password_changed" in await people.history(asha["customerId"])
    refused(await people.post("/reset-password", {**link, "newPassword": "one more walk"}), 400, "reset_invalid")


async def test_changing_a_password_needs_the_old_one_and_a_good_new_one(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    change: Json = {"oldPassword": "not the password", "newPassword": NEW}
    refused(await people.post("/change-password", change, token=token), 401, "invalid_credentials")
    refused(await people.post("/change-password", change), 401, "not_signed_in")
    refused(await people.post("/change-password", {"newPassword": NEW}, token=token), 400, "missing_field")
    answer = await people.post("/change-password", {"oldPassword": PASSWORD, "newPassword": "short"}, token=token)
    assert answer.status_code == 400 and answer.json()["code"].startswith("password_")
    pending = await people.register("ben@example.org", at=BENS)
    change = {"oldPassword": PASSWORD, "newPassword": NEW}
    refused(await people.post("/change-password", change, token=pending["token"]), 403, "email_not_verified")


async def test_twenty_changes_with_the_old_password_are_one(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    answers = await asyncio.gather(
        *(
            people.post("/change-password", {"oldPassword": PASSWORD, "newPassword": f"{NEW} {number}"}, token=token)
            for number in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_a_thief_with_a_session_cannot_guess_the_password_for_ever(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    change = {"oldPassword": "a guess", "newPassword": NEW}
    for _ in range(10):
        refused(await people.post("/change-password", change, token=token), 401, "invalid_credentials")
    refused(await people.post("/change-password", change, token=token), 429, "too_many_tries")


async def test_no_reset_link_lies_anywhere(people: People) -> None:
    await people.join()
    link = await forgotten(people)
    kept = await people.everything()
    assert link["token"] not in kept
    await people.post("/reset-password", {**link, "newPassword": NEW})
    kept = await people.everything()
    assert link["token"] not in kept and NEW not in kept
