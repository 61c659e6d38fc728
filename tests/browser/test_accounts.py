"""A customer from the first page to the last, by mouse, by keyboard alone, and without JavaScript; passkeys with a virtual device."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pyotp
import pytest
from playwright.async_api import Locator, Page, expect

from jklg.mail import actions as mail
from tests.browser.conftest import Shop
from tests.browser.steps import hold_button, tab_to

PASSWORD, NEW_PASSWORD = "a long walk in the hills", "another walk in other hills"
EMAIL = "asha@example.org"
Press = Callable[[Page, Locator], Awaitable[None]]
Type = Callable[[Page, Locator, str], Awaitable[None]]


async def letter(shop: Shop, kind: str) -> str:
    """The text of the newest mail of a kind, once the worker has written it."""
    for _ in range(100):
        for each in await mail.latest(shop.house.db, 100):
            if each.kind == kind:
                return mail.opened(shop.house.settings, each).text_body
        await asyncio.sleep(0.1)
    raise AssertionError(f"no {kind} was written")


async def link_in(shop: Shop, kind: str) -> str:
    found = re.search(r"https?://\S+[?&]token=\S+", await letter(shop, kind))
    assert found is not None
    return found[0]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True)


async def click(page: Page, target: Locator) -> None:
    await target.click()


async def fill(page: Page, target: Locator, text: str) -> None:
    await target.fill(text)


async def enter(page: Page, target: Locator) -> None:
    await tab_to(page, target)
    await page.keyboard.press("Enter")


async def write(page: Page, target: Locator, text: str) -> None:
    await tab_to(page, target)
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)


async def check(page: Page, target: Locator) -> None:
    await target.check()


async def choose(page: Page, target: Locator) -> None:
    """A box with the space bar; one of several with the arrows, from the one that is chosen."""
    kind, name = await target.evaluate("element => [element.type, element.name]")
    if kind == "checkbox":
        await tab_to(page, target)
        await page.keyboard.press("Space")
    else:
        several = page.locator(f'input[type="radio"][name="{name}"]')
        chosen = several.and_(page.locator(":checked"))
        await tab_to(page, chosen if await chosen.count() else several.first)
        for _ in range(await several.count()):
            if await target.is_checked():
                break
            await page.keyboard.press("ArrowDown")
    await expect(target).to_be_checked()


async def whole_life(shop: Shop, page: Page, press: Press, type_: Type, pick: Press) -> None:
    """Register, verify by the mailed link, look around, edit, book, change the password, sign in with it, delete."""
    await page.goto("/")
    await press(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Account"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")
    await press(page, page.get_by_role("link", name="Open an account"))
    await type_(page, field(page, "Your name"), "Asha Rao")
    await type_(page, field(page, "E-mail address"), EMAIL)
    await type_(page, field(page, "Password"), "password")
    await press(page, button(page, "Open my account"))
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(field(page, "Your name")).to_have_value("Asha Rao")
    await expect(field(page, "Password")).to_have_value("")
    await type_(page, field(page, "Password"), PASSWORD)
    await press(page, button(page, "Open my account"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    await page.goto(await link_in(shop, "verify_email"))
    assert "token" not in page.url, "the token stays in the address no longer than it must"
    await press(page, button(page, "Confirm my address"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Good to see you, Asha")

    await press(page, page.get_by_role("navigation", name="Your account").get_by_role("link", name="Profile"))
    await type_(page, page.get_by_label("Phone"), "+91 98765 43210")
    await type_(page, page.get_by_label("City"), "Bengaluru")
    await press(page, button(page, "Save profile"))
    await expect(page.get_by_role("status")).to_have_text("Saved.")
    await expect(page.get_by_label("City")).to_have_value("Bengaluru")

    await press(page, page.get_by_role("navigation", name="Your account").get_by_role("link", name="Addresses"))
    await press(page, page.get_by_role("link", name="Add an address"))
    home = {
        "What you call it": "Home",
        "Street and number": "12 Residency Road",
        "City": "Bengaluru",
        "Country": "India",
    }
    for label, text in home.items():
        await type_(page, field(page, label), text)
    await press(page, button(page, "Save address"))
    await expect(page.get_by_text("12 Residency Road")).to_be_visible()

    await press(page, page.get_by_role("navigation", name="Your account").get_by_role("link", name="Preferences"))
    await pick(page, page.get_by_label("Jain"))
    await press(page, button(page, "Save preferences"))
    await expect(page.get_by_role("status")).to_have_text("Saved.")

    await page.goto("/packages/kashmir-bliss")
    await press(page, page.get_by_role("button", name="See the price for these people"))
    await expect(field(page, "Your name")).to_have_value("Asha Rao")
    await expect(field(page, "E-mail address")).to_have_value(EMAIL)
    await expect(field(page, "Phone")).to_have_value("+91 98765 43210")
    await expect(page.get_by_label("Anything we should know")).to_have_value("Food: Jain.")
    await pick(page, page.get_by_label("I have read"))
    await press(page, hold_button(page))
    await page.wait_for_url("**/pay")
    await page.goto("/account")
    await expect(page.get_by_role("link", name="Pay and keep the seats")).to_be_visible()
    await press(page, page.get_by_role("navigation", name="Your account").get_by_role("link", name="Journeys"))
    await expect(page.get_by_role("link", name="Kashmir Bliss")).to_be_visible()
    await expect(page.get_by_text("Held, not paid yet")).to_be_visible()

    await press(page, page.get_by_role("navigation", name="Your account").get_by_role("link", name="Security"))
    await press(page, page.get_by_role("link", name="Change password"))
    await type_(page, field(page, "Present password"), PASSWORD)
    await type_(page, field(page, "New password"), NEW_PASSWORD)
    await press(page, button(page, "Change password"))
    await expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    await press(page, button(page, "Sign out"))
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")
    await type_(page, field(page, "E-mail address"), EMAIL)
    await type_(page, field(page, "Password"), NEW_PASSWORD)
    await press(page, button(page, "Sign in"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Good to see you, Asha")

    await press(page, page.get_by_role("navigation", name="Your account").get_by_role("link", name="Your data"))
    await press(page, page.get_by_role("link", name="Delete my account"))
    await type_(page, field(page, "Your password"), NEW_PASSWORD)
    await press(page, button(page, "Delete my account for good"))
    await expect(page.get_by_role("status")).to_contain_text("Your account is deleted")
    assert await shop.one("SELECT array_agg(status || name || email) FROM customers") == ["deleted"]


async def test_a_whole_life_by_mouse(shop: Shop) -> None:
    async with shop.visitor() as page:
        await whole_life(shop, page, click, fill, check)


async def test_a_whole_life_by_keyboard_alone(shop: Shop) -> None:
    async with shop.visitor() as page:
        await whole_life(shop, page, enter, write, choose)


async def test_a_whole_life_without_javascript(shop: Shop) -> None:
    async with shop.visitor(javascript=False) as page:
        await whole_life(shop, page, click, fill, check)


async def join(shop: Shop, page: Page) -> None:
    """A confirmed account, signed in here, by the code of the mail."""
    await page.goto("/signup")
    for label, text in {"Your name": "Asha Rao", "E-mail address": EMAIL, "Password": PASSWORD}.items():
        await field(page, label).fill(text)
    await button(page, "Open my account").click()
    await page.wait_for_url("**/verify-email")
    code = re.search(r"^  ([A-HJ-NP-Z2-9]{6})$", await letter(shop, "verify_email"), re.MULTILINE)
    assert code is not None
    await field(page, "Six characters from the mail").fill(code[1].lower())
    await button(page, "Confirm my address").click()
    await page.wait_for_url("**/account**")


async def own_device(page: Page) -> None:
    """A device with a fingerprint reader that always says yes."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True
    }  # fmt: skip
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.mark.parametrize("press", [click, enter], ids=["mouse", "keyboard"])
async def test_a_passkey_signs_in_without_a_password(shop: Shop, press: Press) -> None:
    async with shop.visitor() as page:
        await own_device(page)
        await join(shop, page)
        await page.goto("/account/security")
        await press(page, page.get_by_role("link", name="Add a passkey"))
        await field(page, "What you call it").fill("My phone")
        await press(page, button(page, "Add this passkey"))
        await expect(page.get_by_role("status")).to_contain_text("Your passkey is added")
        await expect(page.get_by_role("heading", name="My phone")).to_be_visible()
        await press(page, button(page, "Sign out"))
        await press(page, button(page, "Sign in with a passkey"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Good to see you, Asha")
        await page.goto("/prove?next=/account/security/email")
        await press(page, button(page, "Use a passkey"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Change your e-mail address")


async def test_a_device_that_has_no_passkey_is_told_so_beside_the_button(shop: Shop) -> None:
    async with shop.visitor() as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        await page.goto("/login")
        await button(page, "Sign in with a passkey").click()
        await expect(page.locator("[data-passkey-error]")).to_contain_text("Please try again")
        await expect(button(page, "Sign in")).to_be_enabled()


async def test_an_authenticator_app_is_the_second_step(shop: Shop) -> None:
    async with shop.visitor(width=390, dark=True) as page:
        await join(shop, page)
        await page.goto("/account/security/authenticator")
        await button(page, "Show me the picture to scan").click()
        secret = "".join((await page.locator(".secret").inner_text()).split())
        assert await page.get_by_role("img", name="QR code").locator("svg").count() == 1
        app = pyotp.TOTP(secret)
        await field(page, "The six digits it shows now").fill(app.now())
        await button(page, "Turn it on").click()
        codes = await page.locator(".codes code").all_inner_texts()
        assert len(set(codes)) == 10
        await page.goto("/account")
        await button(page, "Sign out").click()
        await field(page, "E-mail address").fill(EMAIL)
        await field(page, "Password").fill(PASSWORD)
        await button(page, "Sign in").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("One step more")
        await page.get_by_text("Use a recovery code").click()
        await field(page, "Recovery code").fill(codes[0])
        await button(page, "Sign in with this code").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Good to see you, Asha")


SOUND = """() => {
    const wrong = [];
    if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the phone");
    if (document.querySelectorAll("h1").length !== 1) wrong.push("not one heading");
    const ids = [...document.querySelectorAll("[id]")].map(each => each.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: ${id}`);
    for (const each of document.querySelectorAll("[aria-describedby]"))
        for (const id of each.getAttribute("aria-describedby").split(" ")) if (!ids.includes(id)) wrong.push(`described by nothing: ${id}`);
    for (const each of document.querySelectorAll("input:not([type=hidden]), textarea, select"))
        if (!each.labels.length && each.getAttribute("aria-hidden") !== "true") wrong.push(`no label: ${each.name}`);
    for (const each of document.querySelectorAll("main button, main .button")) {
        const box = each.getBoundingClientRect();
        if (box.height && box.height < 40) wrong.push(`too small to touch: ${each.textContent}`);
    }
    return wrong;
}"""


async def test_every_page_of_an_account_is_sound_and_no_wider_than_a_phone(shop: Shop) -> None:
    async with shop.visitor(width=360) as page:
        for path in (
            "/login",
            "/signup",
            "/forgot-password",
            "/verify-email",
            "/reset-password",
            "/undo-email-change",
            "/confirm-email",
        ):
            await page.goto(path)
            assert await page.evaluate(SOUND) == [], path
        await page.goto("/signup")
        await button(page, "Open my account").click()
        await expect(page.get_by_role("alert")).to_be_focused()
        assert await page.evaluate(SOUND) == [], "with complaints"
        await join(shop, page)
        for path in (
            "/account", "/account/bookings", "/account/profile", "/account/addresses", "/account/addresses/new", "/account/preferences",
            "/account/security", "/account/security/password", "/account/security/email", "/account/security/authenticator",
            "/account/security/passkeys", "/account/export", "/account/delete", "/prove",
        ):  # fmt: skip
            await page.goto(path)
            assert await page.evaluate(SOUND) == [], path


async def test_a_password_can_be_pasted_and_looked_at(shop: Shop) -> None:
    async with shop.visitor() as page:
        await page.goto("/login")
        password = field(page, "Password")
        assert await password.evaluate(
            """(input, text) => {
                const data = new DataTransfer(); data.setData("text/plain", text);
                return input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
            }""",
            PASSWORD,
        ), "nothing stands in the way of pasting"
        await password.fill(PASSWORD)
        await button(page, "Show: Password").click()
        assert await password.get_attribute("type") == "text"
        await button(page, "Hide: Password").click()
        assert await password.get_attribute("type") == "password"
