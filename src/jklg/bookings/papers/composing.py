"""Voucher and itinerary, from the booking and its package as they are today. They carry the guest's private link, so they are hers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from jklg.bookings.queries import Booking, Traveller
from jklg.catalogue import Package
from jklg.kit.languages import figures, ngettext
from jklg.kit.languages import gettext as _
from jklg.kit.paper import Block, Code, Day, Facts, Heading, Items, Large, Paper, Words
from jklg.kit.paper.blocks import qr
from jklg.settings import Settings
from jklg.web.papers import paper


def voucher(
    settings: Settings, booking: Booking, package: Package, travellers: Sequence[Traveller], paid: int, link: str
) -> Paper:
    """The paper to be shown on the day of departure. `paid` in minor units; `link` opens the booking without a password; '' leaves it out."""
    going = [each for each in travellers if each.cancelled_at is None]
    due = max(booking.price - paid, 0)
    money = _("Paid in full")
    if due:
        money = _("{amount} still to pay").format(amount=figures.money_text(due, booking.currency))
    rows = [
        (_("Journey"), booking.package_name),
        (_("Dates"), _dates(booking)),
        *([(_("Meeting point"), package.meeting_point)] if package.meeting_point else []),
        (_("Party"), people(booking.going)),
        (_("Booked by"), f"{booking.name}, {booking.phone}"),
        (_("Payment"), money),
        *([(_("You told us"), " ".join(booking.special_requests.split()))] if booking.special_requests else []),
    ]
    blocks: list[Block] = [
        Large(label=_("Booking reference"), value=booking.reference),
        Facts(rows=rows),
        *_named(going),
        *_listed(_("Booked"), [_booked(line) for line in booking.lines]),
        *_listed(_("Included"), package.included),
        *_listed(_("Not included"), package.excluded),
        *_code(booking, link),
    ]
    return paper(settings, _("Travel voucher"), blocks, which=booking.reference, under=booking.package_name)


def itinerary(settings: Settings, booking: Booking, package: Package) -> Paper:
    """Day by day, with the dates of this departure."""
    rows = [(_("Dates"), _dates(booking)), (_("Meeting point"), package.meeting_point)]
    blocks: list[Block] = [
        Facts(rows=[(what, how) for what, how in rows if how]),
        Words(parts=_paragraphs(package.summary)),
    ]
    if package.days:
        blocks.append(Heading(words=_("Day by day")))
    for day in package.days:
        meals = _("Meals: {meals}").format(meals=day.meals) if day.meals else ""
        night = _("Night: {place}").format(place=day.overnight) if day.overnight else ""
        blocks.append(
            Day(
                title=_("Day {n}: {title}").format(n=figures.figure(day.day), title=day.title),
                when=figures.long_day(booking.starts_on + timedelta(days=day.day - 1)),
                lines=_paragraphs(day.description),
                notes=" · ".join(each for each in (meals, night) if each),
            )
        )
    return paper(settings, _("Itinerary"), blocks, which=booking.reference, under=booking.package_name)


def people(party: Mapping[str, int]) -> str:
    """'2 adults, 1 child'."""
    said = [
        ngettext("{n} adult", "{n} adults", party.get("adult", 0)).format(n=party.get("adult")),
        ngettext("{n} child", "{n} children", party.get("child", 0)).format(n=party.get("child")),
        ngettext("{n} infant", "{n} infants", party.get("infant", 0)).format(n=party.get("infant")),
    ]
    kinds = ("adult", "child", "infant")
    return _(", ").join(words for kind, words in zip(kinds, said, strict=True) if party.get(kind))


def _dates(booking: Booking) -> str:
    return _("{first} to {last}").format(first=figures.day(booking.starts_on), last=figures.day(booking.ends_on))


def _named(going: Sequence[Traveller]) -> list[Block]:
    return _listed(_("Travellers"), [each.name for each in going])


def _code(booking: Booking, link: str) -> list[Block]:
    if not link:
        return []
    return [
        Code(
            picture=qr(link),
            alt=_("QR code that opens booking {reference}").format(reference=booking.reference),
            words=_("Show this code when you arrive. It opens your booking without a password: keep it to yourself."),
            url=link,
            shown=_("Open booking {reference}").format(reference=booking.reference),
        )
    ]


def _booked(line: Mapping[str, object]) -> str:
    sold_as = str(line["label"])
    label = _(sold_as)
    return label if line["quantity"] == 1 else f"{label} × {line['quantity']}"


def _listed(heading: str, parts: Sequence[str]) -> list[Block]:
    return [Heading(words=heading), Items(parts=parts)] if parts else []


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n") if part.strip()]
