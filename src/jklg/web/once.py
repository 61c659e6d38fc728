"""A door that does its work once for each Idempotency-Key: the same request again is answered with the same bytes (docs/decisions/34)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.params import HeaderParameter

from jklg.kit.errors import Refusal
from jklg.web import errors, idempotency
from jklg.web.idempotency import Answered

Key = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", required=False, description="8 to 255 visible ASCII characters")
]


class Done(msgspec.Struct, frozen=True):
    """What a door answers. `known`: it is what came of it, and kept; else the same request asks again. `kept`: in place of the body."""

    body: bytes
    status: int = 200
    known: bool = True
    kept: bytes | None = None


async def once(
    request: Request[Any, Any, State],
    scope: str,
    key: str | None,
    do: Callable[[UUID | None], Awaitable[Done]],
    *,
    about: UUID | None = None,
    again: Callable[[Answered], Awaitable[bytes]] | None = None,
) -> Response[bytes]:
    """Do it once for this key of whoever `scope` is; `do` is given the id to use, None without a key. Whether they may ask is found out before.

    `about`: what the answer is about, to be forgotten with it. `again`: makes the body of a later answer from what was kept.
    Raises what `idempotency.claim` and `do` raise.
    """
    if key is None:
        done = await do(None)
        return _json(done.status, done.body)
    db = request.app.state.house.db
    whole = await request.body()
    print_ = idempotency.fingerprint(request.method, request.scope["path"], request.scope["query_string"], whole)
    claimed = await idempotency.claim(db, scope, key, print_, about)
    if isinstance(claimed, Answered):
        body = await again(claimed) if again else claimed.body
        return _json(claimed.status, body, {"Idempotent-Replayed": "true"})
    try:
        done = await do(claimed.resource_id)
    except Exception as error:
        if not (isinstance(error, Refusal) and error.outcome):
            await idempotency.release(db, scope, key, error)
            raise
        status, _, body = errors.answer(request.app.state.pages, request.scope, error)
        done = Done(body, status)
    if done.known:
        await idempotency.keep(db, scope, key, done.status, done.body if done.kept is None else done.kept)
    else:
        await idempotency.release(db, scope, key, None)
    return _json(done.status, done.body)


def _json(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(body, status_code=status, media_type="application/json", headers=headers)
