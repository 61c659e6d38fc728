"""The JSON door of leaving: take everything along, and go."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from jklg.customers import leaving
from jklg.customers.answers import Message
from jklg.customers.guard import address_of, own
from jklg.customers.leaving.actions import as_document

Ask = Request[Any, Any, State]


class Leave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The password; or `freshProof: true`, when who they are was proven in this session within 15 minutes (POST /prove)."""

    password: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    fresh_proof: bool = False


@delete("/{customer_id:str}", status_code=200, summary="Delete my account")
async def erase(request: Ask, customer_id: FromPath[str], data: JSONBody[Leave]) -> Message:
    """400 `password_missing`, 401 `invalid_credentials`, 403 `proof_needed`, 429 `too_many_tries`. Trips to come are not cancelled."""
    who = own(request, customer_id)
    house = request.app.state.house
    await leaving.erase(
        house.db,
        house.settings,
        who,
        password=data.password,
        fresh_proof=data.fresh_proof,
        address=address_of(request),
        partings=house.partings,
    )
    return Message(message="Your account is deleted. Farewell.")


@get(
    "/{customer_id:str}/export",
    summary="Everything you hold on me",
    responses={200: ResponseSpec(dict[str, Any], description="One JSON document.", generate_examples=False)},
)
async def export(request: Ask, customer_id: FromPath[str]) -> Response[bytes]:
    """403 `proof_needed`: prove first (POST /prove)."""
    who = own(request, customer_id)
    house = request.app.state.house
    found = await leaving.export(house.db, who, house.exports)
    return Response(
        as_document(found),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="what-we-hold.json"', "Cache-Control": "no-store"},
    )


handlers: list[Any] = [erase, export]
