"""From a template folder to a subject, a text and an HTML body, and into the outbox.

An e-mail is a folder in its room: emails/<name>/{subject.txt,body.txt,body.mjml}. body.html.j2 is compiled from body.mjml and the frame
that all letters share (mail/frame) by `python -m jklg.mail.build` and committed. The text is written by hand: it must stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from textwrap import wrap
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from jklg.kit.db import Connection
from jklg.kit.gateways import card_name, gateway_name
from jklg.kit.ids import uuid7
from jklg.kit.languages import figures, spoken
from jklg.kit.languages import gettext as _
from jklg.kit.languages.templates import let_speak
from jklg.kit.money import plain
from jklg.kit.tokens import defused
from jklg.mail import actions, stopping
from jklg.mail.queries import Letter
from jklg.settings import Settings
from jklg.web.design.accent import for_actions

WIDTH = 76
"""Characters of a line of text."""


async def write_letter(
    conn: Connection,
    settings: Settings,
    room: Path,
    kind: str,
    once: object,
    to_address: str,
    to_name: str,
    context: Mapping[str, object],
    *,
    erase_when_sent: bool = False,
    may_be_stopped: bool = False,
) -> bool:
    """Write the mail `kind` of a room, in the caller's database transaction. False when it was written for `once` (an id) before."""
    written = letter(
        settings, room, kind, once, to_address, to_name, context, erase_when_sent=erase_when_sent, may_be_stopped=may_be_stopped
    )  # fmt: skip
    return await actions.write(conn, [written]) == 1


def letter(
    settings: Settings,
    room: Path,
    kind: str,
    once: object,
    to_address: str,
    to_name: str,
    context: Mapping[str, object],
    *,
    erase_when_sent: bool = False,
    may_be_stopped: bool = False,
) -> Letter:
    """The same, to be written together with others (`write`). One that `may_be_stopped` is told the link for that, `stop_url`."""
    mail_id = uuid7()
    if may_be_stopped:
        context = {**context, "stop_url": stopping.stop_url(settings, mail_id)}
    subject, text, html = render(room, kind, settings, context)
    return Letter(
        kind=kind, once_key=f"{kind}:{once}", to_address=to_address, to_name=to_name, subject=subject, text=text, html=html,
        erase_when_sent=erase_when_sent, may_be_stopped=may_be_stopped, id=mail_id,
    )  # fmt: skip


def render(room: Path, name: str, settings: Settings, context: Mapping[str, object]) -> tuple[str, str, str]:
    """(subject, text, html), in the agency's name and colours. Everything in the HTML is escaped; a variable that is missing raises."""
    accent, accent_at_night = for_actions(settings)
    context = {
        "agency_name": settings.agency_name, "accent": accent, "accent_at_night": accent_at_night,
        "language": spoken(), "start": "right" if spoken().direction == "rtl" else "left",
        "end": "left" if spoken().direction == "rtl" else "right", **context,
    }  # fmt: skip
    subject, text, html = _templates(room, name)
    return " ".join(subject.render(context).split()), _wrapped(text.render(context)), html.render(context)


def _wrapped(text: str) -> str:
    """Long lines broken, but no link, which may be sealed; one empty line where the template left several."""
    lines = []
    for line in re.sub(r"\n{3,}", "\n\n", text.strip()).splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        whole = len(line) <= WIDTH or "://" in line or "~" in line
        lines += (
            [line]
            if whole
            else wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        )
    return "\n".join(lines) + "\n"


@cache
def _templates(room: Path, name: str) -> tuple[Template, Template, Template]:
    folder = room / "emails" / name
    plain_text = _environment(folder, autoescape=False)
    return (
        plain_text.get_template("subject.txt"),
        plain_text.get_template("body.txt"),
        _environment(folder, autoescape=True).get_template("body.html.j2"),
    )


def _environment(folder: Path, *, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=autoescape,  # noqa: S701  (text parts are not HTML)
        undefined=StrictUndefined,
        finalize=defused,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    let_speak(environment)
    environment.filters["money"] = plain
    environment.filters["strong"] = _strong if autoescape else str
    environment.filters["day"] = figures.long_day
    environment.filters["gateway_name"] = gateway_name
    environment.filters["card_name"] = card_name
    environment.filters["day_in"] = _day_in
    environment.filters["moment"] = _moment
    return environment


def _strong(words: object) -> Markup:
    return Markup("<strong>{}</strong>").format(words)


def _day_in(at: datetime, zone: str) -> str:
    """The day it was in `zone` at that moment."""
    return figures.long_day(at.astimezone(ZoneInfo(zone)).date())


def _moment(at: datetime) -> str:
    """'Wednesday 12 May 2027 at 16:05 UTC'."""
    known = at.astimezone(UTC)
    return _("{day} at {time} UTC").format(day=figures.long_day(known.date()), time=f"{known:%H:%M}")
