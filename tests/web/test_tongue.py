"""In which language somebody is answered."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.kit.languages import LANGUAGES, best_of, gettext, speaking
from jklg.web.tongue import tongue


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("hi", "hi"),
        ("hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        ("en-GB,en;q=0.9,hi;q=0.8", "en"),
        ("de,fr;q=0.9", None),
        ("de, AR;q=0.5, en;q=0.3", "ar"),
        ("hi;q=0, ar;q=0.1", "ar"),
        ("", None),
        ("*", None),
        ("hi;q=zero", None),
    ],
)
def test_a_browser_is_answered_in_the_language_it_likes_best(asked: str, spoken: str | None) -> None:
    assert best_of(asked) == spoken


@given(st.binary(max_size=60), st.binary(max_size=60), st.text(max_size=20))
def test_whatever_is_sent_some_language_is_spoken(cookies: bytes, asked: bytes, path: str) -> None:
    assert tongue(f"/{path}", cookies, asked).code in LANGUAGES


def test_the_address_goes_before_what_was_chosen_and_that_before_the_browser() -> None:
    assert tongue("/ar/packages", b"jklg_language=hi", b"en") == ("ar", "/packages", "/ar", True)
    assert tongue("/ar", b"a=b; jklg_language=ar", None) == ("ar", "/", "/ar", False)
    assert tongue("/packages", b"jklg_language=hi", b"ar") == ("hi", "/packages", "", False)
    assert tongue("/packages", None, b"ar") == ("ar", "/packages", "", False)
    assert tongue("/arrivals", b"jklg_language=xx", None) == ("en", "/arrivals", "", False)


def test_programs_are_answered_in_english() -> None:
    assert tongue("/api/packages", None, b"hi").code == "en"
    assert tongue("/api/packages", b"jklg_language=hi", b"hi").code == "hi", "a page of ours asks"


def test_outside_of_a_language_english_is_spoken() -> None:
    with speaking("hi"):
        inside = gettext("We cannot find this booking.")
    assert gettext("We cannot find this booking.") == "We cannot find this booking."
    assert isinstance(inside, str)


async def test_a_page_has_an_address_in_every_language_and_the_next_one_follows(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ar/how-booking-works")
    assert answer.status_code == 200
    assert '<html lang="ar" dir="rtl">' in answer.text
    assert answer.cookies["jklg_language"] == "ar"
    following = await client.get("/terms")
    assert '<html lang="ar" dir="rtl">' in following.text
    assert "set-cookie" not in following.headers
    back = await client.get("/en/terms")
    assert '<html lang="en" dir="ltr">' in back.text


async def test_a_language_that_we_do_not_speak_is_no_address(client: httpx.AsyncClient) -> None:
    assert (await client.get("/xx/terms")).status_code == 404
