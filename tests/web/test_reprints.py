"""A page that shows what it showed a moment ago is not printed again; one that shows anything else is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from httpx import AsyncClient
from markupsafe import Markup

from jklg.app import House
from jklg.web.reprints import MOST_BYTES, Reprints
from tests.trade import add_departure, hold


class Printer:
    """Says how often it was asked to print."""

    def __init__(self, pages: Reprints) -> None:
        self.pages, self.printed = pages, 0

    def shows(self, *shown: object, size: int = 5) -> int:
        self.pages.of(shown, lambda: self._print(size))
        return self.printed

    def _print(self, size: int) -> bytes:
        self.printed += 1
        return b"x" * size


def test_the_same_is_printed_once_and_whatever_differs_anew() -> None:
    press = Printer(Reprints())
    assert press.shows("journey.html", {"day": date(2027, 5, 1), "said": Markup("<b>1</b>")}) == 1
    assert press.shows("journey.html", {"day": date(2027, 5, 1), "said": Markup("<b>1</b>")}) == 1
    assert press.shows("journey.html", {"day": date(2027, 5, 2), "said": Markup("<b>1</b>")}) == 2
    assert press.shows("journey.html", {"day": date(2027, 5, 1), "said": Markup("<b>2</b>")}) == 3
    assert press.shows("journey.html", {"day": date(2027, 5, 1), "said": "<b>1</b>"}) == 4, (
        "words are escaped, HTML is not"
    )


def test_the_latest_are_kept_and_no_more_than_there_is_room_for() -> None:
    press = Printer(Reprints(most_bytes=100))
    press.shows("old", size=40)
    press.shows("new", size=40)
    press.shows("old", size=40)
    assert press.shows("newest", size=40) == 3
    assert press.shows("old", size=40) == 3, "it was asked for after `new`"
    assert press.shows("new", size=40) == 4
    press.shows("huge", size=MOST_BYTES // 16 + 1)
    assert press.shows("huge", size=MOST_BYTES // 16 + 1) == 6


def test_what_could_be_read_only_by_asking_it_is_refused() -> None:
    with pytest.raises(TypeError, match="was handed a PosixPath"):
        Reprints().of(Path("/"), bytes)


async def test_the_page_of_a_journey_tells_the_seats_that_are_left_now_in_whatever_language(
    client: AsyncClient, house: House
) -> None:
    departure_id = await add_departure(house.db, seats=9)
    async with house.db.connection() as conn:
        path = "/packages/" + await conn.fetchval("SELECT slug FROM packages")
    for _ in range(2):
        assert "9 seats left" in (await client.get(path)).text
    await hold(house.db, departure_id)
    assert "7 seats left" in (await client.get(path)).text
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "7 seats left" in plain.text
    assert "7 seats left" not in (await client.get("/hi" + path)).text
