"""In which language we speak: what is said is looked up where it is said, by its English words.

Whoever answers a request or writes a letter says so once (`speaking`); `gettext` below it then gives the words of that language, and
the English ones where nobody has translated them. The words lie beside this file as gettext catalogues, which `gather.py` keeps
complete. Dates, amounts and names of places are said by `figures.py`.
"""

from __future__ import annotations

import gettext as catalogues
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import msgspec
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ENGLISH = "en"
FOLDER = Path(__file__).parent


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is how the web names it, `locale` how Babel does; `name` is what its own speakers call it."""

    code: str
    locale: str
    name: str
    direction: str = "ltr"


LANGUAGES = {
    each.code: each
    for each in (
        Language(code=ENGLISH, locale="en", name="English"),
        Language(code="hi", locale="hi_IN", name="हिन्दी"),
        Language(code="ar", locale="ar_AE", name="العربية", direction="rtl"),
    )
}

_speaking: ContextVar[str] = ContextVar("_speaking", default=ENGLISH)


def spoken() -> Language:
    """The language of this moment: of the request that is answered, of the letter that is written."""
    return LANGUAGES[_speaking.get()]


def speak(code: str) -> None:
    """From here on, as long as this task lasts. A code that we do not know is English."""
    _speaking.set(code if code in LANGUAGES else ENGLISH)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Inside the block; outside nothing changes."""
    token = _speaking.set(code if code in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _speaking.reset(token)


def gettext(message: str) -> str:
    """`message`, which is English, in the language of this moment."""
    code = _speaking.get()
    return message if code == ENGLISH or not message else catalogue(code).gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """The same for a word that is said otherwise of several: by the plural rules of the language."""
    code = _speaking.get()
    if code == ENGLISH:
        return one if number == 1 else many
    return catalogue(code).ngettext(one, many, number)


def N_(message: str) -> str:  # noqa: N802  (what gettext calls it everywhere)
    """Marks words that are looked up later, where they are said: those of a table, of a constant."""
    return message


def pgettext(context: str, message: str) -> str:
    """The same for a word that means different things: 'Book' on a button is no book."""
    code = _speaking.get()
    return message if code == ENGLISH else catalogue(code).pgettext(context, message)


@cache
def catalogue(code: str) -> catalogues.NullTranslations:
    """The words of one language, read once."""
    with (FOLDER / f"{code}.po").open("rb") as source:
        words = read_po(source, locale=LANGUAGES[code].locale)
    compiled = io.BytesIO()
    write_mo(compiled, words)
    compiled.seek(0)
    return catalogues.GNUTranslations(compiled)


_ASKED = re.compile(r"\s*([a-zA-Z]{2,3})(?:-[a-zA-Z0-9-]+)?\s*(?:;\s*q\s*=\s*([0-9.]{1,5})\s*)?")


def best_of(accept_language: str) -> str | None:
    """The language of ours that a browser would like best (RFC 9110, 12.5.4); None when it names none of them. Pure; any text will do."""
    wanted: list[tuple[float, int, str]] = []
    for number, part in enumerate(accept_language[:400].split(",")):
        found = _ASKED.fullmatch(part)
        if found and (code := found[1].lower()) in LANGUAGES:
            wanted.append((-_weight(found[2]), number, code))
    return next((code for weight, _, code in sorted(wanted) if weight < 0), None)


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0
