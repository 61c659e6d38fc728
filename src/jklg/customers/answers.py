"""What the JSON doors of customers say and read alike."""

from __future__ import annotations

from typing import Annotated

import msgspec

Email = Annotated[str, msgspec.Meta(max_length=320)]
Password = Annotated[str, msgspec.Meta(max_length=1000)]
"""As it arrives: what it must be is decided by kit.passwords, and what it was by its hash."""
LinkToken = Annotated[str, msgspec.Meta(max_length=1000)]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Done, in a sentence."""

    message: str
