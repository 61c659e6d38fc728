"""Where the next page begins, of a list in the order of time: handed out with one page, handed back for the next. Pure."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from jklg.kit.errors import BadInput


class Place(NamedTuple):
    """After this row, in the order of a list: what comes meanwhile moves nothing. `at` in UTC."""

    at: datetime
    id: UUID


def write(place: Place) -> str:
    """The place as a client hands it back."""
    text = f"{place.at.isoformat()} {place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str) -> Place:
    """BadInput: cursor_invalid."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        moment, _, id_ = text.partition(" ")
        place = Place(datetime.fromisoformat(moment), UUID(id_))
        if place.at.tzinfo is None or not 1900 < place.at.year < 9000:
            raise ValueError
        return place
    except (ValueError, binascii.Error, UnicodeError):
        raise BadInput("cursor_invalid", "Please begin at the first page again.", details={"field": "cursor"}) from None


def read_if_given(cursor: str) -> Place | None:
    """None for '', the first page. BadInput: cursor_invalid."""
    return read(cursor) if cursor else None
