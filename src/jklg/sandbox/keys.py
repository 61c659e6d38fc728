"""Idempotency keys: the answer that was given under one is given again, until it is forgotten."""

from __future__ import annotations

from datetime import timedelta

from jklg.sandbox.bank import Work
from jklg.sandbox.things import Saved

LIFETIME = timedelta(hours=24)


def remembered(work: Work, key: str, lifetime: timedelta = LIFETIME) -> Saved | None:
    """What was answered under a key, unless that is forgotten by now."""
    saved = work.find(Saved, key)
    return saved if saved and saved.saved_at and work.now - saved.saved_at < lifetime else None


def remember(work: Work, key: str, fingerprint: str, status: int, body: str) -> None:
    """Give this answer again under this key."""
    work.put(Saved(id=key, fingerprint=fingerprint, status=status, body=body, saved_at=work.now))
