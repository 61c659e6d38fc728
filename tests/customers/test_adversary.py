"""Mallory has read the source: what she tries against the accounts of others, each once."""

from __future__ import annotations

from contextlib import suppress

from jklg import mail
from jklg.bookings import keys
from jklg.customers import rules
from jklg.kit.errors import BadInput
from jklg.kit.ids import uuid7
from jklg.kit.tokens import sealed
from tests.customers.people import MALLORYS, PASSWORD, People, people, refused  # noqa: F401  (people is a fixture)
from tests.customers.test_second_step import with_app

NEW = "asha@hills.example.org"
ASHAS_TELEPHONE = "192.0.2.200"
CHROME_ON_ANDROID = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


async def test_whoever_calls_herself_like_a_sealed_word_gets_nobodys_link(people: People) -> None:
    """An export shows sealed words as they are kept. Were one opened wherever it stands, a name would have tokens made."""
    secret, ashas = people.house.settings.secret, uuid7()
    name = sealed("token", secret, "booking", str(ashas))
    mallory = await people.join("mallory@example.net", name=f"M {name}", at=MALLORYS)
    for agent in ("", CHROME_ON_ANDROID):
        assert (await people.login("mallory@example.net", at=MALLORYS, agent=agent)).status_code == 200
    letter = await people.letter("new_device", "mallory@example.net")
    assert keys.manage_token(secret, ashas) not in letter.text + letter.html
    assert mallory["customerId"]


async def test_asha_who_types_the_code_of_mallorys_registration_confirms_her_own(people: People) -> None:
    """Mallory registers Asha's address when Asha does, and waits for Asha to type the wrong one of two codes."""
    asha = await people.register()
    mallory = await people.register(password="mallory waits here", name="Asha Rao", at=MALLORYS)
    letter = await people.letter("verify_email", "asha@example.org")
    assert letter.link["customerId"] == mallory["customerId"]
    typed = {"email": "asha@example.org", "code": letter.code}
    refused(await people.post("/verify-email", typed, at=ASHAS_TELEPHONE), 400, "confirm_with_password")
    refused(
        await people.post("/verify-email", {**typed, "password": PASSWORD}, at=ASHAS_TELEPHONE),
        401, "invalid_credentials",
    )  # fmt: skip
    confirmed = await people.post("/verify-email", typed, token=asha["token"])
    assert confirmed.json()["customer"]["id"] == asha["customerId"]
    refused(await people.login("asha@example.org", "mallory waits here", at=MALLORYS), 401, "invalid_credentials")
    assert (await people.login()).status_code == 200


async def test_mallory_cannot_use_up_the_mails_that_asha_needs_to_join(people: People) -> None:
    """A mailbox gets eight mails an hour. When Mallory has caused them all, Asha confirms her registration with any of them."""
    for network in ("203.0.113.66", "203.0.113.67"):
        for _ in range(5):
            await people.register(password="mallory waits here", at=network)
    asha = await people.register()
    letter = await people.letter("verify_email", "asha@example.org")
    assert letter.link["customerId"] != asha["customerId"], "there was no mail left for hers"
    confirmed = await people.post("/verify-email", letter.link, token=asha["token"])
    assert confirmed.status_code == 200 and confirmed.json()["customer"]["id"] == asha["customerId"]


async def test_a_registration_of_another_mailbox_confirms_nothing_with_ashas_link(people: People) -> None:
    await people.register()
    mallory = await people.register("mallory@example.net", at=MALLORYS)
    letter = await people.letter("verify_email", "asha@example.org")
    refused(
        await people.post("/verify-email", letter.link, token=mallory["token"], at=MALLORYS),
        400,
        "confirm_with_password",
    )
    states = await people.rows("SELECT DISTINCT status FROM customers")
    assert [row[0] for row in states] == ["pending"]


async def test_who_moved_and_left_is_named_in_no_mail_to_the_mailbox_of_before(people: People) -> None:
    """Notices were found again by the ids of what they were about, and those are forgotten sooner than the notices."""
    await people.join(name="Zilpzalp")
    token = (await people.login()).json()["token"]
    await with_app(people, token)
    assert (await people.post("/change-email", {"email": NEW}, token=token)).status_code == 200
    link = (await people.letter("confirm_new_email", NEW)).link
    assert (await people.post("/confirm-email", link, token=token)).status_code == 200
    assert "email_changing" in await people.kinds("asha@example.org"), "the notice with the undo link goes out"
    me = (await people.ask("GET", "/me", token=token)).json()["customer"]["id"]
    left = await people.ask("DELETE", f"/{me}", {"password": PASSWORD}, token=token)
    assert left.status_code == 200, left.text
    await mail.send_due(people.house)
    people.later(hours=2)
    await mail.forget_due(people.house.db)
    assert [row[0] for row in await people.rows("SELECT kind FROM mail_outbox WHERE state <> 'erased'")] == []
    assert "zilpzalp" not in (await people.everything()).lower()


async def test_no_letter_outside_ascii_makes_another_mailbox_look_like_ashas(people: People) -> None:
    """The owner of one mailbox would get the account, and the guest bookings, of the other."""
    beyond = [chr(code) for code in range(0x80, 0x11_0000) if not 0xD800 <= code < 0xE000]
    rows = await people.rows("SELECT letter FROM unnest($1::text[]) AS letter WHERE lower(letter) ~ '[ -~]'", beyond)
    assert {row[0] for row in rows} >= {"\u0130"}
    kept = []
    for (letter,) in rows:
        with suppress(BadInput):
            kept.append(rules.check_email(f"{letter}rene@example.org"))
    assert [address for address in kept if not address.isascii()] == [], "others are written in their plain form"
    assert rules.check_email("Çiğdem@example.org") == "Çiğdem@example.org"
