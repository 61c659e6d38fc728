"""An agency changes two colours; everything of their hue follows, and nobody gets words that cannot be read."""

from __future__ import annotations

import dataclasses
import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.app import House, create_app
from jklg.settings import BadSettings, Settings, load
from jklg.web import design
from jklg.web.design import accent
from jklg.web.design.accent import contrast

TOKENS = (design.FOLDER / "tokens.css").read_text("utf-8")


def tokens(sheet: str) -> list[dict[str, str]]:
    """The tokens of the light and of the dark."""
    light, _, dark = sheet.partition("@media (prefers-color-scheme")
    return [dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", part)) for part in (light, dark)]


def complaints(light: dict[str, str], dark: dict[str, str]) -> list[str]:
    """Pairs of colour and ground that WCAG 2.2 AA does not allow."""
    wrong = []
    for name, here in (("light", light), ("dark", dark)):
        pairs = [("ink", "paper"), ("muted", "paper"), ("ink", "sunk"), ("muted", "sunk"), ("pine", "paper"), ("pine", "raised"), ("on-pine", "pine"),
                 ("on-pine", "pine-strong"), ("pine-strong", "pine-wash"), ("ink", "pine-wash"), ("saffron-text", "paper"), ("saffron-text", "saffron-wash"),
                 ("ink", "saffron-wash"), ("danger", "paper"), ("danger", "danger-wash")]  # fmt: skip
        wrong += [f"{name}: {one} on {other}" for one, other in pairs if contrast(here[one], here[other]) < 4.5]
        wrong += [
            f"{name}: the border of a field"
            for ground in ("paper", "raised")
            if contrast(here["field"], here[ground]) < 3
        ]
    return wrong


def with_own(**colours: str) -> tuple[dict[str, str], dict[str, str]]:
    ours, theirs = tokens(TOKENS), tokens(accent.sheet(Settings(**colours)))  # type: ignore[arg-type]
    return ours[0] | theirs[0], ours[1] | theirs[1]


def test_our_own_colours_can_be_read() -> None:
    assert complaints(*tokens(TOKENS)) == []


def test_contrast_is_the_one_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@given(st.sampled_from(["accent", "mark"]), st.integers(0, 0xFFFFFF))
def test_whatever_the_house_starts_with_can_be_read(which: str, number: int) -> None:
    """A colour that is refused comes with the nearest one that would do; so every colour ends in pages that can be read."""
    colour = f"#{number:06x}"
    try:
        accent.sheet(Settings(**{which: colour}))  # type: ignore[arg-type]
    except BadSettings as error:
        better = re.search("; (#[0-9a-f]{6}) would do", str(error))
        colour = better.group(1) if better else "nothing would do"
    assert complaints(*with_own(**{which: colour})) == []


def test_yellow_links_are_refused_before_anything_starts() -> None:
    with pytest.raises(BadSettings, match="JKLG_ACCENT=#ffd400 has a contrast of 1.4"):
        create_app(settings=Settings(secrets=("x" * 32,), accent="#ffd400"))
    with pytest.raises(BadSettings, match="JKLG_MARK"):
        create_app(settings=Settings(secrets=("x" * 32,), mark="#101010"))
    with pytest.raises(BadSettings, match="JKLG_ACCENT must be a colour such as"):
        load({"JKLG_ACCENT": "green"})


async def test_an_agency_in_blue_has_blue_pages_and_ours_ask_for_nothing_more(
    house: House, client: httpx.AsyncClient
) -> None:
    assert "/accent.css" not in (await client.get("/")).text
    blue = dataclasses.replace(house, settings=dataclasses.replace(house.settings, accent="#1a4fa0"))
    app = create_app(blue)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as visitor,
    ):
        address = re.search(r'href="(/accent\.css\?[0-9a-f]{10})"', (await visitor.get("/")).text)
        assert address
        sheet = await visitor.get(address.group(1))
        assert sheet.headers["content-type"].startswith("text/css")
        assert "--pine:#1a4fa0" in sheet.text
        assert "--saffron" not in sheet.text


async def test_the_parts_of_the_design_are_shown_in_development_only(house: House, client: httpx.AsyncClient) -> None:
    shown = (await client.get("/dev/components")).text
    macros = (design.FOLDER / "templates/web/macros.html").read_text("utf-8")
    for name in re.findall(r"\{% macro (\w+)", macros):
        if name not in ("people", "summary", "title", "wrong"):
            assert f"m.{name}(" in shown, f"/dev/components does not show {name}"
    sold = dataclasses.replace(house, settings=dataclasses.replace(house.settings, env="production"))
    app = create_app(sold)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as visitor,
    ):
        assert (await visitor.get("/dev/components")).status_code == 404
