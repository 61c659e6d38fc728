"""What says that a payment arrived: a receipt, written from the payment itself. It asks for nothing and needs no number of a series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from jklg.bookings import Booking
from jklg.invoices import Invoice, Seller
from jklg.invoices.papers import footer, seller
from jklg.kit.gateways import gateway_name
from jklg.kit.languages import figures
from jklg.kit.languages import gettext as _
from jklg.kit.paper import Block, Facts, Large, Paper, Parties, Party, Words
from jklg.payments.queries import Transaction
from jklg.payments.words import GATEWAY_WORDS
from jklg.settings import Settings
from jklg.web.papers import paper


def receipt(
    settings: Settings, sold_by: Seller, booking: Booking, payment: Transaction, invoices: Sequence[Invoice]
) -> Paper:
    """`payment` has captured money. What was sent back since is said, so that nobody reads it as still ours."""
    how = _(GATEWAY_WORDS.get(payment.gateway, (gateway_name(payment.gateway), ""))[0])
    if payment.payment_method and payment.payment_method != "card":
        how = _(", ").join((how, _(payment.payment_method.replace("_", " "))))
    rows = [
        (_("Received on"), figures.day(day_of(payment, settings.seller_time_zone))),
        (_("How"), how),
        *([(_("Number of the payment"), payment.ref)] if payment.ref else []),
        *([(_("For invoice"), invoices[0].number)] if invoices else []),
        (_("Booking reference"), booking.reference),
        (_("Journey"), booking.package_name),
        (_("Dates"), _("{first} to {last}").format(first=figures.day(booking.starts_on), last=figures.day(booking.ends_on))),
    ]  # fmt: skip
    if payment.refunded:
        rows.append((_("Sent back since"), figures.money_text(payment.refunded, payment.currency)))
    kept = msgspec.to_builtins(sold_by)
    blocks: list[Block] = [
        Parties(parties=[seller(kept), Party(label=_("Received from"), name=booking.name, lines=[booking.email])]),
        Large(label=_("Amount received"), value=figures.money_text(payment.captured, payment.currency)),
        Facts(rows=rows),
    ]
    if not payment.livemode:
        blocks.append(Words(parts=[_("Paid with play money, to try things out.")], quiet=True))
    return paper(settings, _("Receipt"), blocks, which=booking.reference, footer=footer(kept))


def day_of(payment: Transaction, time_zone: str) -> date:
    """The day it arrived, on the seller's calendar."""
    return (payment.completed_at or payment.created_at).astimezone(ZoneInfo(time_zone)).date()
