"""What the agency says of itself, for whoever may change settings."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router, get, post

from jklg.backoffice.looking import Ask
from jklg.catalogue import agency
from jklg.catalogue.agency import Profile
from jklg.kit.errors import BadInput
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT = "settings_view", "settings_edit"
FIELDS = Profile.__struct_fields__


@get("/staff/agency", include_in_schema=False)
async def edit(request: Ask) -> Response[bytes]:
    """What is said now, to change."""
    person = await require_staff(request, LOOK)
    async with request.app.state.house.db.connection() as conn:
        said = await agency.get(conn)
    return _form(request, person, msgspec.to_builtins(said))


def _form(request: Ask, person: Any, form: dict[str, str], refusal: BadInput | None = None) -> Response[bytes]:
    errors = {str((refusal.details or {}).get("field", "")): _(refusal.sentence)} if refusal else {}
    return page(
        request, "backoffice/agency.html", personal=True, status=refusal.status if refusal else 200, person=person, form=form,
        errors=errors, said=bool(request.query_params.get("said")),
    )  # fmt: skip


@post("/staff/agency", include_in_schema=False, status_code=200)
async def keep(request: Ask) -> Response[bytes]:
    """Say this from now on."""
    person = await require_staff(request, ACT)
    form = await read_form(request)
    try:
        said = Profile(**{field: form.get(field, "") for field in FIELDS})
        await agency.keep(request.app.state.house.db, said, actor=f"staff:{person.id}")
    except BadInput as refusal:
        return _form(request, person, form, refusal)
    return go("/staff/agency?said=kept")


router = Router(path="/", route_handlers=[edit, keep])
