"""The pages of customers as a browser without JavaScript meets them, and what strangers get from them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from jklg.customers.visits import way_back
from tests.customers.people import (  # noqa: F401  (people is a fixture)
    ASHAS,
    BENS,
    FIREFOX,
    MALLORYS,
    PASSWORD,
    People,
    people,
)

OURS = {"Sec-Fetch-Site": "same-origin", "User-Agent": FIREFOX}


@asynccontextmanager
async def browser(people: People, at: str = ASHAS) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of its own, with its cookies, at a network address."""
    transport = httpx.ASGITransport(app=people.app, client=(at, 4711))
    async with httpx.AsyncClient(
        transport=transport, base_url=people.house.settings.public_url, headers=OURS, follow_redirects=False
    ) as found:
        yield found


async def sign_up(people: People, asha: httpx.AsyncClient, email: str = "asha@example.org") -> None:
    form = {"name": "Asha Rao", "email": email, "password": PASSWORD}
    answer = await asha.post("/signup", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/verify-email"), answer.text


async def join(people: People, asha: httpx.AsyncClient) -> None:
    await sign_up(people, asha)
    letter = await people.letter("verify_email", "asha@example.org")
    answer = await asha.post("/verify-email/code", data={"email": "asha@example.org", "code": letter.code})
    assert answer.headers["location"] == "/account?said=welcome", answer.text


async def sign_in(asha: httpx.AsyncClient, password: str = PASSWORD, back: str = "") -> httpx.Response:
    return await asha.post("/login", data={"email": "asha@example.org", "password": password, "next": back})


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def test_opening_a_verification_link_uses_nothing_up_and_leaves_no_token_in_the_address(people: People) -> None:
    async with browser(people) as asha, browser(people, MALLORYS) as scanner:
        await sign_up(people, asha)
        letter = await people.letter("verify_email", "asha@example.org")
        for visitor in (scanner, scanner, asha):
            answer = await visitor.get(path_of(letter.address))
            assert (answer.status_code, answer.headers["location"]) == (303, "/verify-email?opened=link")
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"
            shown = await visitor.get("/verify-email?opened=link")
            assert shown.status_code == 200
            assert "Confirm my address" in shown.text
            assert letter.link["token"] not in shown.text
        assert await people.rows("SELECT FROM customers WHERE is_email_verified") == []
        assert (await asha.post("/verify-email")).headers["location"] == "/account?said=welcome"
        assert "jklg_link" not in asha.cookies


async def test_a_link_opened_on_another_device_asks_for_the_password(people: People) -> None:
    async with browser(people) as asha, browser(people, MALLORYS) as elsewhere:
        await sign_up(people, asha)
        letter = await people.letter("verify_email", "asha@example.org")
        await elsewhere.get(path_of(letter.address))
        asked = await elsewhere.post("/verify-email")
        assert "Type your password" in asked.text
        wrong = await elsewhere.post("/verify-email", data={"password": "not that one at all"})
        assert (wrong.status_code, "This is not the password" in wrong.text) == (401, True)
        right = await elsewhere.post("/verify-email", data={"password": PASSWORD})
        assert right.headers["location"] == "/login?said=confirmed"
        assert "Your address is confirmed" in (await elsewhere.get("/login?said=confirmed")).text


@pytest.mark.parametrize(
    "path",
    ["/login", "/signup", "/logout", "/verify-email", "/forgot-password", "/reset-password", "/prove", "/account/profile",
     "/account/delete", "/account/security/password", "/account/security/passkeys/options", "/login/passkey/options"],
)  # fmt: skip
async def test_a_form_on_another_site_does_nothing(people: People, path: str) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        answer = await asha.post(path, data={"name": "Mallory"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, "another site" in answer.text) == (403, True)
        assert (await asha.get("/account")).status_code == 200


PAGES = [
    "/account", "/account/bookings", "/account/profile", "/account/addresses", "/account/addresses/new", "/account/preferences",
    "/account/security", "/account/security/password", "/account/security/email", "/account/security/authenticator",
    "/account/security/recovery-codes", "/account/security/passkeys", "/account/export", "/account/delete",
]  # fmt: skip


async def test_no_page_of_an_account_is_kept_by_anybody_and_none_is_shown_to_strangers(people: People) -> None:
    async with browser(people) as asha, browser(people, MALLORYS) as mallory:
        await join(people, asha)
        for path in [*PAGES, "/login", "/signup", "/forgot-password", "/verify-email", "/prove"]:
            answer = await asha.get(path)
            assert answer.status_code in (200, 303), f"{path}: {answer.status_code}"
            assert answer.headers["cache-control"] == "no-store", path
        for path in PAGES:
            assert (await asha.get(path)).status_code == 200, path
            turned_away = await mallory.get(path)
            assert turned_away.status_code == 303, path
            assert turned_away.headers["location"].startswith("/login?next=%2Faccount"), path
            assert "Asha" not in turned_away.text


@pytest.mark.parametrize(
    "wanted",
    ["https://mallory.example", "//mallory.example", "/\\mallory.example", "/%2f/mallory.example", "javascript:alert(1)",
     "/account\r\nSet-Cookie: a=b", "\\\\mallory.example", "/.//mallory.example", " /account", "/account@mallory.example",
     "///mallory.example", "/login/../..//mallory.example", ""],
)  # fmt: skip
async def test_the_way_back_never_leaves_the_house(people: People, wanted: str) -> None:
    assert way_back(wanted) == "/account"
    async with browser(people) as asha:
        await people.join()
        assert (await sign_in(asha, back=wanted)).headers["location"] == "/account"
        assert (await asha.get("/login", params={"next": wanted})).headers["location"] == "/account"
        assert (await asha.post("/prove", data={"next": wanted, "password": PASSWORD})).headers[
            "location"
        ] == "/account"


async def test_the_way_back_leads_to_the_page_that_was_asked_for(people: People) -> None:
    async with browser(people) as asha:
        await people.join()
        turned_away = await asha.get("/account/addresses")
        shown = await asha.get(turned_away.headers["location"])
        assert 'name="next" value="/account/addresses"' in shown.text
        assert (await sign_in(asha, back="/account/addresses")).headers["location"] == "/account/addresses"


async def test_signing_in_ends_the_session_that_this_browser_had_before(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        before = asha.cookies["jklg_customer"]
        answer = await sign_in(asha)
        assert asha.cookies["jklg_customer"] != before
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "samesite=lax" in answer.headers["set-cookie"].lower()
        assert (await people.ask("GET", "/me", token=before)).status_code == 401
        assert (await asha.get("/account")).status_code == 200


async def test_signing_out_ends_the_session_and_not_only_the_cookie(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        token = asha.cookies["jklg_customer"]
        assert (await asha.post("/logout")).headers["location"] == "/login?said=signed-out"
        assert "jklg_customer" not in asha.cookies
        assert (await people.ask("GET", "/me", token=token)).status_code == 401
        assert (await asha.post("/logout")).headers["location"] == "/login?said=signed-out"


async def test_a_failed_form_keeps_what_was_typed_but_no_password(people: People) -> None:
    async with browser(people) as asha:
        form = {"name": "Asha Rao", "email": "asha at example", "phone": "call me", "password": "password"}
        answer = await asha.post("/signup", data=form)
        assert answer.status_code == 422
        for kept in ("Asha Rao", "asha at example", "call me"):
            assert f'value="{kept}"' in answer.text
        assert 'value="password"' not in answer.text
        for field in ("email", "phone", "password"):
            assert f'href="#f-{field}"' in answer.text, "the summary leads to every field"
            assert re.search(
                rf'id="f-{field}"[^>]*aria-describedby="[^"]*f-{field}-error"[^>]*aria-invalid="true"', answer.text
            )
        wrong = await sign_in(asha, "not the password")
        assert wrong.status_code == 401
        assert 'value="asha@example.org"' in wrong.text
        assert "not the password" not in wrong.text


@pytest.mark.parametrize("deep", ["[" * 5000, '{"a":' * 5000, '{"a":' * 5000 + "1" + "}" * 5000, "{", "[]", ""])
async def test_what_is_no_passkey_opens_nothing_and_breaks_nothing(people: People, deep: str) -> None:
    sent = {"method": "passkey", "token": "x", "credential": deep, "name": "My telephone"}
    async with browser(people) as asha, browser(people, MALLORYS) as mallory:
        await join(people, asha)
        for who, path, status in (
            (mallory, "/login/passkey", 401),
            (mallory, "/login/second-step", 401),
            (asha, "/prove", 401),
            (asha, "/account/security/passkeys", 422),
        ):
            answer = await who.post(path, data=sent)
            assert answer.status_code == status and "<form" in answer.text, path


async def test_too_many_tries_are_told_on_the_page_with_the_time_to_wait(people: People) -> None:
    await people.join()
    async with browser(people, MALLORYS) as mallory:
        answers = [await sign_in(mallory, f"guess number {number}") for number in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert "Too many tries" in answers[-1].text
        assert int(answers[-1].headers["retry-after"]) > 0
        assert answers[-1].headers["cache-control"] == "no-store"
    async with browser(people) as asha:
        assert (await sign_in(asha)).headers["location"] == "/account"


async def test_a_neighbour_in_her_network_cannot_keep_asha_from_her_own_browser(people: People) -> None:
    async with browser(people) as asha, browser(people) as neighbour:
        await join(people, asha)
        await asha.post("/logout")
        for _ in range(10):
            assert (await sign_in(neighbour, "a guess")).status_code == 401
        assert (await sign_in(neighbour)).status_code == 429, "the network has no tries left"
        assert (await sign_in(asha)).headers["location"] == "/account"
        await asha.post("/logout")
        for _ in range(10):
            assert (await sign_in(asha, "a guess")).status_code == 401
        assert (await sign_in(asha)).status_code == 429, "a stolen mark gives no more tries than a network"


async def test_whoever_has_proven_the_mailbox_is_not_kept_out_by_guesses_from_everywhere(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
    for number in range(120):
        await people.login(password="a guess", at=f"203.0.{number}.7")
    async with browser(people, at=BENS) as elsewhere:
        assert (await sign_in(elsewhere)).status_code == 429
        await elsewhere.post("/forgot-password", data={"email": "asha@example.org"})
        link = (await people.letter("password_reset", "asha@example.org")).address
        await elsewhere.get(path_of(link))
        anew = "another walk in other hills"
        assert (await elsewhere.post("/reset-password", data={"password": anew})).headers[
            "location"
        ] == "/login?said=reset"
        for number in range(120):
            await people.login(password="a guess", at=f"203.1.{number}.7")
        assert (await sign_in(elsewhere, anew)).headers["location"] == "/account"


async def test_a_known_and_an_unknown_address_get_the_same_page(people: People) -> None:
    await people.join()
    async with browser(people, MALLORYS) as mallory:
        for path, form in (
            ("/login", {"password": "some guess of hers"}),
            ("/forgot-password", {}),
            ("/verify-email/again", {}),
            ("/signup", {"name": "Mallory", "password": PASSWORD}),
        ):
            pages = set()
            for email in ("asha@example.org", "nobo@example.org"):
                answer = await mallory.post(path, data={**form, "email": email})
                pages.add((answer.status_code, answer.headers.get("location"), answer.text.replace(email, "?")))
                mallory.cookies.clear()
            assert len(pages) == 1, path


async def test_whoever_has_not_proven_the_mailbox_is_led_to_it(people: People) -> None:
    async with browser(people) as asha:
        await sign_up(people, asha)
        assert (await asha.get("/account")).headers["location"] == "/verify-email"
        asha.cookies.clear()
        answer = await sign_in(asha)
        assert (answer.status_code, "Six characters" in answer.text) == (403, True)
        letter = await people.letter("verify_email", "asha@example.org")
        confirmed = await asha.post("/verify-email/code", data={"email": "asha@example.org", "code": letter.code})
        assert confirmed.headers["location"] == "/login?said=confirmed"


async def test_a_password_is_replaced_through_the_mailbox(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        assert "If <strong>asha@example.org</strong>" in (
            await asha.post("/forgot-password", data={"email": "asha@example.org"})
        ).text  # fmt: skip
        letter = await people.letter("password_reset", "asha@example.org")
        assert (await asha.get(path_of(letter.address))).headers["location"] == "/reset-password?opened=link"
        assert (await asha.post("/reset-password", data={"password": "password"})).status_code == 422
        new = "another walk in other hills"
        assert (await asha.post("/reset-password", data={"password": new})).headers["location"] == "/login?said=reset"
        assert (await asha.get("/account")).headers["location"].startswith("/login")
        assert (await sign_in(asha)).status_code == 401
        assert (await sign_in(asha, new)).headers["location"] == "/account"
        await asha.get(path_of(letter.address))
        over = await asha.post("/reset-password", data={"password": "a third walk, in the rain"})
        assert "This link does not work any more" in over.text


async def test_an_address_is_changed_with_a_fresh_proof_and_taken_back(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        people.later(minutes=16)
        stale = await asha.get("/account/security/email")
        assert stale.headers["location"] == "/prove?next=%2Faccount%2Fsecurity%2Femail"
        proven = await asha.post("/prove", data={"password": PASSWORD, "next": "/account/security/email"})
        assert proven.headers["location"] == "/account/security/email"
        asked = await asha.post("/account/security/email", data={"email": "rao@example.org"})
        assert "Look into the new mailbox" in asked.text
        link = await people.letter("confirm_new_email", "rao@example.org")
        await asha.get(path_of(link.address))
        assert (await asha.post("/confirm-email")).headers["location"] == "/account/security?said=moved"
        assert "rao@example.org" in (await asha.get("/account/security")).text
        undo = await people.letter("email_changing", "asha@example.org")
        async with browser(people, MALLORYS) as owner:
            await owner.get(path_of(undo.address))
            assert "Take my account back" in (await owner.get("/undo-email-change?opened=link")).text
            assert (await owner.post("/undo-email-change")).headers["location"] == "/login?said=restored"
        assert (await asha.get("/account")).headers["location"].startswith("/login")


async def test_an_app_is_added_shown_again_after_a_wrong_code_and_asked_for_at_the_next_sign_in(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        shown = await asha.post("/account/security/authenticator")
        secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', shown.text)
        assert secret is not None
        assert "<svg" in shown.text
        wrong = await asha.post("/account/security/authenticator/confirm", data={"code": "12", "secret": secret[1]})
        assert (wrong.status_code, secret[1] in wrong.text, "<svg" in wrong.text) == (422, True, True)
        app = pyotp.TOTP(secret[1])
        planted = '"><script>alert(1)</script>'
        spoiled = await asha.post("/account/security/authenticator/confirm", data={"code": "12", "secret": planted})
        assert (spoiled.status_code, "<script>alert" in spoiled.text) == (422, False)
        on = await asha.post(
            "/account/security/authenticator/confirm", data={"code": app.at(people.clock.now()), "secret": secret[1]}
        )
        codes = re.findall(r"<code>([0-9a-z-]{27})</code>", on.text)
        assert len(codes) == 10
        assert on.headers["cache-control"] == "no-store"
        await asha.post("/logout")
        step = await sign_in(asha, back="/account/profile")
        assert step.headers["location"] == "/login/second-step?next=%2Faccount%2Fprofile"
        assert "jklg_customer" not in asha.cookies, "the password alone opens nothing"
        assert (await asha.get("/account")).headers["location"].startswith("/login")
        form = {"method": "totp", "next": "/account/profile"}
        assert (await asha.post("/login/second-step", data={**form, "code": "000000"})).status_code == 401
        people.later(seconds=60)
        done = await asha.post("/login/second-step", data={**form, "code": app.at(people.clock.now())})
        assert done.headers["location"] == "/account/profile"
        await asha.post("/logout")
        await sign_in(asha)
        done = await asha.post("/login/second-step", data={"method": "recovery_code", "code": codes[0].upper()})
        assert done.headers["location"] == "/account"


async def test_events_are_told_in_plain_words_and_devices_can_be_signed_out(people: People) -> None:
    async with browser(people) as asha, browser(people, MALLORYS) as other:
        await join(people, asha)
        await sign_in(other)
        await sign_in(other, "a wrong password")
        await people.letters()
        shown = unescape((await asha.get("/account/security")).text)
        for words in (
            "Signed in with the password",
            "Somebody tried to sign in with a wrong password",
            MALLORYS,
            "Firefox on Linux",
        ):
            assert words in shown
        assert "customer." not in shown
        end = re.search(r'action="(/account/security/devices/[0-9a-f-]+/end)"', shown)
        assert end is not None
        assert (await asha.post(end[1])).headers["location"] == "/account/security?said=device-ended"
        assert (await other.get("/account")).headers["location"].startswith("/login")
        assert (await asha.post(end[1])).headers["location"] == "/account/security"
        assert (await asha.post("/account/security/devices/x/end")).headers["location"] == "/account/security"
        assert (await asha.get("/account")).status_code == 200


async def test_a_picture_is_uploaded_by_an_ordinary_form(people: People) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 40
    async with browser(people) as asha:
        await join(people, asha)
        sent = await asha.post("/account/profile/picture", files={"picture": ("me.png", picture, "image/png")})
        assert sent.headers["location"] == "/account/profile?said=picture-saved"
        shown = await asha.get("/account/avatar")
        assert (shown.content, shown.headers["content-type"]) == (picture, "image/png")
        for files in ({"picture": ("me.html", b"<script>", "image/png")}, {"other": ("a", b"b", "c/d")}):
            assert (await asha.post("/account/profile/picture", files=files)).status_code == 422
        assert (await asha.post("/account/profile/picture", data={"picture": "x"})).status_code == 422
        broken = await asha.post(
            "/account/profile/picture", content=b"--a", headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        assert broken.status_code == 422
        for charset in ("nonsense", "base64", "undefined"):
            strange = {
                "note": (None, "x", f"text/plain; charset={charset}"),
                "picture": ("me.png", picture, "image/png"),
            }
            assert (await asha.post("/account/profile/picture", files=strange)).status_code == 422, charset
        assert (await asha.post("/account/profile/picture/remove")).headers["location"].endswith("picture-removed")


async def test_addresses_of_others_cannot_be_seen_changed_or_removed(people: People) -> None:
    async with browser(people) as asha, browser(people, MALLORYS) as mallory:
        await join(people, asha)
        home = {"label": "Home", "street": "12 Residency Road", "city": "Bengaluru", "country": "India"}
        assert (await asha.post("/account/addresses/new", data=home)).status_code == 303
        listed = (await asha.get("/account/addresses")).text
        address = re.search(r'href="(/account/addresses/[0-9a-f-]{36})"', listed)
        assert address is not None
        await people.join("mallory@example.net", at=MALLORYS)
        await mallory.post("/login", data={"email": "mallory@example.net", "password": PASSWORD})
        assert (await mallory.get(address[1])).headers["location"] == "/account/addresses"
        assert (await mallory.post(address[1], data={**home, "street": "Hers"})).headers[
            "location"
        ] == "/account/addresses"
        assert (await mallory.post(f"{address[1]}/remove")).headers["location"] == "/account/addresses"
        assert (await asha.get("/account/addresses")).text == listed


async def test_deleting_wants_the_password_and_leaves_nothing_open(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        told = (await asha.get("/account/delete")).text
        assert "What is erased" in told
        assert "What we keep, and why" in told
        wrong = await asha.post("/account/delete", data={"password": "no"})
        assert (wrong.status_code, "Nothing was deleted" in wrong.text) == (401, True)
        assert (await asha.post("/account/delete", data={"password": PASSWORD})).headers[
            "location"
        ] == "/login?said=deleted"
        assert (await asha.get("/account")).headers["location"].startswith("/login")
        assert (await sign_in(asha)).status_code == 401


async def test_the_export_wants_a_fresh_proof(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        file = await asha.get("/account/export/file")
        assert file.json()["profile"]["email"] == "asha@example.org"
        assert "attachment" in file.headers["content-disposition"]
        people.later(minutes=16)
        assert (await asha.get("/account/export/file")).headers["location"] == "/prove?next=%2Faccount%2Fexport"


async def test_the_old_address_of_the_dashboard_still_leads_here(people: People) -> None:
    async with browser(people) as asha:
        assert (await asha.get("/customer-dashboard")).headers["location"] == "/account"


async def test_rubbish_in_a_form_is_never_our_fault(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        rubbish = ["🏔️" * 400, "\x00", "a" * 5000, "'; DROP TABLE customers; --", "١٢٣"]
        fields = ["email", "password", "code", "token", "credential", "name", "next", "method", "old_password", "date_of_birth", "secret",
                  "label", "street", "city", "country", "food", "notes"]  # fmt: skip
        for path in [
            "/login", "/signup", "/verify-email", "/verify-email/code", "/verify-email/again", "/forgot-password", "/reset-password",
            "/prove", "/login/second-step", "/login/passkey", "/account/profile", "/account/addresses/new", "/account/preferences",
            "/account/security/password", "/account/security/email", "/account/security/authenticator/confirm",
            "/account/security/passkeys", "/account/security/passkeys/zzz/remove", "/confirm-email", "/undo-email-change",
            "/account/addresses/zzz", "/account/addresses/zzz/remove", "/account/delete",
        ]:  # fmt: skip
            for each in rubbish:
                for method in ("passkey", "totp", each) if path in ("/prove", "/login/second-step") else (each,):
                    answer = await asha.post(path, data={**dict.fromkeys(fields, each), "method": method})
                    assert answer.status_code < 500, f"{path} {each[:20]!r}: {answer.text[:300]}"
        for name in ("jklg_customer", "jklg_link", "jklg_second_step"):
            for value in ("x", "....", "verify.0.0", "a" * 3000, '"', "%00"):
                asha.cookies.set(name, value)
                for path in (
                    "/login",
                    "/verify-email",
                    "/reset-password",
                    "/login/second-step",
                    "/account",
                    "/checkout",
                ):
                    assert (await asha.get(path)).status_code < 500, f"{path} {name} {value[:20]}"


async def test_public_pages_are_the_same_for_customers_and_strangers(people: People) -> None:
    """They are kept by caches, so that nothing in them may depend on who asks."""
    async with browser(people) as asha, browser(people, MALLORYS) as mallory:
        await join(people, asha)
        for path in ("/", "/packages", "/destinations", "/how-booking-works", "/terms"):
            hers, others = await asha.get(path), await mallory.get(path)
            assert (hers.text, hers.headers["cache-control"]) == (others.text, "no-cache"), path
            assert 'href="/account"' in hers.text
