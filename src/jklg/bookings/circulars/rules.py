"""Whom a circular goes to, what it may say, and what may become of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict
from jklg.kit.texts import one_line, several_lines

MOVES = {"paused": ("sending",), "sending": ("paused",), "stopped": ("sending", "paused")}
"""To -> from. Nothing begins again that was stopped or is done."""


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody with a confirmed booking: on one departure, or on any of one package that is not over."""

    departure_id: UUID | None = None
    package_id: UUID | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What staff wrote, one line and several."""

    subject: str
    words: str


def check_message(form: Mapping[str, str]) -> Message:
    """What staff wrote. BadInput: subject_invalid, message_missing, in that order."""
    subject = one_line(form.get("subject", ""), 150)
    if not subject:
        raise BadInput(
            "subject_invalid", "Please give a subject of up to 150 characters.", details={"field": "subject"}
        )
    words = several_lines(form.get("words", ""), 5000)
    if not words:
        raise BadInput(
            "message_missing", "Please write something, in up to 5,000 characters.", details={"field": "words"}
        )
    return Message(subject=subject, words=words)


def check_turn(status: str, to: str) -> None:
    """Conflict: circular_over."""
    if status not in MOVES[to]:
        raise Conflict("circular_over", "This circular has come to its end.")
