"""Drawing a card with typst: the scene of the page behind, words in our own typefaces before it."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache, lru_cache
from pathlib import Path

import msgspec
import typst

FONTS = Path(__file__).parent / "fonts"
_SHEET = (Path(__file__).parent / "card.typ").read_bytes()


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """`picture` is SVG, or what stands for a photograph until `photograph` makes SVG of it. Two cards that say the same are the same."""

    agency: str
    title: str
    line: str
    picture: str


def version(card: Card) -> str:
    """Changes when anything on the card does, or the way it is drawn."""
    return hashlib.sha256(msgspec.json.encode(card) + _SHEET).hexdigest()[:12]


def photograph(jpeg: bytes, width: int, height: int) -> str:
    """A photograph as SVG: what typst is given by inputs is text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"/></svg>'
    )


@cache
def _fonts() -> typst.Fonts:
    """Ours, and what typst brings along: the same picture on every machine."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONTS)])


@lru_cache(maxsize=48)
def draw(card: Card) -> bytes:
    """PNG of 1200 by 630. Takes a tenth of a second: call it in a thread."""
    told = {"agency": card.agency, "title": card.title, "line": card.line, "picture": card.picture}
    drawn = typst.compile(
        _SHEET,
        format="png",
        ppi=72.0,
        font_paths=_fonts(),
        sys_inputs={"card": json.dumps(told)},
    )
    assert isinstance(drawn, bytes)
    return drawn
