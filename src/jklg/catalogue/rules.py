"""What a package and a destination are, what visitors may ask for, and what makes a package complete enough to sell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from jklg.catalogue.pictures.rules import Picture
from jklg.kit.errors import BadInput
from jklg.kit.languages import N_
from jklg.kit.money import CURRENCIES, MAX_MINOR

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A destination as a package mentions it. Where it lies is known to the package's own page only."""

    id: UUID
    slug: str
    name: str
    region: str
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: int | None = None


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
    """A package in a list. `price` is the guide price of one adult, minor units; `price_from` the least that one pays on a departure that can
    be booked now, None without one. `rank` orders the list that was asked for."""

    id: UUID
    slug: str
    name: str
    summary: str
    description: str
    duration_days: int
    price: int
    price_from: int | None
    currency: str
    themes: list[str]
    featured: bool
    places: list[Place]
    picture: Picture | None
    next_departure_on: date | None
    rank: int


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """All of a package, for its own page. `places` are in the order in which they are visited; prices as those of a card."""

    id: UUID
    slug: str
    name: str
    summary: str
    description: str
    duration_days: int
    price: int
    price_from: int | None
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
    """A place. `packages` counts the published packages that go there; without `pictures` it is drawn."""

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
    pictures: list[Picture]


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


def check_package(new: NewPackage) -> None:
    """Whether this package is complete. BadInput: package_invalid, whose details name the field."""
    if not SLUG.fullmatch(new.slug):
        raise _incomplete("slug", N_("A slug is made of small letters, digits and single hyphens."))
    if not new.name.strip() or not new.summary.strip() or not new.description.strip():
        raise _incomplete("name", N_("A package needs a name, a summary and a description."))
    if not 0 <= new.price <= MAX_MINOR or new.currency not in CURRENCIES:
        raise _incomplete("price", N_("A package needs a guide price in a currency we know."))
    if [day.day for day in new.days] != list(range(1, len(new.days) + 1)) or not new.days:
        raise _incomplete("days", N_("The itinerary tells every day once, from day 1 on."))
    if not new.destinations or len(set(new.destinations)) != len(new.destinations):
        raise _incomplete("destinations", N_("A package goes to at least one destination, and names each once."))
    if not new.pictures or not all(picture.alt.strip() for picture in new.pictures):
        raise _incomplete("pictures", N_("A package has a picture, and every picture says what one would see."))


def _incomplete(field: str, sentence: str) -> BadInput:
    return BadInput("package_invalid", sentence, details={"field": field})


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


def _query(word: str, sentence: str) -> BadInput:
    return BadInput(f"{word}_invalid", sentence, details={"field": word})
