"""What a submitted checkout form says, read field by field: every complaint is kept beside its field, and nothing typed is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from jklg import pricing
from jklg.bookings import rules
from jklg.bookings.holds import HoldRequest, TravellerRequest
from jklg.customers.profile import Profile
from jklg.departures import Offer
from jklg.kit.errors import Conflict, Refusal
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.pricing.rules import PEOPLE
from jklg.pricing.spoken import ages

EXTRA = "extra."
SOMEBODY = ("Somebody", "somebody@example.org", "+91 00000 00000")
"""Contact details that are fine, to hear about one of them at a time."""


class TravellerFields(msgspec.Struct, kw_only=True):
    """The fields of one traveller as the page shows them."""

    prefix: str
    category: str
    title: str
    help: str
    needs_birth: bool


class Form(msgspec.Struct, kw_only=True):
    """What came in, and what is wrong with it: field name -> sentence, in the order of the page."""

    values: Mapping[str, str]
    errors: dict[str, str]
    party: dict[str, int]
    extras: list[tuple[UUID, int]]

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def quote_id(self) -> UUID | None:
        try:
            return UUID(self.value("quote_id"))
        except ValueError:
            return None

    @property
    def fingerprint(self) -> str:
        """What makes two submits the same wish: everything but the offer's own papers."""
        wish = sorted(
            (name, value.strip()) for name, value in self.values.items() if name not in ("quote_id", "attempt")
        )
        return hashlib.sha256(msgspec.json.encode(wish)).hexdigest()


def known_of(customer: Profile, preferences: Mapping[str, str]) -> dict[str, str]:
    """The form as a signed-in customer finds it: how to reach them, and what they want us to know on every journey."""
    # The agency reads this: in English, whatever the customer speaks.
    words = {"food": "Food: {}.", "beds": "Room: {}.", "notes": "{}"}
    wishes = [say.format(preferences[key]) for key, say in words.items() if preferences.get(key)]
    return {
        "name": customer.name, "email": customer.email, "phone": customer.phone, "special_requests": " ".join(wishes)
    }  # fmt: skip


def address_of(offer: Offer, form: Form, attempt: str) -> str:
    """The query of this checkout's own address: what it is about, and nothing about persons."""
    numbers = {category: str(number) for category, number in form.party.items() if number}
    extras = {f"{EXTRA}{extra_id}": str(quantity) for extra_id, quantity in form.extras}
    return urlencode({"departure": str(offer.id), "attempt": attempt, **numbers, **extras})


def read(values: Mapping[str, str], offer: Offer) -> Form:
    """The party and the extras. Numbers that are none are complained about and count as nothing."""
    form = Form(values=values, errors={}, party={}, extras=[])
    for category in PEOPLE:
        if category in offer.prices:
            form.party[category] = _number(form, category)
    for extra in offer.extras.values():
        quantity = _number(form, f"{EXTRA}{extra.id}")
        if quantity:
            form.extras.append((extra.id, quantity))
    return form


def _number(form: Form, name: str) -> int:
    text = form.value(name).strip() or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        form.errors[name] = N_("Please write a whole number, 0 or more.")
        return 0
    return int(text)


def note(form: Form, refusal: Refusal) -> None:
    """Put a refusal of price or seats beside the field that it speaks of."""
    details = refusal.details or {}
    field = str(details.get("field", ""))
    if field.startswith("party"):
        name = field.removeprefix("party").removeprefix(".") or "adult"
    elif "extra_id" in details:
        name = f"{EXTRA}{details['extra_id']}"
    elif refusal.code == "sold_out":
        name = "adult"
    else:
        name = field
    form.errors.setdefault(name, refusal.sentence)


def note_closed(form: Form, offer: Offer) -> None:
    """Nobody can book this departure any more: that comes before whatever else is wrong."""
    besides, form.errors = form.errors, {}
    if offer.bookable:
        note(form, Conflict("sold_out", "Not enough seats are left on this departure."))
    else:
        note(form, Conflict("departure_closed", "This departure can no longer be booked."))
    form.errors |= besides


def travellers_wanted(offer: Offer, party: Mapping[str, int]) -> Iterator[TravellerFields]:
    """One group of fields for each person of the party, adults first."""
    for category, (one, _many) in PEOPLE.items():
        price = offer.prices.get(category)
        number = min(party.get(category, 0), pricing.rules.MAX_PEOPLE)
        for position in range(1, number + 1) if price else ():
            yield TravellerFields(
                prefix=f"traveller.{category}.{position}",
                category=category,
                title=_("{person} {n}").format(person=_(one), n=position) if number > 1 else _(one),
                help=ages(price) if price else "",
                needs_birth=category != "adult",
            )


def check(form: Form, offer: Offer, terms: str) -> HoldRequest | None:
    """Everything that a person must have typed; `terms` is the mark of those that were shown. None when there are complaints, all of them in `form.errors`."""
    contact = [form.value(name) for name in ("name", "email", "phone")]
    for position, name in enumerate(("name", "email", "phone")):
        alone = [*SOMEBODY[:position], contact[position], *SOMEBODY[position + 1 :]]
        try:
            rules.check_contact(*alone)
        except Refusal as refusal:
            form.errors[name] = _instead_of_nothing(name) if not contact[position].strip() else refusal.sentence
    travellers = [
        traveller
        for fields in travellers_wanted(offer, form.party)
        if (traveller := _check_traveller(form, offer, fields)) is not None
    ]
    try:
        rules.check_requests(form.value("special_requests"))
    except Refusal as refusal:
        form.errors["special_requests"] = refusal.sentence
    if form.value("terms") != terms:
        form.errors["terms"] = N_("Please read the booking terms and tick the box.")
    if form.errors:
        return None
    return HoldRequest(
        departure_id=offer.id,
        party=form.party,
        name=contact[0],
        email=contact[1],
        phone=contact[2],
        extras=form.extras,
        travellers=travellers,
        quote_id=form.quote_id,
        special_requests=form.value("special_requests"),
        terms_version=terms,
    )


def _instead_of_nothing(name: str) -> str:
    return {
        "name": N_("Please give your name."),
        "email": N_("Please give your e-mail address: the confirmation goes there."),
        "phone": N_("Please give a phone number for the day of departure."),
    }[name]


def _check_traveller(form: Form, offer: Offer, fields: TravellerFields) -> TravellerRequest | None:
    """Adults may be named later; whose price depends on the age may not."""
    name = form.value(f"{fields.prefix}.name")
    born_text = form.value(f"{fields.prefix}.date_of_birth").strip()
    if not name.strip() and not born_text and not fields.needs_birth:
        return None
    born = None
    if born_text:
        try:
            born = date.fromisoformat(born_text)
        except ValueError:
            form.errors[f"{fields.prefix}.date_of_birth"] = N_(
                "Please write the date of birth as year-month-day, such as 2019-05-12."
            )
            return None
    traveller = TravellerRequest(name=name, category=fields.category, date_of_birth=born)
    if not name.strip():
        form.errors[f"{fields.prefix}.name"] = _("Please give a name for this traveller: {person}.").format(
            person=fields.title
        )
        traveller = TravellerRequest(name=SOMEBODY[0], category=fields.category, date_of_birth=born)
    try:
        pricing.rules.check_travellers(offer, form.party, [traveller])
    except Refusal as refusal:
        field = str((refusal.details or {}).get("field", "")).rpartition(".")[2]
        form.errors[f"{fields.prefix}.{field}"] = refusal.sentence
        return None
    return traveller
