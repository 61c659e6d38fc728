"""Where a page begins. A cursor is the last row of the page before: its time and id, so that what comes meanwhile moves nothing. Pure."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from jklg.kit.errors import BadInput


class Place(NamedTuple):
    """After this row, in the order of the list. `created_at` in UTC."""

    created_at: datetime
    id: UUID


def write_cursor(place: Place) -> str:
    """The place as a client hands it back."""
    text = f"{place.created_at.isoformat()} {place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Place:
    """BadInput: cursor_invalid."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        moment, _, id_ = text.partition(" ")
        place = Place(datetime.fromisoformat(moment), UUID(id_))
        if place.created_at.tzinfo is None or not 1900 < place.created_at.year < 9000:
            raise ValueError
        return place
    except (ValueError, binascii.Error, UnicodeError):
        raise BadInput("cursor_invalid", "Please begin at the first page again.", details={"field": "cursor"}) from None
