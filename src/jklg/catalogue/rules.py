"""What a package and a destination are, what visitors may ask for, and what makes a package complete enough to sell."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput
from jklg.kit.money import CURRENCIES, MAX_MINOR

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SORTS = ("featured", "price", "duration", "name")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A destination as a package mentions it."""

    id: UUID
    slug: str
    name: str
    region: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """`scene` names a drawing of `scenes.draw`, or is the path of an upload. `alt` says what one would see."""

    scene: str
    alt: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day of an itinerary. `meals` and `overnight` may be empty."""

    day: int
    title: str
    description: str
    meals: str = ""
    overnight: str = ""


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """What can be added to a booking. Its price and stock belong to the departure."""

    id: UUID
    name: str
    description: str


class PackageCard(msgspec.Struct, frozen=True, kw_only=True):
    """A package in a list. `price` is the guide price of one adult, minor units. `rank` orders the list that was asked for."""

    id: UUID
    slug: str
    name: str
    summary: str
    description: str
    duration_days: int
    price: int
    currency: str
    themes: list[str]
    featured: bool
    places: list[Place]
    picture: Picture | None
    next_departure_on: date | None
    rank: int


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """All of a package, for its own page."""

    id: UUID
    slug: str
    name: str
    summary: str
    description: str
    duration_days: int
    price: int
    currency: str
    included: list[str]
    excluded: list[str]
    meeting_point: str
    time_zone: str
    themes: list[str]
    status: str
    featured: bool
    places: list[Place]
    days: list[Day]
    pictures: list[Picture]
    extras: list[Extra]


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A place. `packages` counts the published packages that go there."""

    id: UUID
    slug: str
    name: str
    region: str
    summary: str
    description: str
    altitude_m: int | None
    best_season: str | None
    latitude: Decimal | None
    longitude: Decimal | None
    featured: bool
    packages: int


class NewDestination(msgspec.Struct, frozen=True, kw_only=True):
    """A place to be added to the catalogue."""

    slug: str
    name: str
    region: str
    summary: str
    description: str
    altitude_m: int | None = None
    best_season: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    featured: bool = False


class NewExtra(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be added to a booking of the package. Departures put a price on it."""

    """What can be added to a booking of a package. Its price and its stock belong to each departure."""

    name: str
    description: str = ""


class NewPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package to be added. `destinations` are slugs in the order they are visited; `days` has one entry for each day."""

    slug: str
    name: str
    summary: str
    description: str
    price: int
    currency: str
    days: Sequence[Day]
    destinations: Sequence[str]
    pictures: Sequence[Picture]
    extras: Sequence[NewExtra] = ()
    included: Sequence[str] = ()
    excluded: Sequence[str] = ()
    meeting_point: str = ""
    time_zone: str = "Asia/Kolkata"
    themes: Sequence[str] = ()
    featured: bool = False
    status: str = "draft"


class PackageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor looks for. `after` is where the last page ended: (rank, name, id)."""

    destination: str | None = None
    month: date | None = None
    q: str | None = None
    sort: str = "featured"
    limit: int = 100
    after: tuple[int, str, UUID] | None = None


def check_package(new: NewPackage) -> None:
    """Whether this package is complete. BadInput: package_invalid, whose details name the field."""
    if not SLUG.fullmatch(new.slug):
        raise _incomplete("slug", "A slug is made of small letters, digits and single hyphens.")
    if not new.name.strip() or not new.summary.strip() or not new.description.strip():
        raise _incomplete("name", "A package needs a name, a summary and a description.")
    if not 0 <= new.price <= MAX_MINOR or new.currency not in CURRENCIES:
        raise _incomplete("price", "A package needs a guide price in a currency we know.")
    if [day.day for day in new.days] != list(range(1, len(new.days) + 1)) or not new.days:
        raise _incomplete("days", "The itinerary tells every day once, from day 1 on.")
    if not new.destinations or len(set(new.destinations)) != len(new.destinations):
        raise _incomplete("destinations", "A package goes to at least one destination, and names each once.")
    if not new.pictures or not all(picture.alt.strip() for picture in new.pictures):
        raise _incomplete("pictures", "A package has a picture, and every picture says what one would see.")


def _incomplete(field: str, sentence: str) -> BadInput:
    return BadInput("package_invalid", sentence, details={"field": field})


def read_filter(
    destination: str | None,
    month: str | None,
    q: str | None,
    sort: str | None,
    limit: str | None,
    cursor: str | None,
) -> PackageFilter:
    """The words of a query string as a filter; empty words are no wish.

    Raises BadInput: destination_invalid, month_invalid, q_invalid, sort_invalid, limit_invalid, cursor_invalid.
    """
    if destination and not read_key(destination):
        raise _query("destination", "A destination is named by its slug or id.")
    if sort and sort not in SORTS:
        raise _query("sort", f"Packages can be sorted by {', '.join(SORTS)}.")
    words = " ".join(q.split()) if q else None
    if words and (len(words) > 100 or not words.isprintable()):
        raise _query("q", "Please search for up to 100 characters of plain text.")
    return PackageFilter(
        destination=destination or None,
        month=_read_month(month) if month else None,
        q=words or None,
        sort=sort or "featured",
        limit=read_limit(limit, default=100, most=100),
        after=_read_cursor(cursor) if cursor else None,
    )


def _read_month(text: str) -> date:
    if not re.fullmatch(r"2[01][0-9]{2}-(0[1-9]|1[0-2])", text):
        raise _query("month", "A month is written as in 2027-05.")
    return date.fromisoformat(f"{text}-01")


def read_limit(text: str | None, *, default: int, most: int) -> int:
    """How many rows were asked for. BadInput: limit_invalid."""
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
        raise _query("limit", f"A page holds 1 to {most} entries.")
    return int(text)


def read_key(text: str) -> UUID | str | None:
    """A path or query word as an id or a slug; None when it can be neither."""
    try:
        return UUID(text) if len(text) == 36 else text if len(text) <= 200 and SLUG.fullmatch(text) else None
    except ValueError:
        return text if SLUG.fullmatch(text) else None


def cursor_after(card: PackageCard) -> str:
    """Where the next page begins, for `read_filter`."""
    packed = msgspec.json.encode((card.rank, card.name, card.id))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, str, UUID]:
    try:
        packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        rank, name, id_ = msgspec.json.decode(packed, type=tuple[int, str, UUID])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise _query("cursor", "This page of the list does not exist. Please start from the first.") from None
    if not 0 <= rank <= MAX_MINOR or "\0" in name:
        raise _query("cursor", "This page of the list does not exist. Please start from the first.")
    return rank, name, id_


def _query(word: str, sentence: str) -> BadInput:
    return BadInput(f"{word}_invalid", sentence, details={"field": word})
