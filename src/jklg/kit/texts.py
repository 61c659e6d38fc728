"""Text that people type, as it is kept: one line, or several; and what of a name is shown."""

from __future__ import annotations

import unicodedata


def one_line(given: str, most: int) -> str | None:
    """Single spaces and nothing that cannot be shown; None when it is longer than `most`. '' is fine."""
    text = " ".join(given.split())
    return text if len(text) <= most and text.isprintable() else None


def several_lines(given: str, most: int) -> str | None:
    """Its lines without spaces at their ends; None when it is longer than `most`, or holds what cannot be shown. '' is fine."""
    text = "\n".join(line.rstrip() for line in given.strip().splitlines())
    shown = all(unicodedata.category(letter) not in ("Cc", "Cs") for letter in text.replace("\n", ""))
    return text if len(text) <= most and shown else None


def first_name(name: str) -> str:
    """What may be shown of somebody's name."""
    return name.partition(" ")[0][:40]
