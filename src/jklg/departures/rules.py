"""What a departure offers, and when a new one makes sense. Amounts are minor units of the departure's currency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict
from jklg.kit.languages import N_
from jklg.kit.money import CURRENCIES, MAX_MINOR
from jklg.kit.texts import several_lines

PEOPLE = ("adult", "child", "infant")
"""The categories that are people, in the order they are shown. `single_supplement` is a price, not a person."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one person of a category pays. Ages are whole years on the day of departure, both ends included."""

    amount: int
    min_age: int = 0
    max_age: int = 150
    takes_seat: bool = True


class ExtraOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be added on this departure. `stock_left` None: as many as are asked for."""

    id: UUID
    name: str
    amount: int
    stock_left: int | None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """All that pricing and booking need to know of a departure, read in one round trip.

    `bookable` is judged by the house clock; a sold-out departure is bookable with `seats_left` 0. `today` is the date at
    the place of the package. `prices` may hold `single_supplement` besides the people. `sales_terms` are the package's, for
    pricing to read.
    """

    id: UUID
    package_id: UUID
    package_name: str
    starts_on: date
    ends_on: date
    cutoff_at: datetime
    today: date
    currency: str
    seats_left: int
    price_version: int
    bookable: bool
    prices: dict[str, Price]
    extras: dict[UUID, ExtraOffer]
    sales_terms: dict[str, Any] = {}


class CategoryAmount(msgspec.Struct, frozen=True, kw_only=True):
    """A price as a list of departures shows it."""

    category: str
    amount: int
    min_age: int
    max_age: int


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A departure as a visitor sees it in a list."""

    id: UUID
    starts_on: date
    ends_on: date
    seats_left: int
    currency: str
    prices: list[CategoryAmount]
    cutoff_at: datetime
    guaranteed: bool


class OnDay(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves on a day, as a calendar tells it."""

    id: UUID
    starts_on: date
    seats_left: int


class NewDeparture(msgspec.Struct, frozen=True, kw_only=True):
    """A departure to be put on sale. `extras`: extra -> (amount of one, stock or None)."""

    package_id: UUID
    starts_on: date
    ends_on: date
    cutoff_at: datetime
    currency: str
    allotment: int
    prices: Mapping[str, Price]
    extras: Mapping[UUID, tuple[int, int | None]] = {}
    guaranteed: bool = False


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """The days of a departure, at the place of its package, where it is `today`."""

    starts_on: date
    ends_on: date
    status: str
    today: date


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A departure was moved from its old days to others. `words`: to the travellers, as staff wrote them."""

    id: UUID
    departure_id: UUID
    old_starts_on: date
    old_ends_on: date
    starts_on: date
    ends_on: date
    words: str
    actor: str
    moved_at: datetime


def check_move(now: Days, starts_on: date, ends_on: date) -> None:
    """Whether it can be moved there. Conflict: departure_off, departure_has_left; then BadInput: departure_invalid, whose details name the field."""
    if now.status == "cancelled":
        raise Conflict("departure_off", "This departure does not take place.")
    if now.starts_on < now.today:
        raise Conflict("departure_has_left", "This journey has begun: its days stay as they are.")
    if not now.today < starts_on <= now.today + timedelta(days=3 * 366):
        raise _invalid("starts_on", N_("Please give a first day that is still to come, within three years."))
    if not starts_on <= ends_on <= starts_on + timedelta(days=366):
        raise _invalid("ends_on", N_("Please give a last day that is not before the first, within a year."))
    if (starts_on, ends_on) == (now.starts_on, now.ends_on):
        raise _invalid("starts_on", N_("These are the days it has already."))


def check_words(text: str) -> str:
    """What travellers are told besides the days. BadInput: departure_invalid."""
    words = several_lines(text, 1000)
    if words is None:
        raise _invalid("words", N_("Please write up to 1,000 characters."))
    return words


def check_new(departure: NewDeparture) -> None:
    """Whether this departure can be sold. BadInput: departure_invalid, whose details name the field."""
    if departure.ends_on < departure.starts_on:
        raise _invalid("ends_on", N_("A departure cannot end before it starts."))
    if departure.cutoff_at.tzinfo is None:
        raise _invalid("cutoff_at", N_("The cut-off needs a time zone."))
    if departure.currency not in CURRENCIES:
        raise _invalid("currency", N_("This is not a currency we know."))
    if not 0 <= departure.allotment <= 10_000:
        raise _invalid("allotment", N_("An allotment has 0 to 10,000 seats."))
    if "adult" not in departure.prices or not departure.prices["adult"].takes_seat:
        raise _invalid("prices", N_("A departure needs a price for an adult, who takes a seat."))
    for category, price in departure.prices.items():
        if category not in PEOPLE and category != "single_supplement":
            raise _invalid("prices", f"There is no price category {category!r}.")
        if not 0 <= price.amount <= MAX_MINOR or not 0 <= price.min_age <= price.max_age:
            raise _invalid("prices", f"The price or the ages for {category!r} make no sense.")
    for amount, stock in departure.extras.values():
        if not 0 <= amount <= MAX_MINOR or (stock is not None and stock < 0):
            raise _invalid("extras", N_("The price or the stock of an extra makes no sense."))


def _invalid(field: str, sentence: str) -> BadInput:
    return BadInput("departure_invalid", sentence, details={"field": field})
