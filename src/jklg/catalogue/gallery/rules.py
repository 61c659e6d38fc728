"""What an image of the gallery is, and what it must say. Pure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.catalogue.pictures.rules import Picture, check_alt
from jklg.kit.errors import BadInput, NotFound


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What is said with an image. `alt` says what one would see; `place` may be empty."""

    title: str
    place: str = ""
    alt: str
    published: bool = False


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the gallery; `picture.alt` is what its wording says."""

    id: UUID
    title: str
    place: str
    picture: Picture
    position: int
    published: bool
    created_at: datetime


def check(said: Wording) -> Wording:
    """As it will be kept. BadInput: title_missing, place_invalid, alt_missing."""
    title, place = " ".join(said.title.split()), " ".join(said.place.split())
    if not 1 <= len(title) <= 120 or not title.isprintable():
        raise BadInput("title_missing", "Please give it a title of up to 120 characters.", details={"field": "title"})
    if len(place) > 120 or not place.isprintable():
        raise BadInput("place_invalid", "A place has up to 120 characters.", details={"field": "place"})
    return Wording(title=title, place=place, alt=check_alt(said.alt), published=said.published)


def no_image() -> NotFound:
    return NotFound("image_not_found", "We cannot find this image.")
