"""Terms of sale in the language that is spoken: the one source of what a journey's page, its checkout, the text that is agreed to, and the page
of giving up say. Pure but for the language of this moment. Whoever changes a word gives the booking terms another version."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jklg.kit.languages import gettext as _
from jklg.kit.languages import ngettext
from jklg.kit.languages.figures import money_text, percent
from jklg.pricing.terms.rules import Deposit, Terms


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Sentences: when what is paid, and what comes back of a paid booking that is given up."""

    paying: list[str]
    giving_up: list[str]


def say(terms: Terms, currency: str) -> Said:
    """Of every departure and every party alike. `currency` is that of a fixed deposit."""
    return Said(paying=[_paying(terms, currency)], giving_up=giving_up(terms, deposit=terms.deposit is not None))


def giving_up(terms: Terms, *, deposit: bool) -> list[str]:
    """What comes back. `deposit`: whether one confirms the booking."""
    return list(_giving_up(terms, deposit))


def _giving_up(terms: Terms, deposit: bool) -> Iterator[str]:
    tiers = sorted((tier for tier in terms.tiers if tier.percent), key=lambda tier: -tier.days_before)
    for tier in tiers:
        share = percent(tier.percent)
        if tier.days_before:
            yield ngettext(
                "Given up %(n)s day before departure or earlier: %(percent)s comes back.",
                "Given up %(n)s days before departure or earlier: %(percent)s comes back.",
                tier.days_before,
            ) % {"n": tier.days_before, "percent": share}
        elif len(tiers) > 1:
            yield _("Given up later: {percent} comes back.").format(percent=share)
        else:
            yield _("Given up at any time before departure: {percent} comes back.").format(percent=share)
    if not terms.tiers:
        yield _(
            "For a paid booking, please write to us; we cancel it together and tell you beforehand what comes back."
        )
    elif not tiers:
        yield _("Of a paid booking that is given up, nothing comes back.")
    elif tiers[-1].days_before:
        yield _("Given up later: nothing comes back.")
    if tiers and deposit:
        yield _(
            "These are shares of the price. We send back what you have paid beyond the part that we keep; you never owe us more for giving up."
        )
    if terms.keeps_deposit and deposit:
        yield _("When nobody travels, the deposit does not come back.")


def _paying(terms: Terms, currency: str) -> str:
    if terms.deposit is None:
        return _("The whole price is due at once.")
    amount, days = _deposit(terms.deposit, currency), terms.balance_days
    if days == 0:
        return _("A deposit of {amount} confirms the booking; the rest is due on the day of departure.").format(
            amount=amount
        )
    return ngettext(
        "A deposit of %(amount)s confirms the booking; the rest is due %(n)s day before departure. Who books later pays all at once.",
        "A deposit of %(amount)s confirms the booking; the rest is due %(n)s days before departure. Who books later pays all at once.",
        days,
    ) % {"amount": amount, "n": days}


def _deposit(deposit: Deposit, currency: str) -> str:
    if deposit.kind == "percent":
        return _("{percent} of the price").format(percent=percent(deposit.value))
    amount = money_text(deposit.value, currency)
    return _("{amount} for each person").format(amount=amount) if deposit.kind == "per_person" else amount
