"""The one place where a refusal, or an accident, becomes an answer: JSON for /api, a page that helps everywhere else."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from jklg.kit.errors import BadInput, Refusal, Unavailable
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _

log = logging.getLogger(__name__)

DESCRIPTION = """\
Amounts are whole minor units next to an ISO 4217 `currency`; times are ISO 8601 in UTC; ids are UUIDs.

Every refusal has one shape: `{"error": "<a sentence for people>", "code": "<a word that never changes>", "details": {…}}`;
`details` is there when it helps, e.g. `{"field": "party.adult"}`. Every answer carries `X-Request-Id`. 503 `unavailable` may be asked again.
A guest proves a booking with its manage token, in the header `X-Booking-Token`.

Where money moves an `Idempotency-Key` may be sent: the same request again is answered with the same bytes and `Idempotent-Replayed: true`.
"""

HTTP_WORDS = {
    400: ("bad_request", "We could not understand this request."),
    401: ("not_signed_in", "Please sign in first."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take requests of this kind."),
    413: ("too_large", "This is larger than we accept: one mebibyte."),
    415: ("unsupported_media_type", "We do not read this kind of content."),
    429: ("too_many_requests", "Too many requests. Please wait a moment."),
}

BUSY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InterfaceError,
    ConnectionError,
    TimeoutError,
)
"""The database is away, starting, overloaded or chose us as the victim: asking again is right."""


class Answer(NamedTuple):
    """What will be said. `details` are for programs, `headers` for both."""

    status: int
    code: str
    sentence: str
    details: dict[str, object] | None = None
    headers: dict[str, str] | None = None


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's exception handler for everything."""
    status, headers, body = answer(request.app.state.pages, request.scope, error)
    media_type = headers.pop("content-type").partition(";")[0]  # Litestar adds the charset
    return Response(body, status_code=status, headers=headers, media_type=media_type)


def answer(pages: Any, scope: Any, error: Exception) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) in the form that the asker reads."""
    said = explain(error, request_id(scope))
    if said.status == 422 and said.code != "unknown_field" and _knows_400_only(scope):
        said = said._replace(status=400)
    return _write(pages, scope, said)


BAD_INPUT_IS_400 = {"bad_input_is_400": True}
"""The `opt` of doors whose older clients know 400 for whatever is missing or malformed."""


def _knows_400_only(scope: Any) -> bool:
    handler = scope.get("route_handler")
    return handler is not None and "bad_input_is_400" in handler.opt


def explain(error: Exception, request: str) -> Answer:
    """What to say about `error`. What was nobody's fault outside is logged, with its stack, and never shown."""
    if isinstance(error, Refusal):
        if error.log or isinstance(error, Unavailable):
            log.info("refused %s: %s", request, error)
        return Answer(error.status, error.code, error.sentence, error.details, retry_after(error))
    if isinstance(error, ValidationException):
        return _validation(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        code, sentence = HTTP_WORDS.get(error.status_code, HTTP_WORDS[400])
        return Answer(error.status_code, code, sentence, None, dict(error.headers or {}))
    if isinstance(error, msgspec.ValidationError):
        return Answer(422, "wrong_type", f"{str(error).replace('`', '')}.")
    if isinstance(error, asyncpg.DataError) and "(expected " not in str(error):  # that would be our own slip of types
        log.warning("refused %s: the database cannot hold it: %r", request, error)
        return Answer(
            422, "invalid_value", "Something in this request is out of range or has a character we cannot keep."
        )
    if isinstance(error, BUSY) and not isinstance(error, asyncpg.DataError):
        log.error("unavailable %s: %r", request, error)
        return Answer(
            503, "unavailable", "We cannot answer at this moment. Please try again.", None, {"Retry-After": "2"}
        )
    log.error("unexpected %s", request, exc_info=error)
    return Answer(
        500,
        "internal",
        "Something went wrong on our side. We have written it down.",
        {"request_id": request},
    )


def retry_after(refusal: Refusal) -> dict[str, str] | None:
    """When to ask again, as a header. For pages that show a refusal themselves, too."""
    return {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None


def _validation(error: ValidationException) -> Answer:
    """Litestar refused a parameter, or the body is missing."""
    problems = error.extra if isinstance(error.extra, list) else []
    problem: dict[str, Any] = problems[0] if problems and isinstance(problems[0], dict) else {}
    field = str(problem.get("key", ""))
    if not problem or field == "data":
        missing = BadInput(
            "missing_body" if field == "data" else "parameter_missing", "Something is missing from this request."
        )
        return Answer(missing.status, missing.code, missing.sentence)
    sentence = f"{str(problem.get('message', 'This is not valid')).replace('`', '')}, in {field}."
    return Answer(422, "wrong_type", sentence, {"field": field})


def _write(pages: Any, scope: Any, answer: Answer) -> tuple[int, dict[str, str], bytes]:
    headers = {"cache-control": "no-store", **(answer.headers or {})}
    if wants_json(scope):
        body: dict[str, object] = {"error": answer.sentence, "code": answer.code}
        if answer.details:
            body["details"] = answer.details
        headers["content-type"] = "application/json"
        return answer.status, headers, msgspec.json.encode(body, enc_hook=str)
    headers["content-type"] = "text/html; charset=utf-8"
    page = pages.render(
        "web/error.html",
        scope,
        answer=answer,
        title=_(_title(answer)),
        request_id=request_id(scope),
        words=_words_of(scope["path"]) if answer.status == 404 else "",
        popular=pages.popular if answer.status == 404 or answer.status >= 500 else (),
    )
    return answer.status, headers, page


async def send(out: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """A whole answer, over ASGI."""
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    if body:
        lines.append((b"content-length", b"%d" % len(body)))
    await out({"type": "http.response.start", "status": status, "headers": lines})
    await out({"type": "http.response.body", "body": body})


def wants_json(scope: Any) -> bool:
    path: str = scope["path"]
    return path.startswith("/api/") or path == "/api"


def request_id(scope: Any) -> str:
    return str(scope.get("jklg.request_id", "-"))


def _words_of(path: str) -> str:
    """What somebody may have looked for, by the end of the address: /packages/kashmir-blis is 'kashmir blis'."""
    return re.sub(r"[^a-z]+", " ", path.rpartition("/")[2].lower()).strip()[:60]


_TITLES = {
    404: N_("This page is not on our map"),
    403: N_("This came from somewhere else"),
    405: N_("This cannot be opened directly"),
    409: N_("That is not possible now"),
    413: N_("That is too large"),
    429: N_("One moment, please"),
    500: N_("Something broke on our side"),
    503: N_("We will be back in a moment"),
}


def _title(answer: Answer) -> str:
    if answer.code.startswith("booking_not_found"):
        return N_("We cannot show this booking here")
    return _TITLES.get(answer.status, N_("That did not work"))
