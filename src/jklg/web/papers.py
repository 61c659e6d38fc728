"""Papers at the door: how each of ours begins and ends, and how it is handed over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from litestar import Response

from jklg.kit.languages import gettext as _
from jklg.kit.languages import spoken
from jklg.kit.paper import Block, Paper, draw_aside
from jklg.settings import Settings

PINE = "#1f5c4a"


def paper(
    settings: Settings, heading: str, blocks: Sequence[Block], *, which: str = "", under: str = "", footer: Sequence[str] = ()
) -> Paper:  # fmt: skip
    """A paper of this house, in the language of this moment. `which` tells it from others of its kind: a number, a reference."""
    agency = settings.agency_name
    return Paper(
        title=f"{heading} {which}".strip(),
        heading=heading,
        agency=agency,
        language=spoken().code,
        direction=spoken().direction,
        page=_("Page {n} of {all}"),
        blocks=blocks,
        under=under,
        corner=which,
        accent=settings.accent or PINE,
        footer=list(footer) or [agency],
        keywords=[which] if which else [],
    )


async def hand_over(paper: Paper, name: str) -> Response[bytes]:
    """As a PDF that is opened in the browser and kept under `name`."""
    return file(await draw_aside(paper), "application/pdf", name)


def file(content: bytes, media_type: str, name: str, *, inline: bool = True) -> Response[bytes]:
    """A personal file: kept by nobody on the way, with a name that any system can write (RFC 6266; `name` is ours, not a person's)."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    how = "inline" if inline else "attachment"
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
        },
    )
