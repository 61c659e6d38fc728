"""Drawing papers with typst, two at a time and aside, so that no page waits for one."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import msgspec
import typst

from jklg.kit.errors import Unavailable
from jklg.kit.paper.blocks import Paper

log = logging.getLogger(__name__)
FOLDER = Path(__file__).parent
_SHEET = (FOLDER / "paper.typ").read_bytes()
AT_ONCE = 2
MOST_WAITING = 40
_desk = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="paper")
_waiting = 0
_reading = threading.Lock()


async def draw_aside(paper: Paper) -> bytes:
    """`draw`, while others are answered. Unavailable: papers_busy, when more wait than would be answered in good time."""
    global _waiting
    if _waiting >= MOST_WAITING:
        raise Unavailable("papers_busy", "Many papers are being written at this moment. Please try again in a minute.")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_desk, draw, paper)
    finally:
        _waiting -= 1


def draw(paper: Paper) -> bytes:
    """PDF/UA-1: tagged, with a title and a language. Takes some 40 ms; typst lets other threads work meanwhile.

    A name in a script that no typeface here knows is printed as boxes, on a paper that is tagged all the same: that is said in the
    log, and better than no paper.
    """
    told = {"told": msgspec.json.encode(paper).decode()}
    try:
        return _compile(told, "ua-1")
    except typst.TypstError as error:
        if "could not be displayed with font" not in str(error.diagnostic):
            raise
        log.warning("a paper holds characters that no typeface here has; fonts-noto-core and fonts-noto-cjk have most")
        return _compile(told, "1.7")


def _compile(told: dict[str, str], standard: typst.PDFStandard) -> bytes:
    drawn = typst.compile(_SHEET, format="pdf", font_paths=_fonts(), sys_inputs=told, pdf_standards=standard)
    assert isinstance(drawn, bytes)
    return drawn


def _fonts() -> typst.Fonts:
    with _reading:
        return _read_fonts()


@cache
def _read_fonts() -> typst.Fonts:
    """Ours, which know Latin, Greek, Cyrillic, Devanagari, Arabic, Chinese, Japanese and Korean; and for other scripts what the machine has."""
    return typst.Fonts(include_system_fonts=True, font_paths=[str(FOLDER / "fonts")])
