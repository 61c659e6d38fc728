"""What may be uploaded, in which sizes it is kept, and what its addresses are. Pure."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, TooLarge
from jklg.kit.languages import N_

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 60_000_000
"""A telephone takes 50 million. More is refused before a single pixel is unpacked: a small file can claim to be enormous."""
LEAST_LONG, LEAST_SHORT = 600, 400
WIDTHS = (360, 720, 1200, 1800)
FORMATS = ("avif", "webp", "jpeg")
"""In the order in which a browser is offered them."""
RECIPE = b"2026-11"
"""Changes when pictures are developed otherwise, so that an address never changes its content."""

FILE_NAME = re.compile(r"([0-9a-f]{32})-([0-9]{3,4})\.(avif|webp|jpeg)")
_FIRST_BYTES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_TELEPHONES = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A photograph as pages know it. There is a file of each of `widths` in each format; `placeholder` is a data: address."""

    id: UUID
    digest: str
    width: int
    height: int
    widths: list[int]
    placeholder: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """`scene` names a drawing of `scenes.draw`; with a `photo` it is ''. `alt` says what one would see."""

    scene: str = ""
    alt: str
    photo: Photo | None = None


def check_upload(content: bytes) -> str:
    """What this is, by its first bytes. TooLarge (picture_too_large), BadInput (picture_missing, picture_unreadable)."""
    if not content:
        raise BadInput("picture_missing", "Please choose a picture.", details={"field": "picture"})
    if len(content) > MOST_BYTES:
        raise TooLarge("picture_too_large", "This picture is larger than 20 megabytes. Please send a smaller one.")
    for start, kind in _FIRST_BYTES.items():
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in _TELEPHONES:
        raise unreadable(
            N_("This is a HEIC picture, as telephones keep them. Please share or export it as JPEG first.")
        )
    raise unreadable(N_("Please send a JPEG, PNG or WebP picture."))


def check_size(width: int, height: int) -> None:
    """Before anything is unpacked. TooLarge (picture_too_large), BadInput (picture_too_small)."""
    if width * height > MOST_PIXELS:
        raise too_many_pixels()
    if max(width, height) < LEAST_LONG or min(width, height) < LEAST_SHORT:
        raise BadInput(
            "picture_too_small",
            "This picture is too small to look well: 600 by 400 pixels are the least.",
            details={"field": "picture"},
        )


def too_many_pixels() -> TooLarge:
    return TooLarge("picture_too_large", "This picture has more than 60 million pixels. Please send a smaller one.")


def unreadable(sentence: str) -> BadInput:
    return BadInput("picture_unreadable", sentence, details={"field": "picture"})


def check_alt(text: str) -> str:
    """What one would see, in words. BadInput (alt_missing)."""
    words = " ".join(text.split())
    if not words or len(words) > 300 or not words.isprintable():
        raise BadInput(
            "alt_missing",
            "Please say in a sentence what one would see. It is read to whoever cannot see the picture.",
            details={"field": "alt"},
        )
    return words


def widths_of(width: int) -> list[int]:
    """The widths kept of a picture this wide: never wider than it is."""
    return [each for each in WIDTHS if each <= width]


def digest_of(content: bytes) -> str:
    return hashlib.sha256(RECIPE + content).hexdigest()[:32]


def address(photo: Photo, width: int, format_: str) -> str:
    """Where one file of a photograph is served, for ever."""
    return f"/photos/{photo.digest}-{width}.{format_}"


def big(photo: Photo) -> str:
    """The largest file that everybody can read."""
    return address(photo, photo.widths[-1], "jpeg")
