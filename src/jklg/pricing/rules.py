"""The arithmetic of a price. Whole minor units only; the lines always add up to the total.

1. Each person pays the price of their category. Adults come first: no child or infant travels without an adult, and each
   infant needs an adult's lap.
2. The single supplement: when exactly one adult and no child travels, a room is used alone, and the departure's
   `single_supplement`, if it has one, is added once. An infant shares the adult's bed and changes nothing.
3. Extras cost their price times their quantity.
4. Currencies with three decimals (KWD, BHD, JOD, OMR, TND, IQD, LYD): gateways take multiples of ten minor units only; of
   some with two (HUF, TWD, MGA) one or the other takes whole units (`money.step`, payments.md 1.8). The total is rounded down
   to that, in the customer's favour, by a line of its own, before it becomes the booking's total. So gateway, booking and
   ledger speak of the same amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict, Refusal
from jklg.kit.languages import N_, ngettext
from jklg.kit.languages import gettext as _
from jklg.kit.languages.figures import full_day
from jklg.kit.money import MAX_MINOR, grouped, step
from jklg.pricing import spoken
from jklg.pricing.terms import Terms, read

if TYPE_CHECKING:
    from jklg.departures import Offer, Price

MAX_PEOPLE = 30
MAX_QUANTITY = 500
_MONTHS = "January February March April May June July August September October November December".split()
WITHOUT_SEAT = ", without a seat"
"""How the rule of a line ends whose people take no seat. Bookings read it again from the lines they were sold by."""
PEOPLE = {"adult": ("Adult", "adults"), "child": ("Child", "children"), "infant": ("Infant", "infants")}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the derivation. `amount` = `quantity` x `unit_amount`, minor units; `rule` says why, for people."""

    label: str
    quantity: int
    unit_amount: int
    amount: int
    rule: str


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A price with its derivation, and the terms it is sold under: the amounts of `lines` add up to `total`. `seats` is what the
    party takes."""

    currency: str
    total: int
    seats: int
    lines: list[Line]
    terms: Terms = Terms()


class Person(Protocol):
    """A traveller as pricing needs to see one."""

    @property
    def name(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def date_of_birth(self) -> date | None: ...


def price(offer: Offer, party: Mapping[str, int], extras: Sequence[tuple[UUID, int]] = ()) -> Priced:
    """What this party pays for this offer. Does not ask whether seats are left or the departure is still open.

    Raises, in the order checked: BadInput party_invalid, party_too_large, party_needs_adult, too_many_infants,
    category_not_offered, extra_quantity_invalid, extra_repeated, extra_not_offered; Conflict extra_sold_out;
    BadInput total_too_large.
    """
    people = check_party(offer, party)
    lines = [_people_line(offer, category, number) for category, number in people.items()]
    supplement = offer.prices.get("single_supplement")
    if supplement is not None and people["adult"] == 1 and "child" not in people:
        lines.append(
            Line(
                label="Single supplement",
                quantity=1,
                unit_amount=supplement.amount,
                amount=supplement.amount,
                rule=f"single supplement: {grouped(supplement.amount, offer.currency)} {offer.currency} once, because one adult has a room alone",
            )
        )
    lines += _extra_lines(offer, extras)
    rounding = _rounding(sum(line.amount for line in lines), offer.currency)
    if rounding is not None:
        lines.append(rounding)
    total = sum(line.amount for line in lines)
    if total > MAX_MINOR:
        raise BadInput("total_too_large", "This comes to more than we can take in one booking. Please write to us.")
    seats = sum(number for category, number in people.items() if offer.prices[category].takes_seat)
    return Priced(currency=offer.currency, total=total, seats=seats, lines=lines, terms=read(offer.sales_terms))


def check_party(offer: Offer, party: Mapping[str, int]) -> dict[str, int]:
    """The party without zeros, adults first. Raises as `price` does, up to category_not_offered."""
    for category, number in party.items():
        if category not in PEOPLE:
            raise _party("party_invalid", N_("A party is made of adults, children and infants."), "")
        if type(number) is not int or number < 0:
            raise _party("party_invalid", N_("The number of people must be a whole number, 0 or more."), category)
    people = {category: party[category] for category in PEOPLE if party.get(category)}
    if not people:
        raise _party("party_invalid", N_("Please say how many people travel."), "adult")
    if sum(people.values()) > MAX_PEOPLE:
        raise _party(
            "party_too_large",
            _("Online we book up to {n} people at once. Please write to us for more.").format(n=MAX_PEOPLE),
            "adult",
        )
    if "adult" not in people:
        raise _party("party_needs_adult", N_("Children and infants travel with at least one adult."), "adult")
    if people.get("infant", 0) > people["adult"]:
        raise _party("too_many_infants", N_("Each infant travels on the lap of an adult: one per adult."), "infant")
    for category in people:
        if category not in offer.prices:
            raise _party("category_not_offered", spoken.NOT_OFFERED[category], category)
    return people


def _people_line(offer: Offer, category: str, number: int) -> Line:
    unit = offer.prices[category]
    return Line(
        label=PEOPLE[category][0],
        quantity=number,
        unit_amount=unit.amount,
        amount=number * unit.amount,
        rule=f"{category}: {number} × {grouped(unit.amount, offer.currency)} {offer.currency} each, "
        f"{ages(unit)} on {day(offer.starts_on)}{'' if unit.takes_seat else WITHOUT_SEAT}",
    )


def _extra_lines(offer: Offer, extras: Sequence[tuple[UUID, int]]) -> list[Line]:
    lines = []
    seen: set[UUID] = set()
    for extra_id, quantity in extras:
        if type(quantity) is not int or not 1 <= quantity <= MAX_QUANTITY:
            raise _extra(
                BadInput,
                "extra_quantity_invalid",
                _("Of an extra you can add 1 to {most}.").format(most=MAX_QUANTITY),
                extra_id,
            )
        if extra_id in seen:
            raise _extra(BadInput, "extra_repeated", N_("Please name each extra once, with its quantity."), extra_id)
        seen.add(extra_id)
        found = offer.extras.get(extra_id)
        if found is None:
            raise _extra(
                BadInput, "extra_not_offered", N_("One of the extras is not offered on this departure."), extra_id
            )
        if found.stock_left is not None and quantity > found.stock_left:
            left = ngettext("Only {n} left: {name}.", "Only {n} left: {name}.", found.stock_left)
            sentence = (left if found.stock_left else _("None left: {name}.")).format(
                n=found.stock_left, name=found.name
            )
            raise _extra(Conflict, "extra_sold_out", sentence, extra_id)
        lines.append(
            Line(
                label=found.name,
                quantity=quantity,
                unit_amount=found.amount,
                amount=quantity * found.amount,
                rule=f"extra: {quantity} × {grouped(found.amount, offer.currency)} {offer.currency} each",
            )
        )
    return lines


def _rounding(total: int, currency: str) -> Line | None:
    """Rule 4 above."""
    excess = total % step(currency)
    if not excess:
        return None
    return Line(
        label="Rounding",
        quantity=1,
        unit_amount=-excess,
        amount=-excess,
        rule=f"rounding: card payments in {currency} end in a zero, so we round down in your favour",
    )


def check_travellers(offer: Offer, party: Mapping[str, int], travellers: Sequence[Person]) -> None:
    """Whether these people can be the party. Fewer than the party is fine, the others are named later.

    Raises BadInput, traveller by traveller: category_not_offered, traveller_name_invalid, too_many_travellers,
    date_of_birth_needed (for a price that depends on a young age), date_of_birth_invalid, age_outside_category.
    """
    named: dict[str, int] = {}
    for position, traveller in enumerate(travellers, 1):
        category = traveller.category
        if category not in PEOPLE or category not in offer.prices:
            raise _traveller(
                "category_not_offered", N_("Travellers are adults, children or infants."), position, "category"
            )
        name = " ".join(traveller.name.split())
        if not 1 <= len(name) <= 200 or not name.isprintable():
            raise _traveller(
                "traveller_name_invalid",
                N_("Please give the traveller's name, up to 200 characters."),
                position,
                "name",
            )
        named[category] = named.get(category, 0) + 1
        if named[category] > party.get(category, 0):
            raise _traveller("too_many_travellers", spoken.NAMED_MORE[category], position, "category")
        _check_birth(offer, traveller, position)


def _check_birth(offer: Offer, traveller: Person, position: int) -> None:
    born = traveller.date_of_birth
    allowed = offer.prices[traveller.category]
    if born is None:
        if traveller.category == "adult":
            return
        raise _traveller(
            "date_of_birth_needed",
            N_("Please give the date of birth: the price depends on the age."),
            position,
            "date_of_birth",
        )
    if born > offer.today or born > offer.starts_on:
        raise _traveller(
            "date_of_birth_invalid", N_("The date of birth lies in the future."), position, "date_of_birth"
        )
    age = age_on(born, offer.starts_on)
    if not allowed.min_age <= age <= allowed.max_age:
        raise _traveller(
            "age_outside_category",
            _(spoken.OTHER_AGE[traveller.category]).format(
                day=full_day(offer.starts_on), age=age, ages=spoken.ages(allowed)
            ),
            position,
            "date_of_birth",
        )


def age_on(born: date, on: date) -> int:
    """Whole years. Who was born on 29 February has their birthday on 1 March in common years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def ages(of: Price) -> str:
    """'age 12 and over', 'age 3 to 11', 'under 3', 'any age'."""
    if of.max_age >= 120:
        return f"age {of.min_age} and over" if of.min_age else "any age"
    if of.min_age == 0:
        return f"under {of.max_age + 1}"
    return f"age {of.min_age}" if of.min_age == of.max_age else f"age {of.min_age} to {of.max_age}"


def day(on: date) -> str:
    """'14 May 2027', whatever the locale of the machine."""
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"


def _party(code: str, sentence: str, category: str) -> BadInput:
    return BadInput(code, sentence, details={"field": f"party.{category}" if category else "party"})


def _extra(kind: type[Refusal], code: str, sentence: str, extra_id: UUID) -> Refusal:
    return kind(code, sentence, details={"field": "extras", "extra_id": str(extra_id)})


def _traveller(code: str, sentence: str, position: int, field: str) -> BadInput:
    return BadInput(code, sentence, details={"field": f"travellers.{position}.{field}", "traveller": position})
