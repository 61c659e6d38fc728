"""What a paper consists of. Everything in it is text, said already in the language of the paper; `paper.typ` sets it and decides nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgspec
import segno


class Block(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=str.lower):
    """One piece below the one before it."""


class Heading(Block, frozen=True, kw_only=True):
    """What the blocks below it are about."""

    words: str


class Words(Block, frozen=True, kw_only=True):
    """Paragraphs; `quiet` ones are small and grey."""

    parts: Sequence[str]
    quiet: bool = False


class Items(Block, frozen=True, kw_only=True):
    """Short things in a row."""

    parts: Sequence[str]


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has to do with it, and where they are found, line by line."""

    label: str
    name: str
    lines: Sequence[str] = ()


class Parties(Block, frozen=True, kw_only=True):
    """Who has to do with it, side by side."""

    parties: Sequence[Party]


class Facts(Block, frozen=True, kw_only=True):
    """(what, how it is), one below the other."""

    rows: Sequence[tuple[str, str]]


class Figures(Block, frozen=True, kw_only=True):
    """A table: words first, figures after them. Each row has a cell for each column, and a note below the words ('' for none). Totals are
    (what, how much, whether it is the one that counts)."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    totals: Sequence[tuple[str, str, bool]] = ()


class Large(Block, frozen=True, kw_only=True):
    """What is read aloud, or looked for first."""

    label: str
    value: str


class Code(Block, frozen=True, kw_only=True):
    """A QR code with words beside it; `alt` is for those who do not see it. `shown` is the address as it is printed."""

    picture: str
    alt: str
    words: str
    url: str
    shown: str


class Day(Block, frozen=True, kw_only=True):
    """One day of several: what it is, when, paragraphs, and small notes below."""

    title: str
    when: str
    lines: Sequence[str]
    notes: str = ""


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """`title` is what programs call it, `heading` what stands on top; `under` and `corner` say which one it is. `page` says 'Page {n} of {all}';
    `language` and `direction` are how its words are read."""

    title: str
    heading: str
    agency: str
    language: str
    direction: str
    page: str
    blocks: Sequence[Block]
    under: str = ""
    corner: str = ""
    accent: str = "#1f5c4a"
    footer: Sequence[str] = ()
    keywords: Sequence[str] = ()


def qr(url: str) -> str:
    """A QR code as SVG, with enough of it to spare for a crack in the glass."""
    drawn = io.BytesIO()
    segno.make(url, error="q", micro=False).save(drawn, kind="svg", border=4, xmldecl=False, svgns=True)
    return drawn.getvalue().decode()
