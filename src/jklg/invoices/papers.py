"""An invoice or a credit note as a paper: what was frozen in it, in the words of whoever reads it."""

from __future__ import annotations

from datetime import date
from typing import Any

from jklg.bookings.papers import people
from jklg.invoices.queries import Invoice
from jklg.kit.languages import figures
from jklg.kit.languages import gettext as _
from jklg.kit.paper import Block, Facts, Figures, Heading, Paper, Parties, Party, Words
from jklg.settings import Settings
from jklg.web.papers import paper


def paper_of(settings: Settings, invoice: Invoice) -> Paper:
    """PDF of what was written; nothing of it is looked up anew."""
    note = invoice.kind == "credit_note"
    blocks: list[Block] = [
        Parties(parties=[seller(invoice.seller), _buyer(invoice.buyer)]),
        Facts(rows=[(_("Number"), invoice.number), (_("Date"), figures.day(invoice.issued_on)), *_facts(invoice)]),
        Heading(words=_("What is credited") if note else _("What is invoiced")),
        _lines(invoice),
    ]
    words = [each for each in (_due(invoice), invoice.seller.get("note", "")) if each]
    if words:
        blocks.append(Words(parts=words))
    return paper(
        settings, _("Credit note") if note else _("Invoice"), blocks, which=invoice.number, footer=footer(invoice.seller)
    )  # fmt: skip


def seller(kept: dict[str, Any]) -> Party:
    lines = [*kept.get("address", ()), *([kept["tax_id"]] if kept.get("tax_id") else [])]
    return Party(label=_("From"), name=kept["name"], lines=lines)


def footer(kept: dict[str, Any]) -> list[str]:
    return [each for each in (kept["name"], *kept.get("address", ()), kept.get("tax_id", "")) if each]


def _buyer(kept: dict[str, Any]) -> Party:
    address = kept.get("address") or {}
    town = " ".join(each for each in (address.get("postal_code"), address.get("city")) if each)
    lines = [address.get("street"), town, address.get("state"), address.get("country"), kept.get("email")]
    return Party(label=_("To"), name=kept.get("name") or _("Name forgotten"), lines=[each for each in lines if each])


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    journey = invoice.journey
    first, last = date.fromisoformat(journey["starts_on"]), date.fromisoformat(journey["ends_on"])
    rows = [(_("For invoice"), invoice.corrected)] if invoice.corrected else []
    rows += [
        (_("Booking reference"), journey["reference"]),
        (_("Journey"), journey["package"]),
        (_("Dates"), _("{first} to {last}").format(first=figures.day(first), last=figures.day(last))),
    ]
    return rows


def _lines(invoice: Invoice) -> Figures:
    counted = any("unit_amount" in line for line in invoice.lines)  # a credit note has nothing to multiply
    columns = [_("What"), _("Number"), _("Each"), _("Amount")] if counted else [_("What"), _("Amount")]
    rows = []
    for line in invoice.lines:
        each = figures.money_text(line["unit_amount"], invoice.currency) if "unit_amount" in line else ""
        number = figures.figure(line["quantity"]) if "quantity" in line else ""
        who = people(line["party"]) if line.get("party") else ""
        cells = (number, each) if counted else ()
        label = line["label"]
        rows.append((_(label), *cells, figures.money_text(line["amount"], invoice.currency), who))
    total = _("Total credited") if invoice.kind == "credit_note" else _("Total")
    return Figures(
        columns=columns,
        rows=rows,
        totals=[(f"{total} ({invoice.currency})", figures.money_text(invoice.amount, invoice.currency), True)],
    )


def _due(invoice: Invoice) -> str:
    """Until when it is to be paid, where that was agreed; what has been paid is said by receipts."""
    due_on = invoice.terms.get("balance_due_on")
    deposit = invoice.terms.get("deposit_amount")
    if invoice.kind == "credit_note" or not due_on or not deposit or deposit >= invoice.amount:
        return ""
    return _("{deposit} confirms the booking; the rest, {rest}, is due by {day}.").format(
        deposit=figures.money_text(deposit, invoice.currency),
        rest=figures.money_text(invoice.amount - deposit, invoice.currency),
        day=figures.day(date.fromisoformat(due_on)),
    )
