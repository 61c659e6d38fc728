"""How one seal follows from the one before. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

BEGINNING = bytes(32)
"""What the first seal follows."""


class Entry(NamedTuple):
    """One line of a posting, as its columns stand. `amount` in minor units of `currency`, debits positive."""

    id: int
    account: str
    currency: str
    amount: int
    subject_id: UUID | None


class Posting(NamedTuple):
    """A fact in the books, as its columns stand."""

    id: UUID
    kind: str
    source_type: str
    source_id: str
    subject_id: UUID | None
    posted_at: datetime | None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_as_text = json.JSONEncoder(ensure_ascii=False).encode
"""Writes arrays as PostgreSQL writes jsonb, byte for byte: the first seals were made of that (ledger_digest in migration 0018)."""


def digest(posting: Posting, entries: Sequence[Entry]) -> bytes:
    """What a posting says, as 32 bytes; `entries` in the order of their ids. The time in microseconds, so that no time zone has a say in it.

    Made here and not in the database: whoever may change a posting there may change every function that is asked about it.
    """
    lines = [[each.id, each.account, each.currency, each.amount, _text(each.subject_id)] for each in entries]
    moment = None if posting.posted_at is None else (posting.posted_at - _EPOCH) // _MICROSECOND
    said = [
        _text(posting.id), posting.kind, posting.source_type, posting.source_id, _text(posting.subject_id), moment, lines or None,
    ]  # fmt: skip
    return hashlib.sha256(_as_text(said).encode()).digest()


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def link(before: bytes, digest: bytes) -> bytes:
    """The chain up to a posting with this digest."""
    return hashlib.sha256(before + digest).digest()


def head(number: int, chain: bytes) -> str:
    """Where the chain stands, as it is written down."""
    return f"{number}:{chain.hex()}"


def number_of(head: str) -> int:
    """The seal that a head is at; 0, at which there is none, for what is no head."""
    number = head.partition(":")[0]
    return int(number) if re.fullmatch(r"[0-9]{1,18}", number) else 0


def mac(key: str, number: int, chain: bytes) -> bytes:
    """What only the holder of `key` can say of a seal."""
    return hmac.digest(key.encode(), b"ledger seal\0" + number.to_bytes(8) + chain, "sha256")


def key_id(key: str) -> str:
    """Eight letters by which a key is known, and from which nobody learns it."""
    return hashlib.sha256(b"ledger seal key\0" + key.encode()).hexdigest()[:8]
