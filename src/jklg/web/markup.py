"""The short markup of texts that staff write: paragraphs, `## headings`, `- lists`, `**strong**`, `[words](address)`. Pure; never HTML.

Everything is escaped first, and what is made of it then are the few tags that are named here.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(((?:https?://|mailto:|tel:|/(?!/)|#)[^\s()<>\"']*)\)")
_ITEM = re.compile(r"[-*] ")


def html(text: str, heading: int = 2) -> Markup:
    """As HTML. `heading`: the level of its headings."""
    parts = [_part(part, heading) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return Markup("\n").join(parts)


def plain(text: str) -> str:
    """As text alone, for search engines and letters."""
    text = _LINK.sub(r"\1", _STRONG.sub(r"\1", text))
    return " ".join(re.sub(r"(?m)^\s*(?:## |[-*] )", "", text).split())


def _part(part: str, heading: int) -> Markup:
    lines = part.split("\n")
    if lines[0].startswith("## "):
        title = Markup("<h{0}>{1}</h{0}>").format(heading, _inline(lines[0][3:]))
        return title + _part("\n".join(lines[1:]), heading) if len(lines) > 1 else title
    if all(_ITEM.match(line) for line in lines):
        items = (Markup("<li>{}</li>").format(_inline(line[2:])) for line in lines)
        return Markup("<ul>{}</ul>").format(Markup("").join(items))
    return Markup("<p>{}</p>").format(Markup("<br>").join(_inline(line) for line in lines))


def _inline(text: str) -> Markup:
    """Strong words and links in a line. The address of a link is looked for in escaped text, and can hold no quotation mark."""
    safe = _STRONG.sub(r"<strong>\1</strong>", str(escape(text)))
    return Markup(_LINK.sub(r'<a href="\2">\1</a>', safe))  # noqa: S704  (escaped above)
