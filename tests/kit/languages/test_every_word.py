"""Every word that people read can be said in another language, and is: nothing is hard-coded, nothing is left without a translation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from jklg.kit.languages import ENGLISH, LANGUAGES, ngettext, speaking
from jklg.kit.languages.gather import HOUSE, catalogue_of, gathered, sources, untranslated

SPOKEN_ATTRIBUTES = ("alt", "title", "placeholder", "aria-label", "aria-description", "content", "value", "label")
NOT_WORDS = re.compile(r"&[a-z#0-9]+;|[\W\d_]", re.ASCII)
NAMES = {"JKLG", "UTC", "QR", "PDF", "CSV", "ICS", "UPI", "API", "Stripe", "PayPal", "Razorpay", "m", "km", "camt.053"}
"""What is called the same everywhere."""

NOT_YET: set[str] = {
    "site/templates/site/letter.html",
    "site/templates/site/letters.html",
    "web/design/templates/web/components.html",
}  # fmt: skip
"""Templates whose words cannot be translated yet: a list that only gets shorter."""

STAFF_ONLY = (
    "backoffice/",
    "staff/",
    "reconciliation/",
    "payments/desk/",
    "payments/concerns",
    "startup/",
    "cli.py",
    "web/design/pages.py",
    "web/design/templates/web/components.html",
    "site/letters/",
    "mail/templates/mail/mail.html",
    "mail/templates/mail/outbox.html",
)
JOURNEY = tuple(code for code, language in LANGUAGES.items() if language.direction == "rtl")
"""Languages in which a traveller is spoken to, and staff are not."""


def templates() -> list[Path]:
    return [path for path in sources() if path.suffix != ".py"]


def bare_words(text: str, *, html: bool) -> list[str]:
    """What a template says by itself, without asking for the words of a language."""
    text = re.sub(r"{#.*?#}", " ", text, flags=re.S)
    text = re.sub(r"{%-?\s*(trans|blocktrans)\b.*?{%-?\s*endtrans\s*-?%}", " ", text, flags=re.S)
    text = re.sub(r"{%-?\s*block (up|scene|picture|body_class)\s*-?%}[^{<]*{%-?\s*endblock\s*-?%}", " ", text)
    text = re.sub(r"{%.*?%}", " ", text, flags=re.S)
    text = re.sub(r"{{.*?}}", "0", text, flags=re.S)
    if not html:
        return _words(text)
    reader = _Reader()
    reader.feed(text)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._silent += tag in ("style", "script", "code", "pre")
        for name, value in attrs:
            if name not in SPOKEN_ATTRIBUTES or not value or given.get("translate") == "no":
                continue
            if name == "content" and given.get("name") not in ("description",):
                continue
            if name == "value" and not (tag == "input" and given.get("type") in ("submit", "button")):
                continue
            self.found += _words(value)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "code", "pre")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found += _words(data)


def _words(text: str) -> list[str]:
    said = [word.strip("“”‘’()[]:;,.!?·×–—-/…") for word in text.split()]
    return [word for word in said if NOT_WORDS.sub("", word) and word not in NAMES]


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_a_template_says_nothing_by_itself(path: Path) -> None:
    name = path.relative_to(HOUSE).as_posix()
    found = bare_words(path.read_text("utf-8"), html=path.suffix != ".txt")
    if name in NOT_YET:
        assert found, f"{name} can be translated now: take it off the list"
    else:
        assert not found, f"{name} says this in English to everybody: {' '.join(found[:20])}"


def test_bare_words_are_found_where_they_hide() -> None:
    page = '<p>{{ _("Pay") }} now</p><img alt="A lake"><input value="typed" name="content"><code>x y</code>{% if a %}then{% endif %}'
    assert bare_words(page, html=True) == ["now", "A", "lake", "then"]
    assert bare_words("{% trans %}All{% endtrans %} {{ name }}, 12 ₹", html=True) == []


def test_the_catalogues_hold_what_is_said_and_nothing_else() -> None:
    said = {(message.id, message.context) for message in gathered() if message.id}
    for code in LANGUAGES:
        if code != ENGLISH:
            kept = {(message.id, message.context) for message in catalogue_of(code) if message.id}
            assert kept == said, f"{code}.po: run python -m jklg.kit.languages.gather; {kept ^ said}"


def _for_travellers(message: Message) -> bool:
    return any(not name.startswith(STAFF_ONLY) for name, _ in message.locations)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_nothing_is_left_without_a_translation(code: str) -> None:
    missing = [each.id for each in untranslated(code) if code not in JOURNEY or _for_travellers(each)]
    assert not missing, f"{len(missing)}: {missing[:10]}"


def test_what_is_counted_is_said_by_the_rules_of_the_language() -> None:
    """Arabic has six ways; we write 'two minutes' as one word, and Babel keeps hundreds before what is between 11 and 99."""

    def minutes(n: int) -> str:
        return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}

    with speaking("ar"):
        said = [minutes(n) for n in (1, 2, 3, 10, 11, 99, 100, 103)]
    assert said == ["دقيقة واحدة", "دقيقتان", "3 دقائق", "10 دقائق", "11 دقيقة", "99 دقيقة", "100 دقيقة", "103 دقائق"]
    with speaking("ar"):
        assert [ngettext("%(n)s day", "%(n)s days", n) % {"n": n} for n in (8, 12, 100)] == [
            "8 أيام",
            "12 يومًا",
            "100 يوم",
        ]
    with speaking("hi"):
        assert [minutes(n) for n in (1, 2)] == ["1 मिनट", "2 मिनट"]


_TAGS = re.compile(r"<[^>]*>")


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_a_translation_has_the_same_tags(code: str) -> None:
    for message in catalogue_of(code):
        one = message.id[1] if isinstance(message.id, tuple) else message.id
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            assert not message.id or not text or sorted(_TAGS.findall(text)) == sorted(_TAGS.findall(one)), one


_PLACES = re.compile(r"%\((\w+)\)s|{(\w+)}")


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_a_translation_has_the_same_places_to_fill_in(code: str) -> None:
    for message in catalogue_of(code):
        if not message.id:
            continue
        one, *many = message.id if isinstance(message.id, tuple) else (message.id,)
        wanted = {name for text in (one, *many) for name in _PLACES.findall(text)}
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            assert set(_PLACES.findall(text or "")) <= wanted, f"{code}: {message.id!r}"
            assert not text or isinstance(message.id, tuple) or set(_PLACES.findall(text)) == wanted, (
                f"{code}: {message.id!r}"
            )
