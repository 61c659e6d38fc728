"""Brings the catalogues up to date with the source: `python -m jklg.kit.languages.gather`. A development command.

New words are added without a translation, words that nobody says any more are dropped, what is translated stays.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from jklg.kit.languages import ENGLISH, FOLDER, LANGUAGES

HOUSE = Path(__file__).parents[2]
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
    # A refusal's sentence is said to people by whoever shows it.
    **dict.fromkeys(
        ("Malformed", "BadInput", "NotSignedIn", "Forbidden", "NotFound", "Conflict", "TooLarge", "TooMany", "Unavailable"), (2,)
    ),
}  # fmt: skip
_JINJA = {
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
    "newstyle_gettext": "true",
    "trimmed": "true",
}
_OTHER_HOUSES = ("sandbox/",)
"""They speak English only: another house, as a bank would be."""


def sources() -> Iterator[Path]:
    """Whatever may say something: our code, pages and letters."""
    for path in sorted(HOUSE.rglob("*")):
        name = path.relative_to(HOUSE).as_posix()
        template = path.suffix in (".html", ".j2") or (path.suffix == ".txt" and "emails/" in name)
        if (path.suffix == ".py" or template) and not name.startswith(_OTHER_HOUSES):
            yield path


def gathered() -> Catalog:
    """Every word that is said anywhere, with the places where."""
    catalog = Catalog(fuzzy=False)
    for path in sources():
        name = path.relative_to(HOUSE).as_posix()
        with path.open("rb") as source:
            if path.suffix == ".py":
                found = extract("python", source, KEYWORDS, strip_comment_tags=True)
            else:
                found = extract("jinja2", source, KEYWORDS, options=_JINJA)
            for _line, message, _comments, context in found:
                catalog.add(message, locations=[(name, 0)], context=context)
    return catalog


def catalogue_of(code: str) -> Catalog:
    """A language's catalogue as it lies here; an empty one when there is none yet."""
    path = FOLDER / f"{code}.po"
    if not path.exists():
        return Catalog(locale=LANGUAGES[code].locale)
    with path.open("rb") as source:
        return read_po(source, locale=LANGUAGES[code].locale)


def renewed(code: str, words: Catalog) -> str:
    """The catalogue of a language with just these words."""
    old = catalogue_of(code)
    new = Catalog(locale=LANGUAGES[code].locale, fuzzy=False, header_comment=f"# {LANGUAGES[code].name}")
    for message in words:
        if not message.id:
            continue
        known = old.get(message.id, message.context)
        new.add(message.id, known.string if known else "", locations=message.locations, context=message.context)
    written = io.BytesIO()
    write_po(written, new, width=0, sort_by_file=False, sort_output=False, omit_header=False)
    return _without_dates(written.getvalue().decode())


def _without_dates(text: str) -> str:
    """A catalogue tells what is said and where, not when or on whose machine."""
    kept = re.sub(r'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid-Bugs-To|Project-Id-Version): .*\n', "", text, flags=re.M)  # fmt: skip
    return re.sub(r"^#: .*$", lambda line: line[0].replace(":0", ""), kept, flags=re.M)


def untranslated(code: str) -> list[Message]:
    """Words of a language's catalogue that have no translation."""
    return [message for message in catalogue_of(code) if message.id and not _said(message)]


def _said(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, (tuple, list)) else bool(message.string)


def main() -> None:
    """Renew every catalogue."""
    words = gathered()
    for code in LANGUAGES:
        if code != ENGLISH:
            text = renewed(code, words)
            (FOLDER / f"{code}.po").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
