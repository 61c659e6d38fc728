"""The doors of terms of sale. They count for bookings made from now on; who has booked keeps hers."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import catalogue
from jklg.backoffice.looking import Ask, eyes_of
from jklg.kit.errors import BadInput, NotFound, Refusal
from jklg.pricing import terms
from jklg.pricing.terms import Deposit, Terms, Tier
from jklg.staff.guard import require_staff
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT = "packages_view", "packages_edit"
TIERS_SHOWN = 5
KINDS = {
    "": "No deposit: all at once",
    "percent": "Percent of the price",
    "fixed": "One sum",
    "per_person": "A sum for each person",
}


@get("/staff/terms", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """All packages with their terms."""
    person = await require_staff(request, ACT)
    async with eyes_of(request, person) as conn:
        packages = await catalogue.list_terms(conn)
    for each in packages:
        each["terms"] = terms.read(each["sales_terms"])
    return page(request, "backoffice/terms.html", personal=True, person=person, packages=packages)


@get("/staff/terms/{slug:str}", include_in_schema=False)
async def edit(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """The terms of one package, to change."""
    person = await require_staff(request, ACT)
    return await _form(request, person, slug)


async def _form(
    request: Ask, person: Any, slug: str, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        found = next((each for each in await catalogue.list_terms(conn) if each["slug"] == slug), None)
    if found is None:
        raise NotFound("package_not_found", "We cannot find this package.")
    return page(
        request,
        "backoffice/terms_of_package.html",
        personal=True,
        status=refusal.status if refusal else 200,
        person=person,
        package=found,
        kinds=KINDS,
        rows=range(TIERS_SHOWN),
        form=_shown(terms.read(found["sales_terms"])) if form is None else form,
        error=refusal.sentence if refusal else "",
        said="From now on it is sold under these terms." if request.query_params.get("said") else "",
    )


@post("/staff/terms/{slug:str}", include_in_schema=False, status_code=200)
async def keep(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """Sell it under these terms from now on."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        wanted = terms.check(_read(form))
        await catalogue.set_terms(
            request.app.state.house.db, slug, msgspec.to_builtins(wanted), actor=f"staff:{person.id}"
        )
    except BadInput as refused:
        return await _form(request, person, slug, form, refused)
    return go(f"/staff/terms/{slug}?said=kept")


def _read(form: dict[str, str]) -> Terms:
    deposit = None
    if form.get("kind"):
        if form["kind"] not in KINDS:
            raise BadInput("deposit_invalid", "Please choose a kind of deposit.")
        deposit = Deposit(kind=form["kind"], value=_whole(form, "value"))  # type: ignore[arg-type]
    tiers = tuple(
        Tier(days_before=_whole(form, f"days.{row}"), percent=_whole(form, f"percent.{row}"))
        for row in range(TIERS_SHOWN)
        if form.get(f"days.{row}", "").strip()
    )
    days = _whole(form, "balance_days") if form.get("balance_days", "").strip() else 0
    return Terms(deposit=deposit, balance_days=days, tiers=tiers, keeps_deposit=bool(form.get("keeps_deposit")))


def _whole(form: dict[str, str], field: str) -> int:
    text = form.get(field, "").strip()
    if not re.fullmatch("[0-9]{1,15}", text):
        raise BadInput("terms_invalid", "Please give whole numbers.", details={"field": field})
    return int(text)


def _shown(kept: Terms) -> dict[str, str]:
    shown = {
        "kind": kept.deposit.kind if kept.deposit else "",
        "value": str(kept.deposit.value) if kept.deposit else "",
        "balance_days": str(kept.balance_days) if kept.balance_days else "",
        "keeps_deposit": "1" if kept.keeps_deposit else "",
    }
    for row, tier in enumerate(kept.tiers):
        shown |= {f"days.{row}": str(tier.days_before), f"percent.{row}": str(tier.percent)}
    return shown


router = Router(path="/", route_handlers=[overview, edit, keep])
